"""A classifier that is ready to predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from PIL import Image

from animl_kedro.images import open_image
from animl_kedro.tables import PROBABILITY_PREFIX

if TYPE_CHECKING:
    import torch
    from torch import nn

    from animl_kedro.classifier.preprocessing import Preprocessing

ImageLike = str | Path | Image.Image | np.ndarray

BATCH_SIZE = 32


@dataclass(frozen=True)
class Classifier:
    """A network with the labels that its outputs stand for and the preprocessing that it was trained with.

    ``labels`` are in the order of the network's outputs. ``provenance`` tells how the classifier came about: its
    parameters, its metrics, the versions that made it.
    """

    backbone: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    network: nn.Module = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def predict(self, images: ImageLike | Sequence[ImageLike]) -> pd.DataFrame:
        """Classify one crop or several, each showing one animal.

        Crops are paths, Pillow images or (height, width, 3) uint8 RGB arrays.

        Returns one row an image, in order: ``predicted``, the likeliest label, ``confidence``, its probability, and a
        column of probabilities for each label; a row's sum to 1. Raises UnreadableImageError for a file that is not
        a whole image.
        """
        several = [images] if isinstance(images, str | Path | Image.Image | np.ndarray) else images
        probabilities = self.probabilities(map(_as_image, several))
        best = probabilities.argmax(axis=1)
        table = pd.DataFrame(probabilities, columns=[f"{PROBABILITY_PREFIX}{label}" for label in self.labels])
        table.insert(0, "predicted", np.array(self.labels, dtype=object)[best])
        table.insert(1, "confidence", probabilities.max(axis=1, initial=0))
        return table

    def probabilities(self, images: Iterable[Image.Image]) -> np.ndarray:
        """Classify RGB images: (n_images, n_classes) float64 probabilities, rows sum to 1."""
        import torch  # noqa: PLC0415 - torch takes seconds to import

        device = next(self.network.parameters()).device
        self.network.eval()
        batches = []
        with torch.inference_mode():
            for batch in _batches(map(self.preprocessing, images)):
                logits = self.network(batch.to(device, memory_format=torch.channels_last))
                batches.append(logits.double().softmax(dim=1).cpu().numpy())
        return np.concatenate(batches) if batches else np.empty((0, len(self.labels)))


def _batches(tensors: Iterator[torch.Tensor]) -> Iterator[torch.Tensor]:
    import torch  # noqa: PLC0415 - torch takes seconds to import

    while batch := list(islice(tensors, BATCH_SIZE)):
        yield torch.stack(batch)


def _as_image(image: ImageLike) -> Image.Image:
    if isinstance(image, str | Path):
        return open_image(Path(image))
    picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
    return picture.convert("RGB")

"""A classifier that is ready to predict."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.classifier.prediction import Predictor
from animl_kedro.classifier.sources import (
    Box,
    Boxes,
    ImageLike,
    as_image,
    as_picture,
    as_several,
    boxes_by_image,
    in_pixels,
    name_of,
)
from animl_kedro.classifier.temperature import probabilities_of
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.cropping.pictures import cut_as_stored
from animl_kedro.errors import InputError
from animl_kedro.images import UnreadableImageError
from animl_kedro.tables import PROBABILITY_PREFIX

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import nn

    from animl_kedro.classifier.preprocessing import Preprocessing

__all__ = ["Box", "Boxes", "Classifier", "ImageLike"]


@dataclass(frozen=True)
class Classifier:
    """A network with the labels that its outputs stand for, and with all that is needed to use it right.

    ``labels`` are in the order of the network's outputs. ``temperature`` is what its logits are divided by before they
    become probabilities. ``cropping`` is how the crops that it was trained on were made, or None where that is not
    known. ``provenance`` tells how the classifier came about: its training data, parameters, metrics and versions.
    """

    backbone: str
    labels: tuple[str, ...]
    preprocessing: Preprocessing
    network: nn.Module = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)
    temperature: float = 1.0
    cropping: CroppingParams | None = None

    def predict(
        self, images: ImageLike | Sequence[ImageLike], boxes: Box | Boxes | Sequence[Boxes] | None = None
    ) -> pd.DataFrame:
        """Classify crops, each showing one animal, or the animals in boxes of whole photographs.

        Images are paths, Pillow images or uint8 arrays, (height, width, 3) of RGB or (height, width) of grey; one, or
        several. `boxes` are fractions in MegaDetector's order, [left, top, width, height], for one image its box or its
        boxes, for several a list of boxes each; `RelativeBox.from_animl` makes them of Animl's. They are cropped as
        the crops were that the classifier was trained on.

        Returns one row a crop, in order: ``image`` and ``box``, the numbers of both from 0, only where boxes are given;
        ``predicted``, the likeliest label, ``confidence``, its probability, and a column of probabilities for each
        label; a row's sum to 1. Raises UnreadableImageError for a file that is not a whole image, and InputError for
        what is no image or no box, or where boxes are given and ``cropping`` is not known.
        """
        several = as_several(images)
        if boxes is None:
            logits = [logits for _, logits in self.predictor.logits(several, lambda image: (None, [as_image(image)]))]
            return self._table(logits)
        by_image = boxes_by_image(boxes, images, len(several))
        tasks = list(zip(several, by_image, range(len(several)), strict=True))
        logits = [logits for _, logits in self.predictor.logits(tasks, lambda task: (None, self._crops(*task)))]
        table = self._table(logits)
        counts = [len(own) for own in by_image]
        table.insert(0, "image", np.repeat(np.arange(len(several)), counts))
        table.insert(1, "box", np.concatenate([np.arange(0), *map(np.arange, counts)]))
        return table

    def probabilities(self, images: Iterable[Image]) -> NDArray[np.float64]:
        """Classify upright RGB images of crops: (n_images, n_classes) probabilities, rows sum to 1."""
        logits = [logits for _, logits in self.predictor.logits(images, lambda image: (None, [image]))]
        return self._probabilities(logits)

    @cached_property
    def predictor(self) -> Predictor:
        """The network at work, on a GPU if there is one."""
        return Predictor(self.network, self.preprocessing, len(self.labels))

    @cached_property
    def checksum(self) -> str:
        """Sixteen hexadecimal digits that change with anything that predictions depend on."""
        settings = [self.backbone, self.labels, self.preprocessing.to_json(), self.temperature]
        cropping = self.cropping.model_dump(mode="json") if self.cropping else None
        digest = hashlib.sha256(json.dumps([*settings, cropping]).encode())
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def known_cropping(self) -> CroppingParams:
        """How boxes are cropped. Raises InputError where it is not known."""
        if self.cropping is None:
            raise InputError(
                "This classifier does not tell how the crops that it was trained on were made, so that boxes cannot be "
                "cropped in the same way: train it again, give it crops instead, or say how: "
                "dataclasses.replace(classifier, cropping=CroppingParams(shape='square', margin=0.05))."
            )
        return self.cropping

    def _crops(self, image: ImageLike, boxes: Boxes, number: int) -> list[Image]:
        cropping = self.known_cropping()
        name = name_of(image, number)
        try:
            picture = as_picture(image)
            return cut_as_stored(picture, in_pixels(boxes, picture, name), cropping)
        except UnreadableImageError as error:
            raise UnreadableImageError(f"{name}: {error}") from error

    def _probabilities(self, logits: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        empty = np.empty((0, len(self.labels)), dtype=np.float32)
        return probabilities_of(np.concatenate([empty, *logits]), self.temperature)

    def _table(self, logits: Sequence[NDArray[np.float32]]) -> pd.DataFrame:
        probabilities = self._probabilities(logits)
        best = probabilities.argmax(axis=1)
        table = pd.DataFrame(probabilities, columns=[f"{PROBABILITY_PREFIX}{label}" for label in self.labels])
        table.insert(0, "predicted", np.array(self.labels, dtype=object)[best])
        table.insert(1, "confidence", probabilities.max(axis=1, initial=0))
        return table

"""The crops of a split as torch wants them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL.Image import Image
from torch.utils.data import DataLoader, Dataset

from animl_kedro.errors import InputError
from animl_kedro.images import open_image
from animl_kedro.pipelines.modeling.batches import EpochBatches, SeededItems, Share
from animl_kedro.pipelines.modeling.parameters import ModelingParams

Item = tuple[torch.Tensor, int]


class CropDataset(Dataset[Item]):
    """Gives (3, size, size) tensors of crops with the index of their label."""

    def __init__(
        self, paths: Sequence[Path], targets: Sequence[int], transform: Callable[[Image], torch.Tensor]
    ) -> None:
        self.paths = paths
        self.targets = targets
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        return self.transform(open_image(self.paths[index])), self.targets[index]


def drawing_weights(crops: pd.DataFrame, sample_weights: pd.DataFrame, params: ModelingParams) -> np.ndarray | None:
    """How often each training crop is drawn, (n_crops,) with mean 1, or None for each once.

    Raises InputError where `SampleWeights` is not of these crops, or where a class would never be drawn.
    """
    if params.weight_column is None:
        return None
    if len(crops) != len(sample_weights) or not crops["crop_id"].isin(sample_weights["crop_id"]).all():
        raise InputError(
            f"sample_weights has {len(sample_weights)} crops, and not those {len(crops)} of the training split. Run "
            "first: kedro run --pipeline=dataset_split"
        )
    weights = crops["crop_id"].map(sample_weights.set_index("crop_id")[params.weight_column])
    is_drawn = weights.groupby(crops["label"]).sum() > 0
    if not is_drawn.all():
        raise InputError(
            f"All training crops of {', '.join(is_drawn.index[~is_drawn])} have a confidence of 0, so that they would "
            "never be drawn: set modeling.weight_by_confidence to false, or check the confidence_calibration."
        )
    return weights.to_numpy(float)


def training_loader(dataset: CropDataset, batches: EpochBatches, params: ModelingParams) -> DataLoader[Item]:
    """Batches of the training split, as `batches` draws them."""
    return _loader(SeededItems(dataset), batches, params)


def evaluation_loader(dataset: CropDataset, batches: Share, params: ModelingParams) -> DataLoader[Item]:
    """Batches of a split in its order."""
    return _loader(dataset, batches, params)


def _loader(dataset: Dataset[Item], batches: EpochBatches | Share, params: ModelingParams) -> DataLoader[Item]:
    return DataLoader(
        dataset,
        batch_sampler=batches,
        num_workers=params.loader_workers,
        persistent_workers=params.loader_workers > 0,
        pin_memory=torch.cuda.is_available() and params.device != "cpu",
        generator=torch.Generator(),  # or a pass would take a number from torch's own
    )

"""Loading crops: the same batches whatever the threads, and faults told before training and in it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from animl_kedro.classifier.augmentation import Augmentation
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.batches import EpochBatches, Share
from animl_kedro.pipelines.modeling.crops import check_crops
from animl_kedro.pipelines.modeling.loading import CropLoader
from animl_kedro.places import RemotePlace

CROPS = 11
SIZE = 24


@pytest.fixture
def ids(tmp_path: Path) -> pd.Series:
    rng = np.random.default_rng(0)
    names = [f"{number:02}.jpg" for number in range(CROPS)]
    for name in names:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(tmp_path / name)
    return pd.Series(names, dtype=str)


def make_loader(
    folder: ImageFolder, ids: pd.Series, batches: Any, threads: int = 2, square_of: Any = None
) -> CropLoader:
    return CropLoader(
        folder,
        ids.array,
        np.arange(len(ids)) % 3,
        batches,
        square_of or Augmentation("cameratraps", SIZE),
        Preprocessing(SIZE),
        device=torch.device("cpu"),
        threads=threads,
    )


def test_batches_do_not_depend_on_the_number_of_threads(tmp_path: Path, ids: pd.Series) -> None:
    passes = [list(make_loader(ImageFolder(tmp_path), ids, EpochBatches(CROPS, 4, 1), threads)) for threads in (1, 5)]
    assert [len(images) for images, _ in passes[0]] == [4, 4, 3]
    for (images, targets), (again, targets_again) in zip(*passes, strict=True):
        assert torch.equal(images, again)
        assert torch.equal(targets, targets_again)


def test_an_epoch_differs_from_the_next(tmp_path: Path, ids: pd.Series) -> None:
    batches = EpochBatches(CROPS, CROPS, 1)
    loader = make_loader(ImageFolder(tmp_path), ids, batches)
    ((first, _),) = loader
    batches.epoch = 1
    ((second, _),) = loader
    assert not torch.equal(first.sum((1, 2, 3)).sort()[0], second.sum((1, 2, 3)).sort()[0])


def test_validation_crops_are_as_prediction_sees_them_with_their_classes(tmp_path: Path, ids: pd.Series) -> None:
    preprocessing = Preprocessing(SIZE)
    folder = ImageFolder(tmp_path)
    loader = make_loader(folder, ids, Share(CROPS, 4), square_of=lambda crop, _: preprocessing.square(crop.whole()))
    images, targets = (torch.cat(parts) for parts in zip(*loader, strict=True))
    assert torch.equal(images, torch.stack([preprocessing(folder[crop_id]) for crop_id in ids]))
    assert targets.tolist() == [number % 3 for number in range(CROPS)]
    assert len(loader) == 3


def test_crops_may_be_in_a_remote_folder(tmp_path: Path, ids: pd.Series) -> None:
    remote = ImageFolder(RemotePlace(f"file://{tmp_path}"))
    local = ImageFolder(tmp_path)
    pair = [
        torch.cat([images for images, _ in make_loader(folder, ids, Share(CROPS, 4))]) for folder in (local, remote)
    ]
    assert torch.equal(*pair)
    check_crops(ids, remote)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda path: path.unlink(), "there is no such file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-40]), "truncated"),
        (lambda path: path.write_bytes(b""), "empty"),
        (lambda path: path.write_bytes(b"<html>"), "not an image"),
    ],
)
def test_crops_that_cannot_be_read_are_told_before_training_and_in_it(
    damage: Any, told: str, tmp_path: Path, ids: pd.Series
) -> None:
    check_crops(ids, ImageFolder(tmp_path))
    damage(tmp_path / ids[4])
    damage(tmp_path / ids[7])
    with pytest.raises(InputError, match=rf"2 of 11 crops .* the first is 04.jpg \(.*{told}.*kedro run"):
        check_crops(ids, ImageFolder(tmp_path))
    with pytest.raises(InputError, match=rf"The crop 04.jpg cannot be read \(.*{told}"):
        list(make_loader(ImageFolder(tmp_path), ids, Share(CROPS, 4)))

"""Loading crops: the same batches whatever the threads, and faults told before training and in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from animl_kedro.classifier.augmentation import Augmentation
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.squares import PlainSquare
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.batches import EpochBatches, Share
from animl_kedro.pipelines.modeling.crops import check_crops
from animl_kedro.pipelines.modeling.loading import CropLoader, open_workers
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


@contextmanager
def open_loader(
    folder: ImageFolder,
    ids: pd.Series,
    batches: Any,
    square_of: Any = None,
    *,
    workers: int = 2,
    processes: bool = False,
) -> Iterator[CropLoader]:
    with open_workers(workers, batches.largest, SIZE, as_processes=processes) as opened:
        yield CropLoader(
            folder,
            ids.array,
            np.arange(len(ids)) % 3,
            batches,
            square_of or Augmentation("cameratraps", SIZE),
            Preprocessing(SIZE),
            device=torch.device("cpu"),
            workers=opened,
        )


def loaded(*arguments: Any, **options: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    with open_loader(*arguments, **options) as loader:
        return list(loader)


def test_batches_do_not_depend_on_the_workers(tmp_path: Path, ids: pd.Series) -> None:
    passes = [
        loaded(ImageFolder(tmp_path), ids, EpochBatches(CROPS, 2, 1), workers=workers, processes=processes)
        for workers, processes in ((1, False), (5, False), (2, True))
    ]
    assert [len(images) for images, _ in passes[0]] == [2, 2, 2, 2, 2]  # more than are worked on ahead
    for (images, targets), *others in zip(*passes, strict=True):
        assert all(torch.equal(images, again) and torch.equal(targets, their) for again, their in others)


def test_a_pass_that_is_left_does_not_disturb_the_next(tmp_path: Path, ids: pd.Series) -> None:
    with open_loader(ImageFolder(tmp_path), ids, Share(CROPS, 2), workers=5) as loader:
        whole = list(loader)
        for _ in range(5):
            images, _ = next(iter(loader))
            assert torch.equal(images, whole[0][0])
        for (images, _), (before, _) in zip(loader, whole, strict=True):
            assert torch.equal(images, before)


def test_an_epoch_differs_from_the_next(tmp_path: Path, ids: pd.Series) -> None:
    batches = EpochBatches(CROPS, CROPS, 1)
    with open_loader(ImageFolder(tmp_path), ids, batches) as loader:
        ((first, _),) = loader
        batches.epoch = 1
        ((second, _),) = loader
    assert not torch.equal(first.sum((1, 2, 3)).sort()[0], second.sum((1, 2, 3)).sort()[0])


def test_validation_crops_are_as_prediction_sees_them_with_their_classes(tmp_path: Path, ids: pd.Series) -> None:
    preprocessing = Preprocessing(SIZE)
    folder = ImageFolder(tmp_path)
    batches = loaded(folder, ids, Share(CROPS, 4), PlainSquare(preprocessing))
    images, targets = (torch.cat(parts) for parts in zip(*batches, strict=True))
    assert torch.equal(images, torch.stack([preprocessing(folder[crop_id]) for crop_id in ids]))
    assert targets.tolist() == [number % 3 for number in range(CROPS)]
    assert len(batches) == len(Share(CROPS, 4)) == 3


def test_crops_may_be_in_a_remote_folder(tmp_path: Path, ids: pd.Series) -> None:
    remote, local = ImageFolder(RemotePlace(f"file://{tmp_path}")), ImageFolder(tmp_path)
    pair = [torch.cat([images for images, _ in loaded(folder, ids, Share(CROPS, 4))]) for folder in (local, remote)]
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
        loaded(ImageFolder(tmp_path), ids, Share(CROPS, 4))

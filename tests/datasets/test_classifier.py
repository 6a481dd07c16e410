"""The classifier as a catalog entry."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from kedro.io import DatasetError, Version
from PIL import Image

from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.datasets.classifier import CARD, WEIGHTS, ClassifierDataset
from animl_kedro.images import UnreadableImageError

LABELS = ("NA", "fox", "<b>bird</b>")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    torch.manual_seed(0)
    network = build_network("efficientnet-b0", 3, 64)
    for _ in range(3):
        network.train()(torch.rand(4, 3, 64, 64))
    return Classifier("efficientnet-b0", LABELS, Preprocessing(64), network.eval(), {"best": {"epoch": 4}})


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(0)
    return [Image.fromarray(rng.integers(0, 256, (50 + n, 70, 3), dtype=np.uint8)) for n in range(5)]


def test_loaded_classifier_predicts_what_the_saved_one_did(
    classifier: Classifier, pictures: list[Image.Image], tmp_path: Path
) -> None:
    dataset = ClassifierDataset(filepath=str(tmp_path / "classifier"))
    assert not dataset.exists()
    dataset.save(classifier)
    assert dataset.exists()
    loaded = dataset.load()
    assert (loaded.labels, loaded.preprocessing, loaded.provenance) == (
        LABELS,
        Preprocessing(64),
        {"best": {"epoch": 4}},
    )
    assert (loaded.predict(pictures) == classifier.predict(pictures)).all(axis=None)


def test_versions_are_kept_side_by_side(classifier: Classifier, tmp_path: Path) -> None:
    path = str(tmp_path / "classifier")
    for version in ("2026-01-01T00.00.00.000Z", "2026-02-01T00.00.00.000Z"):
        ClassifierDataset(filepath=path, version=Version(None, version)).save(classifier)
    latest = ClassifierDataset(filepath=path, version=Version(None, None))
    assert latest.resolve_load_version() == "2026-02-01T00.00.00.000Z"
    assert latest.load().labels == LABELS
    assert not list(tmp_path.rglob("*.part"))


def test_saving_again_without_versions_replaces(classifier: Classifier, tmp_path: Path) -> None:
    dataset = ClassifierDataset(filepath=str(tmp_path / "classifier"))
    dataset.save(classifier)
    dataset.save(classifier)
    assert sorted(path.name for path in (tmp_path / "classifier").iterdir()) == [CARD, WEIGHTS]


def test_absent_classifier_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not hold a classifier"):
        ClassifierDataset(filepath=str(tmp_path / "classifier")).load()


@pytest.mark.parametrize(
    "change", [{"labels": ["one"]}, {"backbone": "efficientnet-b1"}, {"backbone": "os.system"}, {"preprocessing": {}}]
)
def test_changed_card_is_an_error_that_names_the_folder(
    classifier: Classifier, change: dict[str, object], tmp_path: Path
) -> None:
    folder = tmp_path / "classifier"
    dataset = ClassifierDataset(filepath=str(folder))
    dataset.save(classifier)
    card = json.loads((folder / CARD).read_text()) | change
    (folder / CARD).write_text(json.dumps(card))
    with pytest.raises(DatasetError, match=str(folder)):
        dataset.load()


def test_predicting_paths_arrays_and_pictures_agree(
    classifier: Classifier, pictures: list[Image.Image], tmp_path: Path
) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(len(pictures))]
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    tables = [classifier.predict(images) for images in (paths, pictures, [np.asarray(p) for p in pictures])]
    assert (tables[0] == tables[1]).all(axis=None)
    assert (tables[0] == tables[2]).all(axis=None)
    probabilities = tables[0].filter(like="probability_")
    assert probabilities.sum(axis=1).to_numpy() == pytest.approx(1)
    assert list(probabilities) == [f"probability_{label}" for label in LABELS]
    assert (tables[0]["predicted"] == np.array(LABELS)[probabilities.to_numpy().argmax(axis=1)]).all()


def test_predicting_one_image_and_none(classifier: Classifier, pictures: list[Image.Image]) -> None:
    assert len(classifier.predict(pictures[0])) == 1
    assert len(classifier.predict([])) == 0


def test_predicting_a_broken_file_is_an_error(classifier: Classifier, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 cut off")
    with pytest.raises(UnreadableImageError):
        classifier.predict(tmp_path / "broken.jpg")

"""The classifier as a catalog entry."""

import json
from pathlib import Path

import numpy as np
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from kedro.io import DatasetError, Version
from PIL import Image

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.folder import CARD, WEIGHTS
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.datasets.classifier import ClassifierDataset
from network_factories import make_network

LABELS = ("NA", "fox", "<b>bird</b>")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    cropping = CroppingParams(shape="pad", margin=0.2, max_side=60)
    return Classifier(
        "efficientnet-b0", LABELS, Preprocessing(64), make_network(64), {"best": {"epoch": 4}}, 1.7, cropping
    )


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
    assert (loaded.temperature, loaded.cropping) == (1.7, classifier.cropping)
    assert loaded.checksum == classifier.checksum
    assert (loaded.predict(pictures) == classifier.predict(pictures)).all(axis=None)


def test_folder_of_an_earlier_version_loads_as_it_was(classifier: Classifier, tmp_path: Path) -> None:
    dataset = ClassifierDataset(filepath=str(tmp_path / "classifier"))
    dataset.save(classifier)
    card = tmp_path / "classifier" / CARD
    content = json.loads(card.read_text())
    card.write_text(json.dumps({name: content[name] for name in ("backbone", "labels", "preprocessing", "provenance")}))
    loaded = dataset.load()
    assert (loaded.temperature, loaded.cropping) == (1.0, None)
    assert loaded.checksum != classifier.checksum


def test_versions_are_kept_side_by_side(classifier: Classifier, tmp_path: Path) -> None:
    path = str(tmp_path / "classifier")
    for version in ("2026-01-01T00.00.00.000Z", "2026-02-01T00.00.00.000Z"):
        ClassifierDataset(filepath=path, version=Version(None, version)).save(classifier)
    latest = ClassifierDataset(filepath=path, version=Version(None, None))
    assert latest.resolve_load_version() == "2026-02-01T00.00.00.000Z"
    assert latest.load().labels == LABELS
    assert not list(tmp_path.rglob("*.part"))


def test_classifier_in_a_store_is_there_when_both_of_its_files_are(classifier: Classifier) -> None:
    path = "memory://results/classifier"
    dataset = ClassifierDataset(filepath=path, version=Version(None, "2026-01-01T00.00.00.000Z"))
    assert not dataset.exists()
    dataset.save(classifier)
    assert dataset.exists()
    loaded = ClassifierDataset(filepath=path, version=Version(None, None)).load()
    assert (loaded.labels, loaded.temperature) == (classifier.labels, classifier.temperature)
    (card,) = MemoryFileSystem().glob("/**/classifier.json")
    MemoryFileSystem().rm_file(card)
    assert not dataset.exists()


def test_saving_again_without_versions_replaces(classifier: Classifier, tmp_path: Path) -> None:
    dataset = ClassifierDataset(filepath=str(tmp_path / "classifier"))
    dataset.save(classifier)
    dataset.save(classifier)
    assert sorted(path.name for path in (tmp_path / "classifier").iterdir()) == [CARD, WEIGHTS]


def test_absent_classifier_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not hold a classifier"):
        ClassifierDataset(filepath=str(tmp_path / "classifier")).load()


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ["one"]},
        {"backbone": "efficientnet-b1"},
        {"backbone": "os.system"},
        {"preprocessing": {}},
        {"temperature": "hot"},
        {"cropping": {"shape": "round"}},
    ],
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

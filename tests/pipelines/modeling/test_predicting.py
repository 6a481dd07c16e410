"""Predictions of crops in files, and calibration by them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.temperature import fit_temperature, log_loss, probabilities_of
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.errors import InputError
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.nodes import calibrate_classifier, predict_crops
from animl_kedro.pipelines.modeling.pipeline import create_pipeline
from animl_kedro.tables import Predictions, Split, data_checksum, with_splits
from crop_factories import make_crops, make_labeled_crops, write_crops
from network_factories import make_network

LABELS = ("bird", "fox", "lizard")
SETTINGS: dict[str, Any] = CroppingParams(margin=0.3).model_dump(mode="json")

Tables = tuple[pd.DataFrame, pd.DataFrame, ImageFolder]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    crops = make_crops(locations=6, crops=40)
    labeled = make_labeled_crops(crops)
    splits = pd.DataFrame({"crop_id": labeled["crop_id"], "split": ["train", "val", "test", "val"] * 10, "fold": None})
    return labeled, splits, write_crops(crops, tmp_path_factory.mktemp("crops"))


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier("efficientnet-b0", LABELS, Preprocessing(32), make_network(32), {"best": {"epoch": 2}})


def test_predictions_hold_every_crop_once_with_logits_that_give_its_probabilities(
    classifier: Classifier, tables: Tables
) -> None:
    labeled, splits, folder = tables
    calibrated = calibrate_classifier(classifier, labeled, splits, folder, SETTINGS)
    shuffled = labeled.sample(frac=1, random_state=0)
    predictions = Predictions.validate(predict_crops(calibrated, shuffled, splits, folder))
    assert predictions["crop_id"].tolist() == sorted(labeled["crop_id"])
    logits = predictions[[f"logit_{label}" for label in LABELS]].to_numpy()
    assert logits.dtype == np.float32
    with torch.no_grad():
        pixels = torch.stack([classifier.preprocessing(folder[crop_id]) for crop_id in predictions["crop_id"]])
        assert logits == pytest.approx(classifier.network(pixels).numpy(), abs=1e-5)
    probabilities = predictions[[f"probability_{label}" for label in LABELS]].to_numpy()
    assert (probabilities == probabilities_of(logits, calibrated.temperature)).all()


def test_calibration_is_by_the_validation_split_alone_and_is_told(classifier: Classifier, tables: Tables) -> None:
    labeled, splits, folder = tables
    calibrated = calibrate_classifier(classifier, labeled, splits, folder, SETTINGS)
    predictions = predict_crops(classifier, labeled, splits, folder).query(f"split == '{Split.VAL}'")
    logits = predictions.filter(regex="^logit_").to_numpy()
    targets = predictions["label"].map(LABELS.index).to_numpy()
    assert calibrated.temperature == pytest.approx(fit_temperature(logits, targets).temperature, rel=1e-4)
    assert log_loss(logits, targets, calibrated.temperature) < log_loss(logits, targets)
    assert calibrated.cropping == CroppingParams(margin=0.3)
    assert calibrated.provenance["best"] == {"epoch": 2}
    assert calibrated.provenance["calibration"]["crops"] == 20
    assert "calibration" not in classifier.provenance


def test_checksum_of_the_training_data_is_told_and_is_of_ids_classes_and_splits(
    classifier: Classifier, tables: Tables
) -> None:
    labeled, splits, folder = tables
    crops = with_splits(labeled, splits)
    told = calibrate_classifier(classifier, labeled, splits, folder, SETTINGS).provenance["training_data"]["checksum"]
    assert data_checksum(crops.sample(frac=1, random_state=0)) == told
    for column in ("crop_id", "label", "split"):
        changed = crops.assign(**{column: crops[column].where(crops.index > 0, "another")})
        assert data_checksum(changed) != told


def test_splits_that_have_changed_since_the_training_are_refused(classifier: Classifier, tables: Tables) -> None:
    labeled, splits, folder = tables
    trained = replace(classifier, provenance={"crops": {"val": 19, "train": 11, "test": 10}})
    with pytest.raises(InputError, match=r"The splits have .*'val': 20.* was trained with .*'val': 19"):
        calibrate_classifier(trained, labeled, splits, folder, SETTINGS)


def test_a_classifier_of_other_classes_is_refused(classifier: Classifier, tables: Tables) -> None:
    labeled, splits, folder = tables
    other = labeled.assign(label=labeled["label"].replace("fox", "wolf"))
    with pytest.raises(InputError, match="crops of wolf, and the classifier knows bird, fox, lizard"):
        calibrate_classifier(classifier, other, splits, folder, SETTINGS)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_crop_that_cannot_be_read_is_named(
    classifier: Classifier, tables: Tables, is_there: bool, tmp_path: Path
) -> None:
    labeled, splits, _ = tables
    folder = write_crops(make_crops(locations=6, crops=40), tmp_path)
    path = folder.path_of(labeled["crop_id"][7])
    path.write_bytes(path.read_bytes()[:300]) if is_there else path.unlink()
    with pytest.raises(InputError, match=r"The crop island/0007.jpg___crop00.jpg cannot be read .* kedro run"):
        predict_crops(classifier, labeled, splits, folder)


def test_older_predictions_without_logits_are_still_predictions() -> None:
    table = pd.DataFrame({"crop_id": ["a"], "split": ["val"], "label": ["fox"], "probability_fox": [1.0]})
    assert list(Predictions.validate(table)) == list(table)


def test_the_classifier_of_the_catalog_is_the_calibrated_one() -> None:
    (node,) = (node for node in create_pipeline().nodes if "classifier" in node.outputs)
    assert node.func is calibrate_classifier

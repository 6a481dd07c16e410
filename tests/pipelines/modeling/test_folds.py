"""A classifier for every fold."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError
from sklearn.metrics import average_precision_score

from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.folds import measure_pooled, splits_of_fold
from animl_kedro.pipelines.modeling.nodes import classify_folds
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.tables import FoldAveragePrecision, Split
from crop_factories import make_crops, make_labeled_crops, write_crops

INDEX = {"0": "bird", "1": "fox", "2": "lizard"}


def params(**changes: object) -> ModelingParams:
    options = {"image_size": 32, "epochs": 1, "batch_size": 8, "device": "cpu", "folds": True}
    return ModelingParams.model_validate(options | changes)


def test_folds_classify_every_crop_once_by_a_classifier_of_the_others(tmp_path: Path) -> None:
    crops = make_crops(crops=45)
    images = write_crops(crops, tmp_path / "crops")
    labeled = make_labeled_crops(crops)
    fold = pd.Series(np.arange(45) % 3, dtype="Int64")
    splits = pd.DataFrame({"crop_id": labeled["crop_id"], "split": "train", "fold": fold})
    predictions, measured = classify_folds(labeled, splits, INDEX, images, tmp_path / "checkpoints", params())
    assert predictions["crop_id"].tolist() == sorted(labeled["crop_id"])
    together = predictions.merge(splits, on="crop_id", suffixes=("", "_of_split"))
    assert together["fold"].tolist() == together["fold_of_split"].tolist()
    assert set(measured["label"]) == {*INDEX.values(), "macro", "weighted", "micro"}
    assert not list((tmp_path / "checkpoints").glob("*.pt"))


def test_splits_of_a_fold_turn_with_it() -> None:
    fold = pd.Series([0, 1, 2, 3])
    assert splits_of_fold(fold, 0, 4).tolist() == [Split.TEST, Split.VAL, Split.TRAIN, Split.TRAIN]
    assert splits_of_fold(fold, 3, 4).tolist() == [Split.VAL, Split.TRAIN, Split.TRAIN, Split.TEST]


def test_folds_that_are_not_wanted_are_tables_without_a_row(tmp_path: Path) -> None:
    crops = make_crops(crops=10)
    labeled = make_labeled_crops(crops)
    splits = pd.DataFrame({"crop_id": labeled["crop_id"], "split": "train", "fold": pd.NA})
    images = write_crops(crops, tmp_path)
    tables = classify_folds(labeled, splits, INDEX, images, tmp_path, params(folds=False))
    assert [len(table) for table in tables] == [0, 0]


def test_folds_of_splits_without_any_are_refused(tmp_path: Path) -> None:
    crops = make_crops(crops=10)
    labeled = make_labeled_crops(crops)
    splits = pd.DataFrame(
        {"crop_id": labeled["crop_id"], "split": "train", "fold": pd.Series(pd.NA, range(10), "Int64")}
    )
    with pytest.raises(InputError, match=r"the splits have 0 folds: set dataset_split.method to kfold"):
        classify_folds(labeled, splits, INDEX, write_crops(crops, tmp_path), tmp_path, params())


def test_folds_drawn_by_confidence_are_refused() -> None:
    with pytest.raises(ValidationError, match="folds and weight_by_confidence are both true"):
        params(weight_by_confidence=True)


def test_average_precision_of_all_folds_is_of_their_pooled_probabilities() -> None:
    rng = np.random.default_rng(0)
    crops = make_labeled_crops(make_crops(crops=60))
    probabilities = rng.dirichlet(np.ones(3), size=60)
    predictions = pd.DataFrame(probabilities, columns=[f"probability_{label}" for label in INDEX.values()])
    predictions = predictions.assign(crop_id=crops["crop_id"], fold=np.arange(60) % 3, label=crops["label"])
    measured = FoldAveragePrecision.validate(measure_pooled(predictions, crops)).set_index("label")
    expected = [
        average_precision_score(crops["label"] == label, probabilities[:, column])
        for column, label in enumerate(INDEX.values())
    ]
    assert measured.loc[list(INDEX.values()), "average_precision"].tolist() == pytest.approx(expected)
    assert measured.loc["macro", "average_precision"] == pytest.approx(np.mean(expected))
    of_fox = crops[crops["label"] == "fox"]
    assert measured.loc["fox", "locations"] == of_fox["location"].nunique()
    assert measured.loc["fox", "positives"] == len(of_fox)

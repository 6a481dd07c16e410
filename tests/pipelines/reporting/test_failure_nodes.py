"""The nodes that tell where the classifier fails and how it stands to earlier ones, with their catalog entries."""

import json
import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog
from kedro.runner import SequentialRunner
from PIL import Image

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.earlier_predictions import NO_EARLIER_PREDICTIONS, EarlierPredictions
from animl_kedro.hooks import OldVersionHook
from animl_kedro.pipelines.reporting import create_pipeline, nodes
from animl_kedro.pipelines.reporting.parameters import (
    LabelErrorParams,
    ReportingParams,
    ThresholdParams,
    ThresholdTarget,
)
from animl_kedro.tables import Crops, Split
from factories import catalog_entries
from reporting_factories import HOSTILE_LABELS, make_crops, make_predictions, without

NAMES = (
    "measure_crop_saturations",
    "measure_performance_by_group",
    "list_label_errors",
    "recommend_thresholds",
    "compare_with_earlier",
)
LABELS = (*HOSTILE_LABELS, "=cmd|' /C calc'!A0", "+1", "-1", "@x", "a,b", 'a "b"', "two\nlines", "'=1")
FIRST, SECOND = "2026-01-01T00.00.00.000Z", "2026-02-01T00.00.00.000Z"


def run(folder: Path, predictions: pd.DataFrame, crops: pd.DataFrame) -> DataCatalog:
    """Run the nodes with the project's entries, their files below another folder."""
    entries = catalog_entries("reporting")
    catalog = DataCatalog.from_config(
        {name: entry | {"filepath": str(folder / entry["filepath"])} for name, entry in entries.items()}
    )
    catalog["predictions"] = predictions
    catalog["crops"] = crops
    catalog["crop_images"] = ImageFolder(folder)
    catalog["params:reporting"] = ReportingParams(bootstrap_rounds=100)
    pipeline = create_pipeline().filter(node_names=[f"reporting.{name}" for name in NAMES])
    SequentialRunner().run(pipeline, catalog)
    return catalog


def save_version(folder: Path, predictions: pd.DataFrame, version: str) -> None:
    path = folder / "data" / "07_model_output" / "predictions.parquet" / version
    path.mkdir(parents=True)
    predictions.to_parquet(path / "predictions.parquet")


def test_nodes_with_hostile_labels_write_tables_that_load_as_they_were(tmp_path: Path) -> None:
    predictions = without(make_predictions(LABELS, crops=600, skill=1), "val", "NA")
    hostile = [LABELS[number % len(LABELS)] for number in range(len(predictions))]
    crops = make_crops(predictions).assign(location=hostile, annotation_id=None, label=hostile)
    crops = Crops.validate(crops.assign(datetime=crops["datetime"].where(crops.index % 2 == 0)))
    catalog = run(tmp_path, predictions, crops)
    params = ReportingParams()
    saturations = catalog.load("crop_saturations")
    assert saturations["fault"].unique().tolist() == ["the file is missing"]
    expected = {
        "performance_by_group": nodes.measure_performance_by_group(predictions, crops, saturations, params),
        "label_errors": nodes.list_label_errors(predictions, crops, params),
        "recommended_thresholds": nodes.recommend_thresholds(predictions, crops, params)[0],
    }
    for name, table in expected.items():
        assert len(table)
        pd.testing.assert_frame_equal(catalog.load(name), table, obj=name)
    assert len(catalog.load("comparison")) == 0
    assert catalog.load("promotion")["verdict"] == "nothing_to_compare"
    assert set(catalog.load("animl_thresholds")["categoryConfig"]) == set(LABELS) - {"NA"}
    for path in (tmp_path / "data" / "08_reporting").glob("*.csv/*/*.csv"):
        cells = pd.read_csv(path, keep_default_na=False, dtype=str).to_numpy().ravel()
        texts = [cell for cell in cells if not cell.replace(".", "").replace("e-", "").lstrip("-").isdigit()]
        assert not [text for text in texts if text.startswith(("=", "+", "-", "@", "\n"))], path.name


def test_nodes_with_an_earlier_version_compare_with_it(tmp_path: Path) -> None:
    predictions = make_predictions(crops=540, locations=36, skill=3)
    save_version(tmp_path, make_predictions(crops=540, locations=36, skill=0.5), FIRST)
    save_version(tmp_path, predictions, SECOND)
    catalog = run(tmp_path, predictions, make_crops(predictions))
    comparison, promotion = catalog.load("comparison"), catalog.load("promotion")
    assert comparison["label"].tolist() == ["bird", "fox", "skunk", "macro"]
    assert (promotion["verdict"], FIRST in promotion["earlier"]) == ("better", True)
    assert promotion["macro"]["difference"] == comparison["difference"].iloc[-1]
    (file,) = tmp_path.glob("data/08_reporting/promotion.json/*/promotion.json")
    assert json.loads(file.read_text())["verdict"] == "better"


@pytest.mark.parametrize(("load_versions", "rows"), [({"predictions": FIRST}, 0), ({}, 3), (None, 3)])
def test_report_of_an_old_version_is_compared_with_the_one_before_that(
    tmp_path: Path, load_versions: dict[str, str] | None, rows: int
) -> None:
    save_version(tmp_path, make_predictions(crops=3), FIRST)
    save_version(tmp_path, make_predictions(), SECOND)
    entry = catalog_entries("reporting")["earlier_predictions"]
    catalog = DataCatalog.from_config({"earlier_predictions": entry | {"filepath": str(tmp_path / entry["filepath"])}})
    OldVersionHook().after_catalog_created(catalog, load_versions)
    assert len(catalog.load("earlier_predictions").table) == rows


def test_saturation_of_pictures_that_cannot_be_read_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    predictions = make_predictions()
    first = tmp_path / min(predictions.loc[predictions["split"] == "test", "crop_id"])
    first.parent.mkdir(parents=True)
    Image.fromarray(np.full((20, 20, 3), (200, 100, 100), dtype=np.uint8)).save(first, "JPEG", quality=95)
    with caplog.at_level(logging.INFO):
        saturations = nodes.measure_crop_saturations(predictions, ImageFolder(tmp_path))
    assert "71 of 72 pictures of crops cannot be read" in caplog.text
    assert "measured the saturation of 1 crops" in caplog.text
    assert saturations["saturation"].dropna().tolist() == pytest.approx([0.5], abs=0.03)
    assert "train" not in set(predictions.set_index("crop_id").loc[saturations["crop_id"], "split"])


def test_label_errors_in_the_training_are_told_to_be_fewer(caplog: pytest.LogCaptureFixture) -> None:
    predictions = make_predictions()
    params = ReportingParams(label_errors=LabelErrorParams(splits=(Split.TRAIN,)))
    nodes.list_label_errors(predictions, make_crops(predictions), params)
    assert "since they were learned" in caplog.text


def test_thresholds_that_fall_short_are_told(caplog: pytest.LogCaptureFixture) -> None:
    predictions = without(make_predictions(skill=0), "test", "fox")
    thresholds = ThresholdParams(split=Split.TEST, default=ThresholdTarget(precision=1.0))
    nodes.recommend_thresholds(predictions, make_crops(predictions), ReportingParams(thresholds=thresholds))
    assert "no threshold can be chosen without a crop: fox" in caplog.text
    assert "no threshold reaches the target, and the best there is was taken" in caplog.text
    assert "chosen on the test crops" in caplog.text


def test_classes_that_animl_cannot_take_a_threshold_for_are_told(caplog: pytest.LogCaptureFixture) -> None:
    predictions = make_predictions(("bird sp.", "$fox", "micro", "rat$"))
    _, kept = nodes.recommend_thresholds(predictions, make_crops(predictions), ReportingParams())
    assert "a class with a dot, or a dollar in front: $fox, bird sp." in caplog.text
    assert set(kept["categoryConfig"]) == {"bird sp.", "$fox", "micro", "rat$"}


def test_comparison_tells_what_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    predictions = make_predictions()
    crops, params = make_crops(predictions), ReportingParams(bootstrap_rounds=100)
    earlier = EarlierPredictions(predictions.assign(split="train"), "earlier.parquet")
    comparison, promotion = nodes.compare_with_earlier(predictions, crops, earlier, params)
    assert (len(comparison), promotion["verdict"]) == (0, "nothing_to_compare")
    assert "comparing with earlier.parquet: 36 test crops are left out because the earlier classifier" in caplog.text
    assert nodes.compare_with_earlier(predictions, crops, NO_EARLIER_PREDICTIONS, params)[1]["earlier"] is None

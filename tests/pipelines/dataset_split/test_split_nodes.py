"""The nodes of the dataset split pipeline."""

import logging

import pandas as pd
import pytest
from pydantic import ValidationError

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.location_splits import LocationSplits
from animl_kedro.formats.taxonomy import Taxonomy
from animl_kedro.pipelines.dataset_split.balance import check_disjoint
from animl_kedro.pipelines.dataset_split.nodes import assign_splits, label_crops, plot_splits, summarize_splits
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.tables import LabeledCrops, Split, Splits, SplitSummary
from crop_factories import (
    crop_row,
    make_crops,
    make_image_files,
    make_labeled_crops,
    split_crops,
    split_params,
    with_rows,
)

LABEL_MAP = LabelMap.of({label: [label] for label in ("bird", "fox", "lizard", "skunk")})

NONE = LocationSplits()


@pytest.fixture(scope="module")
def labeled() -> pd.DataFrame:
    return label_crops(make_crops(locations=15, crops=300), LABEL_MAP, Taxonomy(), split_params())[0]


def test_label_index_is_alphabetical_as_cameratraps_writes_it() -> None:
    crops, index, _ = label_crops(make_crops(), LABEL_MAP, Taxonomy(), split_params())
    assert index == {"0": "bird", "1": "fox", "2": "lizard"}
    assert LabeledCrops.validate(crops) is not None


def test_splits_hold_every_crop_once_and_share_no_location(labeled: pd.DataFrame) -> None:
    splits, joined, scores = assign_splits(labeled, make_image_files(labeled), NONE, NONE, split_params())
    assert sorted(Splits.validate(splits)["crop_id"]) == sorted(labeled["crop_id"])
    merged = labeled.merge(splits, on="crop_id")
    assert (merged.groupby("location")["split"].nunique() == 1).all()
    assert set(splits["split"]) == set(Split)
    assert joined.empty
    assert scores["objective"] <= scores["best_random_try"]
    assert scores["locations"] == scores["units"] == 15


def test_splits_tell_in_the_log_what_a_person_should_know(
    labeled: pd.DataFrame, caplog: pytest.LogCaptureFixture
) -> None:
    one_sequence = labeled.assign(sequence_id=pd.Series("1", labeled.index).where(labeled.index < 100))
    with caplog.at_level(logging.WARNING), pytest.raises(InputError, match="the sequence '1', which is seen at 15 loc"):
        assign_splits(one_sequence, make_image_files(labeled), NONE, NONE, split_params())
    small = labeled["location"].isin([f"place {n}" for n in range(5)])
    some = labeled.assign(sequence_id=pd.Series("1", labeled.index).where(small))
    with caplog.at_level(logging.WARNING):
        assign_splits(some, make_image_files(labeled), NONE, NONE, split_params())
    assert "5 of 15 locations stay together in one split, most of all because of the sequence '1'" in caplog.text


def test_splits_of_two_datasets_tell_locations_of_one_name_apart() -> None:
    crops = make_crops(locations=4, crops=40)
    other = crops.assign(crop_id="other/" + crops["crop_id"], image_id="other" + crops["image_id"], dataset="other")
    labeled = make_labeled_crops(pd.concat([crops, other]))
    merged = labeled.merge(split_crops(labeled, split_params()), on="crop_id")
    assert (merged.groupby(["dataset", "location"])["split"].nunique() == 1).all()
    assert (merged.groupby("location")["split"].nunique() > 1).any()


def test_splits_with_too_few_locations_are_refused() -> None:
    labeled = make_labeled_crops(make_crops(locations=2))
    with pytest.raises(InputError, match="3 splits need 3 locations, got 2"):
        split_crops(labeled, split_params())
    with pytest.raises(InputError, match="5 folds need 5 locations, got 2"):
        split_crops(labeled, split_params(method="kfold"))


def test_summary_counts_add_up_with_a_row_for_every_split_and_class(labeled: pd.DataFrame) -> None:
    params = split_params()
    summary = SplitSummary.validate(summarize_splits(labeled, split_crops(labeled, params), NONE, params))
    assert len(summary) == 3 * labeled["label"].nunique()
    assert summary["crops"].sum() == len(labeled)
    totals = summary.groupby("label")[["crop_share", "location_share", "wanted_share"]].sum()
    assert totals.to_numpy() == pytest.approx(1)
    assert summary["deviation"].to_numpy() == pytest.approx(summary["crop_share"] - summary["wanted_share"])


def test_summary_with_a_fixed_test_wants_of_the_others_what_it_leaves(labeled: pd.DataFrame) -> None:
    params = split_params(val_fraction=0.2, test_fraction=0.2)
    fixed = LocationSplits({("island", "place 1"): "test"}, source="fixed.json")
    splits, _, _ = assign_splits(labeled, make_image_files(labeled), NONE, fixed, params)
    summary = summarize_splits(labeled, splits, fixed, params)
    train, val, test = (summary[summary["split"] == split] for split in Split)
    assert (test["deviation"] == 0).all()
    left = 1 - test["crop_share"].to_numpy()
    assert val["wanted_share"].to_numpy() == pytest.approx(left / 4)
    assert train["wanted_share"].to_numpy() == pytest.approx(left * 3 / 4)


def test_summary_of_a_class_that_a_split_lacks_warns_with_its_name_and_locations(
    caplog: pytest.LogCaptureFixture,
) -> None:
    labeled = make_labeled_crops(with_rows(make_crops(locations=9), [crop_row(900, "place 1", "skunk")]))
    params = split_params()
    with caplog.at_level(logging.WARNING):
        summary = summarize_splits(labeled, split_crops(labeled, params), NONE, params)
    assert (summary.query("label == 'skunk'")["crops"] == 0).sum() == 2
    assert caplog.text.count("the class skunk cannot be ") == 1
    assert "its 1 crops are at 1 locations (island/place 1)" in caplog.text


def test_disjointness_check_of_a_shared_location_sequence_or_file_fails(labeled: pd.DataFrame) -> None:
    files = make_image_files(labeled)
    splits = split_crops(labeled, split_params())
    check_disjoint(labeled, files, splits)
    moved = splits.assign(split=[Split.TRAIN if n % 2 else Split.TEST for n in range(len(splits))])
    with pytest.raises(AssertionError, match="locations in more than one split"):
        check_disjoint(labeled, files, moved)
    with pytest.raises(AssertionError, match="1 crops have no split"):
        check_disjoint(labeled, files, splits.iloc[1:])
    with pytest.raises(AssertionError, match="sequences in more than one split"):
        check_disjoint(labeled.assign(sequence_id="1"), files, splits)
    with pytest.raises(AssertionError, match="files in more than one split"):
        check_disjoint(labeled, files.assign(checksum="1"), splits)


def test_fractions_that_leave_no_training_data_are_refused_with_the_sum() -> None:
    with pytest.raises(ValidationError, match=r"val_fraction \+ test_fraction = 1.1 leaves no training data"):
        DatasetSplitParams(val_fraction=0.5, test_fraction=0.6)


def test_fractions_of_folds_are_their_parts() -> None:
    fractions = DatasetSplitParams(method="kfold", folds=4).fractions
    assert list(fractions.values()) == [0.5, 0.25, 0.25]


def test_keeping_splits_with_folds_is_refused() -> None:
    with pytest.raises(ValidationError, match="keep: true keeps train, val and test, and the method kfold has folds"):
        DatasetSplitParams(method="kfold", keep=True)


@pytest.mark.parametrize("classes", [2, 40])
def test_plot_of_the_summary_names_every_class_with_what_was_wanted(labeled: pd.DataFrame, classes: int) -> None:
    params = split_params()
    crops = labeled.assign(label=[f"class {n % classes:02d}" for n in range(len(labeled))])
    summary = summarize_splits(crops, split_crops(crops, params), NONE, params)
    figure = plot_splits(summary)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == sorted(crops["label"].unique())
    got = sorted(bar.get_width() for bar in figure.axes[0].patches)
    assert got == pytest.approx(sorted(summary["crop_share"]))
    wanted = sorted(float(x) for line in figure.axes[0].lines for x in line.get_xdata())
    assert wanted == pytest.approx(sorted(summary["wanted_share"]))

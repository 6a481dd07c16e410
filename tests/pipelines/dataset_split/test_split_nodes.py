"""The nodes of the dataset split pipeline."""

import logging

import pandas as pd
import pytest
from pydantic import ValidationError

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.taxonomy import Taxonomy
from animl_kedro.pipelines.dataset_split.balance import check_disjoint
from animl_kedro.pipelines.dataset_split.nodes import assign_splits, label_crops, plot_splits, summarize_splits
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.tables import LabeledCrops, Split, Splits, SplitSummary
from crop_factories import crop_row, make_crops, split_params, with_rows

LABEL_MAP = LabelMap.of({label: [label] for label in ("bird", "fox", "lizard", "skunk")})


@pytest.fixture(scope="module")
def labeled() -> pd.DataFrame:
    return label_crops(make_crops(locations=15, crops=300), LABEL_MAP, Taxonomy(), split_params())[0]


def test_label_index_is_alphabetical_as_cameratraps_writes_it() -> None:
    crops, index, _ = label_crops(make_crops(), LABEL_MAP, Taxonomy(), split_params())
    assert index == {"0": "bird", "1": "fox", "2": "lizard"}
    assert LabeledCrops.validate(crops) is not None


def test_splits_hold_every_crop_once_and_share_no_location(labeled: pd.DataFrame) -> None:
    splits = Splits.validate(assign_splits(labeled, split_params()))
    assert sorted(splits["crop_id"]) == sorted(labeled["crop_id"])
    merged = labeled.merge(splits, on="crop_id")
    assert (merged.groupby("location")["split"].nunique() == 1).all()
    assert set(splits["split"]) == set(Split)


def test_splits_of_shuffled_rows_are_the_same(labeled: pd.DataFrame) -> None:
    shuffled = labeled.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(assign_splits(labeled, split_params()), assign_splits(shuffled, split_params()))


def test_splits_of_two_datasets_tell_locations_of_one_name_apart() -> None:
    crops = make_crops(locations=4, crops=40)
    other = crops.assign(crop_id="other/" + crops["crop_id"], dataset="other")
    labeled, _, _ = label_crops(pd.concat([crops, other]), LABEL_MAP, Taxonomy(), split_params())
    merged = labeled.merge(assign_splits(labeled, split_params()), on="crop_id")
    assert (merged.groupby(["dataset", "location"])["split"].nunique() == 1).all()
    assert (merged.groupby("location")["split"].nunique() > 1).any()


def test_splits_with_too_few_locations_are_refused() -> None:
    labeled, _, _ = label_crops(make_crops(locations=2), LABEL_MAP, Taxonomy(), split_params())
    with pytest.raises(InputError, match="3 splits need 3 locations, got 2"):
        assign_splits(labeled, split_params())


def test_summary_counts_add_up_with_a_row_for_every_split_and_class(labeled: pd.DataFrame) -> None:
    params = split_params()
    summary = SplitSummary.validate(summarize_splits(labeled, assign_splits(labeled, params), params))
    assert len(summary) == 3 * labeled["label"].nunique()
    assert summary["crops"].sum() == len(labeled)
    totals = summary.groupby("label")[["crop_share", "location_share", "wanted_share"]].sum()
    assert totals.to_numpy() == pytest.approx(1)


def test_summary_of_a_class_that_a_split_lacks_warns_with_its_name(caplog: pytest.LogCaptureFixture) -> None:
    crops = with_rows(make_crops(locations=9), [crop_row(900, "place 1", "skunk")])
    params = split_params()
    labeled, _, _ = label_crops(crops, LABEL_MAP, Taxonomy(), params)
    with caplog.at_level(logging.WARNING):
        summary = summarize_splits(labeled, assign_splits(labeled, params), params)
    assert (summary.query("label == 'skunk'")["crops"] == 0).sum() == 2
    assert caplog.text.count("the class skunk has no crop in the split") == 2


def test_disjointness_check_of_a_shared_location_fails(labeled: pd.DataFrame) -> None:
    splits = assign_splits(labeled, split_params())
    moved = splits.assign(split=[Split.TRAIN if n % 2 else Split.TEST for n in range(len(splits))])
    with pytest.raises(AssertionError, match="more than one split"):
        check_disjoint(labeled, moved)
    with pytest.raises(AssertionError, match="1 crops have no split"):
        check_disjoint(labeled, splits.iloc[1:])


def test_fractions_that_leave_no_training_data_are_refused_with_the_sum() -> None:
    with pytest.raises(ValidationError, match=r"val_fraction \+ test_fraction = 1.1 leaves no training data"):
        DatasetSplitParams(val_fraction=0.5, test_fraction=0.6)


def test_plot_of_the_summary_names_every_class(labeled: pd.DataFrame) -> None:
    params = split_params()
    figure = plot_splits(summarize_splits(labeled, assign_splits(labeled, params), params))
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == sorted(labeled["label"].unique())

"""From dataset labels to classes."""

import pandas as pd
import pytest

from animl_kedro.errors import InputError
from animl_kedro.pipelines.dataset_split.labeling import Reason, class_of_label, label_crops
from crop_factories import crop_row, make_crops, split_params, with_rows

LABEL_MAP = {"bird": ["bird"], "mammal": ["fox", "skunk"], "lizard": ["lizard"]}


def test_label_map_with_merged_labels_gives_their_class() -> None:
    assert class_of_label(LABEL_MAP) == {"bird": "bird", "fox": "mammal", "skunk": "mammal", "lizard": "lizard"}


@pytest.mark.parametrize("label_map", [None, {}, [], {"bird": "bird"}, {"bird": [1]}, {False: ["no"]}])
def test_label_map_of_another_form_is_refused(label_map: object) -> None:
    with pytest.raises(InputError, match="label_map"):
        class_of_label(label_map)


def test_label_map_with_a_label_in_two_classes_is_refused() -> None:
    with pytest.raises(InputError, match="gives the label 'fox' to 'a' and to 'b'"):
        class_of_label({"a": ["fox"], "b": ["fox"]})


def test_labeling_every_crop_is_kept_or_rejected_once() -> None:
    crops = make_crops(shares={"bird": 0.4, "fox": 0.3, "lizard": 0.2, "cow": 0.1})
    labeled, rejected = label_crops(crops, LABEL_MAP, split_params())
    assert sorted([*labeled["crop_id"], *rejected["crop_id"]]) == sorted(crops["crop_id"])
    assert set(rejected["reason"]) == {Reason.UNMAPPED_LABEL}
    assert set(rejected["dataset_label"]) == {"cow"}
    assert set(labeled["label"]) == {"bird", "mammal", "lizard"}


def test_labeling_a_crop_without_location_is_rejected_with_that_reason() -> None:
    crops = with_rows(make_crops(), [crop_row(999, None, "fox")])
    _, rejected = label_crops(crops, LABEL_MAP, split_params())
    assert rejected[["crop_id", "reason"]].to_numpy().tolist() == [[crops["crop_id"].iloc[-1], Reason.NO_LOCATION]]


@pytest.mark.parametrize("location", ["NA", "None", "nan", "42", "007", ""])
def test_labeling_a_strange_location_name_is_a_location_like_any_other(location: str) -> None:
    crops = with_rows(make_crops(), [crop_row(999, location, "fox")])
    labeled, rejected = label_crops(crops, LABEL_MAP, split_params())
    assert rejected.empty
    assert labeled.set_index("crop_id").loc[crops["crop_id"].iloc[-1], "location"] == location


def test_labeling_a_class_at_too_few_locations_is_left_out() -> None:
    crops = with_rows(make_crops(), (crop_row(900 + n, f"place {n % 2}", "skunk") for n in range(20)))
    label_map = LABEL_MAP | {"mammal": ["fox"], "skunk": ["skunk"]}
    labeled, rejected = label_crops(crops, label_map, split_params(min_locations=3))
    assert "skunk" not in set(labeled["label"])
    assert rejected["reason"].value_counts().to_dict() == {Reason.TOO_FEW_LOCATIONS: 20}


def test_labeling_a_class_with_too_few_crops_is_left_out() -> None:
    crops = with_rows(make_crops(), (crop_row(900 + n, f"place {n}", "skunk") for n in range(4)))
    label_map = LABEL_MAP | {"mammal": ["fox"], "skunk": ["skunk"]}
    _, rejected = label_crops(crops, label_map, split_params(min_crops=5))
    assert rejected["reason"].value_counts().to_dict() == {Reason.TOO_FEW_CROPS: 4}


def test_labeling_with_one_class_left_is_refused_with_the_reasons() -> None:
    with pytest.raises(InputError, match=r"needs two classes, got \['bird'\].*unmapped_label"):
        label_crops(make_crops(), {"bird": ["bird"]}, split_params())


def test_labeling_shuffled_rows_gives_the_same_tables() -> None:
    crops = make_crops(shares={"bird": 0.4, "fox": 0.3, "lizard": 0.2, "cow": 0.1})
    before = crops.copy(deep=True)
    one, other = (
        label_crops(table, LABEL_MAP, split_params()) for table in (crops, crops.sample(frac=1, random_state=1))
    )
    for left, right in zip(one, other, strict=True):
        pd.testing.assert_frame_equal(left, right)
    pd.testing.assert_frame_equal(crops, before)

"""From dataset labels to classes."""

import logging
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.taxonomy import Taxonomy, parse_taxonomy
from animl_kedro.pipelines.dataset_split import nodes
from animl_kedro.pipelines.dataset_split.labeling import Reason, check_account, label_crops, left_out_classes
from animl_kedro.tables import Crops, LabeledCrops, RejectedCrops
from crop_factories import crop_row, make_crops, split_params, with_rows

CLASSES = {"bird": ["bird"], "mammal": ["fox", "skunk"], "lizard": ["lizard"]}
SKUNK_APART = {"bird": ["bird"], "fox": ["fox"], "lizard": ["lizard"], "skunk": ["skunk"]}
SHARES = {"bird": 0.4, "fox": 0.3, "lizard": 0.2, "cow": 0.1}


def label(crops: pd.DataFrame, content: Any = CLASSES, **params: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    return label_crops(crops, LabelMap.of(content), Taxonomy(), split_params(**params))


def reasons(rejected: pd.DataFrame) -> dict[str, int]:
    return {str(reason): count for reason, count in rejected["reason"].value_counts().items()}


def test_every_crop_is_kept_or_rejected_once() -> None:
    crops = make_crops(shares=SHARES)
    labeled, rejected = label(crops)
    assert sorted([*labeled["crop_id"], *rejected["crop_id"]]) == sorted(crops["crop_id"])
    assert set(rejected["reason"]) == {Reason.UNMAPPED_LABEL}
    assert set(rejected["dataset_label"]) == {"cow"}
    assert set(labeled["label"]) == {"bird", "mammal", "lizard"}
    assert set(labeled.loc[labeled["label"] == "mammal", "dataset_label"]) == {"fox"}


def test_labels_by_taxon_make_classes() -> None:
    taxonomy = parse_taxonomy(b"label,class\nbird,aves\nfox,mammalia\ncow,mammalia\n", "taxa.csv")
    rules = {"bird": ["bird"], "mammal": {"taxa": [{"level": "class", "name": "mammalia"}]}}
    labeled, _ = label_crops(make_crops(shares=SHARES), LabelMap.of(rules), taxonomy, split_params())
    assert set(labeled.loc[labeled["label"] == "mammal", "dataset_label"]) == {"fox", "cow"}


def test_labels_of_two_data_sets_make_different_classes() -> None:
    crops = make_crops()
    other = crops.assign(crop_id="other/" + crops["crop_id"], image_id="other:" + crops["image_id"], dataset="other")
    rules = {"a": {"dataset_labels": {"island": ["fox"]}}, "b": {"dataset_labels": {"other": ["fox"]}}}
    labeled, _ = label(pd.concat([crops, other]), rules)
    assert labeled.groupby("dataset")["label"].unique().map(list).to_dict() == {"island": ["a"], "other": ["b"]}


def test_a_crop_without_location_is_rejected_with_that_reason() -> None:
    crops = with_rows(make_crops(), [crop_row(999, None, "fox")])
    _, rejected = label(crops)
    assert rejected[["crop_id", "reason"]].to_numpy().tolist() == [[crops["crop_id"].iloc[-1], Reason.NO_LOCATION]]


@pytest.mark.parametrize("location", ["NA", "None", "nan", "42", "007", ""])
def test_a_strange_location_name_is_a_location_like_any_other(location: str) -> None:
    crops = with_rows(make_crops(), [crop_row(999, location, "fox")])
    labeled, rejected = label(crops)
    assert rejected.empty
    assert labeled.set_index("crop_id").loc[crops["crop_id"].iloc[-1], "location"] == location


@pytest.mark.parametrize("name", ["NA", "None", "nan", "007", "zorro pequeño", "狐", "!fox", "a|b"])
def test_strange_labels_and_classes_are_names_like_any_other(name: str) -> None:
    crops = with_rows(make_crops(), (crop_row(900 + n, f"place {n}", name) for n in range(4)))
    labeled, rejected = label(crops, {"bird": ["bird"], name: [name]})
    assert (labeled["label"] == name).sum() == 4
    assert name not in set(rejected["dataset_label"])
    _, rejected = label(crops)
    assert rejected["dataset_label"].tolist() == [name] * 4


def test_a_class_at_too_few_locations_is_left_out_with_its_counts() -> None:
    crops = with_rows(make_crops(), (crop_row(900 + n, f"place {n % 2}", "skunk") for n in range(20)))
    labeled, rejected = label(crops, SKUNK_APART, min_locations=3)
    assert "skunk" not in set(labeled["label"])
    assert reasons(rejected) == {Reason.TOO_FEW_LOCATIONS: 20}
    assert left_out_classes(rejected) == ["skunk has 20 crops at 2 locations, dataset_split.min_locations is 3"]


def test_a_class_with_too_few_crops_is_left_out_with_its_counts() -> None:
    crops = with_rows(make_crops(), (crop_row(900 + n, f"place {n}", "skunk") for n in range(4)))
    _, rejected = label(crops, SKUNK_APART, min_crops=5)
    assert reasons(rejected) == {Reason.TOO_FEW_CROPS: 4}
    assert left_out_classes(rejected) == ["skunk has 4 crops at 4 locations, dataset_split.min_crops is 5"]


def test_locations_of_one_name_in_two_data_sets_count_apart() -> None:
    rows = [crop_row(900 + n, "place 1", "skunk") | {"dataset": f"island {n % 2}"} for n in range(4)]
    labeled, _ = label(with_rows(make_crops(), rows), SKUNK_APART, min_locations=2)
    assert "skunk" in set(labeled["label"])


def test_crops_over_the_maximum_are_drawn_evenly_over_locations() -> None:
    crops = make_crops(locations=5, crops=600)
    labeled, rejected = label(crops, max_crops_per_class=50)
    assert labeled["label"].value_counts().to_dict() == {"bird": 50, "mammal": 50, "lizard": 50}
    assert set(labeled.groupby(["label", "location"]).size()) == {10}
    assert set(rejected["reason"]) == {Reason.OVER_MAXIMUM}
    foxes = (crops["label"] == "fox").sum()
    detail = f"mammal has {foxes} crops, dataset_split.max_crops_per_class is 50"
    assert set(rejected.loc[rejected["dataset_label"] == "fox", "detail"]) == {detail}
    assert left_out_classes(rejected) == []


def test_another_seed_draws_others() -> None:
    crops = make_crops(crops=600)
    one, other = (label(crops, max_crops_per_class=50, seed=seed)[0]["crop_id"] for seed in (0, 1))
    assert set(one) != set(other)


def test_the_maximum_of_a_label_map_counts_images_and_takes_their_crops_whole() -> None:
    rows = [crop_row(n, f"place {n % 4}", "fox" if n % 2 else "bird") for n in range(80)]
    images = [row | {"image_id": f"image {n // 4 * 2 + n % 2}"} for n, row in enumerate(rows)]
    labeled, rejected = label(Crops.of(images), {"bird": ["bird"], "fox": {"labels": ["fox"], "max_count": 7}})
    foxes = labeled[labeled["label"] == "fox"]
    assert foxes["image_id"].value_counts().tolist() == [2] * 7
    assert (labeled["label"] == "bird").sum() == 40
    assert reasons(rejected) == {Reason.OVER_MAXIMUM: 26}
    assert set(rejected["detail"]) == {"fox has 20 images, its max_count is 7"}


def test_the_maximum_of_a_label_map_takes_data_sets_that_come_first() -> None:
    rows = [crop_row(n, f"place {n % 6}", "fox" if n % 2 else "bird") for n in range(120)]
    crops = Crops.of([row | {"dataset": ["one", "two", "three"][n % 3]} for n, row in enumerate(rows)])
    rule = {"labels": ["fox"], "max_count": 25, "prioritize": [["TWO"], ["three"]]}
    labeled, _ = label(crops, {"bird": ["bird"], "fox": rule})
    foxes = labeled[labeled["label"] == "fox"]
    assert foxes["dataset"].value_counts().to_dict() == {"two": 20, "three": 5}


def test_a_class_whose_draw_is_of_too_few_locations_is_left_out() -> None:
    rows = [crop_row(900 + n, f"place {n % 10}", "skunk") for n in range(40)]
    rows += [crop_row(940 + n, "place 0", "skunk") | {"dataset": "other"} for n in range(40)]
    skunk = {"labels": ["skunk"], "max_count": 20, "prioritize": [["other"]]}
    _, rejected = label(with_rows(make_crops(), rows), SKUNK_APART | {"skunk": skunk}, min_locations=3)
    assert reasons(rejected) == {Reason.OVER_MAXIMUM: 60, Reason.TOO_FEW_LOCATIONS: 20}
    assert left_out_classes(rejected) == ["skunk has 20 crops at 1 locations, dataset_split.min_locations is 3"]


def test_a_maximum_that_cannot_reach_the_wanted_locations_is_refused_with_both() -> None:
    with pytest.raises(ValidationError, match="max_crops_per_class = 2 cannot come from min_locations = 3 locations"):
        split_params(min_locations=3, max_crops_per_class=2)


def mixed_crops() -> pd.DataFrame:
    """Images of a bird and a fox, of a fox and a skunk (one class), of a fox and a cow (no class), of two foxes."""
    pairs = [("bird", "fox"), ("fox", "skunk"), ("fox", "cow"), ("fox", "fox")]
    rows = [
        crop_row(900 + 2 * pair + place, "place 1", name) | {"image_id": f"image {'/'.join(names)}"}
        for pair, names in enumerate(pairs)
        for place, name in enumerate(names)
    ]
    return with_rows(make_crops(), rows)


def test_mixed_images_are_kept_where_nothing_is_said() -> None:
    labeled, rejected = label(mixed_crops())
    assert reasons(rejected) == {Reason.UNMAPPED_LABEL: 1}
    assert len(labeled) == 127


def test_mixed_images_are_dropped_with_what_shows_a_class_beside_another_label() -> None:
    labeled, rejected = label(mixed_crops(), mixed_images="drop")
    assert reasons(rejected) == {Reason.UNMAPPED_LABEL: 1, Reason.MIXED_IMAGE: 3}
    assert {image for image in labeled["image_id"] if image.startswith("image")} == {"image fox/skunk", "image fox/fox"}


def test_a_class_and_a_label_without_one_that_share_a_name_are_told_apart() -> None:
    rows = [crop_row(900 + n, "place 1", name) | {"image_id": "image"} for n, name in enumerate(("fox", "mammal"))]
    _, rejected = label(with_rows(make_crops(), rows), mixed_images="drop")
    assert reasons(rejected) == {Reason.UNMAPPED_LABEL: 1, Reason.MIXED_IMAGE: 1}


def test_one_class_left_is_refused_with_the_reasons() -> None:
    with pytest.raises(InputError, match=r"needs two classes, got \['bird'\].*unmapped_label"):
        label(make_crops(), {"bird": ["bird"]})


def test_no_crop_at_all_is_refused() -> None:
    with pytest.raises(InputError, match=r"needs two classes, got \[\] \(0 crops are left, rejected are: none"):
        label(make_crops().iloc[:0])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
@given(
    st.lists(
        st.tuples(st.sampled_from(["bird", "fox", "cow", "NA"]), st.integers(0, 4), st.integers(0, 9)), max_size=40
    ),
    st.fixed_dictionaries(
        {
            "min_locations": st.integers(1, 3),
            "min_crops": st.integers(1, 6),
            "max_crops_per_class": st.none() | st.integers(3, 9),
            "mixed_images": st.sampled_from(["keep", "drop"]),
            "seed": st.integers(0, 3),
        }
    ),
)
def test_whatever_the_crops_each_is_in_one_table_once_in_any_order(
    drawn: list[tuple[str, int, int]], params: dict[str, Any]
) -> None:
    rows = [
        crop_row(100 + n, f"place {place}" if place else None, name) | {"image_id": f"image {place} {image}"}
        for n, (name, place, image) in enumerate(drawn)
    ]
    crops = with_rows(make_crops(crops=60), rows)
    before = crops.copy(deep=True)
    try:
        labeled, rejected = label(crops, {"bird": ["bird"], "fox": ["fox"], "NA": ["NA"]}, **params)
    except InputError as error:
        if "needs two classes" not in str(error):
            raise
        return
    check_account(crops, labeled, rejected)
    pd.testing.assert_frame_equal(crops, before)
    counts = labeled.groupby("label").agg(crops=("crop_id", "size"), places=("location", "nunique"))
    assert (counts["crops"] <= (params["max_crops_per_class"] or len(crops))).all()
    assert (
        labeled.drop_duplicates(["label", "dataset", "location"])["label"].value_counts() >= params["min_locations"]
    ).all()
    again = label(crops.sample(frac=1, random_state=1), {"NA": ["NA"], "fox": ["fox"], "bird": ["bird"]}, **params)
    for left, right in zip((labeled, rejected), again, strict=True):
        pd.testing.assert_frame_equal(left, right)
    assert LabeledCrops.validate(labeled)["crop_id"].is_monotonic_increasing
    assert RejectedCrops.validate(rejected)["crop_id"].is_monotonic_increasing


def test_account_that_does_not_add_up_is_refused() -> None:
    crops = make_crops(shares=SHARES)
    labeled, rejected = label(crops)
    twice = pd.concat([labeled.iloc[1:], labeled.iloc[1:2]])
    for kept, out in ((labeled.iloc[1:], rejected), (labeled, rejected.iloc[1:]), (twice, rejected)):
        with pytest.raises(AssertionError, match="some are lost, or in both tables"):
            check_account(crops, kept, out)


def test_node_tells_what_became_of_the_crops(caplog: pytest.LogCaptureFixture) -> None:
    crops = with_rows(make_crops(shares=SHARES), (crop_row(900 + n, "place 1", "skunk") for n in range(20)))
    with caplog.at_level(logging.INFO):
        _, index, rejected = nodes.label_crops(
            crops, LabelMap.of(SKUNK_APART), Taxonomy(), split_params(min_locations=2)
        )
    assert index == {"0": "bird", "1": "fox", "2": "lizard"}
    cows = (crops["label"] == "cow").sum()
    assert f"{len(rejected)} rejected (20 too_few_locations, {cows} unmapped_label): see rejected_crops" in caplog.text
    assert "classes left out: skunk has 20 crops at 1 locations, dataset_split.min_locations is 2" in caplog.text
    assert f"labels without a class: {cows} cow" in caplog.text

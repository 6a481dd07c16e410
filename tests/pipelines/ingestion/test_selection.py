"""Which images are taken: by label, validation, date, place and number; and what the others are told to be."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.pipelines.ingestion.parameters import IngestionParams, SelectionParams
from animl_kedro.pipelines.ingestion.records import ExportTables, read_records
from animl_kedro.pipelines.ingestion.rejections import Reason
from animl_kedro.pipelines.ingestion.selection import select
from factories import (
    annotation_record,
    exports_of,
    image_id,
    image_record,
    ingestion_params,
    make_export,
)

NUMBER_OF = {"empty": 0, "fox": 1, "bird": 2}


def take(export: CctExport, params: IngestionParams) -> ExportTables:
    """The tables of what is selected of an export, of which no record may be lost."""
    tables = select(read_records(exports_of(export), params), params.selection).tables()
    check_the_sums(tables, images=len(export.images), annotations=len(export.annotations))
    return tables


def check_the_sums(tables: ExportTables, images: int, annotations: int) -> None:
    rejected = Counter(tables.rejected["record"])
    assert len(tables.images) + rejected["image"] == images
    assert len(tables.annotations) + rejected["annotation"] == annotations
    assert set(tables.annotations["image_id"]) <= set(tables.images["image_id"])


def export_of(*labels: str, images: Sequence[Mapping[str, Any]] | None = None) -> CctExport:
    """An export of one image a text, which names the image's labels: "fox", "fox bird", or "" for none."""
    records = [image_record(number) for number in range(len(labels))] if images is None else images
    annotations = [
        annotation_record(number, id=f"label-{number:04d}-{name}", category_id=NUMBER_OF[name])
        for number, names in enumerate(labels)
        for name in names.split()
    ]
    return make_export(records, annotations)


def kept(tables: ExportTables) -> list[int]:
    """The numbers of the images that were taken."""
    return [int(name.rpartition(":")[2]) for name in tables.images["image_id"]]


def labels_of(tables: ExportTables) -> list[str]:
    return list(tables.annotations["label"])


def told(tables: ExportTables, record: str = "image") -> dict[int, tuple[str, str]]:
    """Reason and detail of what is rejected, by the number of its image."""
    rows = tables.rejected[tables.rejected["record"] == record].to_dict("records")
    return {int(row["image_id"].rpartition(":")[2]): (row["reason"], row["detail"]) for row in rows}


def test_select_by_default_takes_every_image_with_a_label() -> None:
    tables = take(export_of("fox", "", "empty", "bird fox"), ingestion_params())
    assert kept(tables) == [0, 2, 3]
    assert told(tables) == {1: (Reason.NO_LABEL, "it has no label that is kept")}


def test_select_of_nothing_gives_nothing() -> None:
    tables = take(export_of(), ingestion_params(keep_empty=False, max_images_per_label=1, first_date="2024-01-01"))
    assert (len(tables.images), len(tables.rejected)) == (0, 0)


def test_select_tells_of_a_rejected_image_and_its_annotations() -> None:
    tables = take(export_of("fox bird"), ingestion_params(locations=["elsewhere"]))
    image, *annotations = tables.rejected.to_dict("records")
    assert image == {
        "dataset": "island",
        "record": "image",
        "record_id": image_id(0),
        "image_id": image_id(0),
        "reason": Reason.OUTSIDE_LOCATIONS,
        "detail": "its location is not among ingestion.selection.locations",
    }
    assert annotations == [
        {
            "dataset": "island",
            "record": "annotation",
            "record_id": f"label-0000-{label}",
            "image_id": image_id(0),
            "reason": Reason.IMAGE_REJECTED,
            "detail": "its image is left out: outside_locations",
        }
        for label in ("bird", "fox")
    ]


def test_select_leaves_the_records_that_it_is_given_as_they_are() -> None:
    params = ingestion_params(keep_empty=False, max_images_per_label=1)
    records = read_records(exports_of(export_of("fox", "fox", "empty", "")), params)
    before = list(records.images), list(records.annotations), list(records.rejected)
    selected = select(records, params.selection)
    assert (records.images, records.annotations, records.rejected) == before
    assert selected.images != records.images


def test_select_keeps_what_was_rejected_before() -> None:
    export = make_export([image_record(0), image_record(1, file_name="../x"), "junk"], [annotation_record(1)])
    tables = take(export, ingestion_params())
    assert sorted(tables.rejected["reason"]) == [
        Reason.IMAGE_REJECTED,
        Reason.NO_LABEL,
        Reason.NOT_A_RECORD,
        Reason.UNSAFE_FILE_NAME,
    ]


# labels


def test_labels_that_are_asked_for_leave_out_images_of_others_alone() -> None:
    tables = take(export_of("fox", "bird", "bird fox", "empty"), ingestion_params(labels=["bird"]))
    assert kept(tables) == [1, 2, 3]
    assert labels_of(tables) == ["bird", "bird", "empty"]
    assert told(tables) == {0: (Reason.NO_LABEL, "it has no label that is kept")}
    detail = "the label 'fox' is not among ingestion.selection.labels"
    assert told(tables, "annotation") == dict.fromkeys((0, 2), (Reason.UNWANTED_LABEL, detail))


def test_labels_that_name_empty_alone_take_the_empty_images() -> None:
    tables = take(export_of("fox", "empty", "empty bird"), ingestion_params(labels=["empty"]))
    assert kept(tables) == [1, 2]
    assert labels_of(tables) == ["empty", "empty"]


def test_labels_without_empty_images_take_the_others_only() -> None:
    tables = take(export_of("fox", "empty", "bird"), ingestion_params(labels=["bird"], keep_empty=False))
    assert kept(tables) == [2]


# rename


def test_rename_to_a_label_that_there_is_merges_the_two() -> None:
    tables = take(export_of("fox", "bird", "bird fox"), ingestion_params(rename={"fox": "bird"}))
    assert kept(tables) == [0, 1, 2]
    assert labels_of(tables) == ["bird"] * 4


def test_rename_of_two_labels_to_a_new_one_merges_them() -> None:
    tables = take(export_of("fox", "bird", "empty"), ingestion_params(rename={"fox": "animal", "bird": "animal"}))
    assert labels_of(tables) == ["animal", "animal", "empty"]


def test_rename_comes_before_the_labels_that_are_asked_for() -> None:
    tables = take(export_of("fox", "bird"), ingestion_params(rename={"fox": "Vulpes"}, labels=["Vulpes"]))
    assert kept(tables) == [0]
    assert labels_of(tables) == ["Vulpes"]


def test_labels_by_their_old_name_are_refused_with_the_new_ones() -> None:
    with pytest.raises(InputError, match=r"labels asks for 'fox', but .* categories are Vulpes, bird, empty\."):
        take(export_of("fox"), ingestion_params(rename={"fox": "Vulpes"}, labels=["fox"]))


def test_rename_of_a_label_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InputError, match=r"rename asks for 'foxx', but .* categories are bird, empty, fox\."):
        take(export_of("fox"), ingestion_params(rename={"foxx": "fox"}))


def test_rename_to_empty_makes_a_negative_without_a_box() -> None:
    params = ingestion_params(rename={"bird": "empty"}, labels=["fox"])
    tables = take(export_of("fox", "bird", "bird fox"), params)
    assert kept(tables) == [0, 1, 2]
    assert labels_of(tables) == ["fox", "empty", "empty", "fox"]
    negatives = tables.annotations[tables.annotations["label"] == "empty"]
    assert negatives[["box_unit", "box_left", "box_top", "box_width", "box_height"]].isna().all(axis=None)


def test_rename_to_empty_without_empty_images_leaves_them_out() -> None:
    tables = take(export_of("fox", "bird", "bird fox"), ingestion_params(rename={"bird": "empty"}, keep_empty=False))
    assert kept(tables) == [0, 2]
    assert told(tables) == {1: (Reason.EMPTY, "ingestion.selection.keep_empty is false")}


# validated_only


def test_validated_only_leaves_out_images_whose_labels_nobody_has_validated() -> None:
    labels = [
        annotation_record(0),
        annotation_record(1, validated=False),
        annotation_record(2, validated=False),
        annotation_record(3, id="label-by-a-person", image_id=image_id(2)),
    ]
    tables = take(make_export(3, labels), ingestion_params())
    assert kept(tables) == [0, 2]
    assert list(tables.annotations["annotation_id"]) == ["label-0000", "label-by-a-person"]
    assert told(tables)[1][0] == Reason.NO_LABEL
    reason = (Reason.NOT_VALIDATED, "nobody has validated the label 'fox'")
    assert told(tables, "annotation") == dict.fromkeys((1, 2), reason)


def test_validated_only_that_is_off_takes_them() -> None:
    tables = take(make_export(2, [annotation_record(0, validated=False)]), ingestion_params(validated_only=False))
    assert kept(tables) == [0]


# keep_empty


def test_keep_empty_that_is_off_leaves_out_images_whose_only_label_is_empty() -> None:
    tables = take(export_of("fox", "empty", "empty fox", ""), ingestion_params(keep_empty=False))
    assert kept(tables) == [0, 2]
    assert {number: reason for number, (reason, _) in told(tables).items()} == {1: Reason.EMPTY, 3: Reason.NO_LABEL}
    assert told(tables, "annotation") == {1: (Reason.IMAGE_REJECTED, "its image is left out: empty")}
    assert labels_of(tables) == ["fox", "empty", "fox"]


# first_date and last_date

DAYS = (
    "2024-02-28T23:59:59",
    "2024-02-29T00:00:00",
    "2024-02-29T23:59:59.999-07:00",
    "2024-03-01T00:00:00+14:00",
    None,
)


def export_by_day() -> CctExport:
    images = [image_record(number, datetime=day) for number, day in enumerate(DAYS)]
    return export_of(*["fox"] * len(DAYS), images=images)


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        (None, None, [0, 1, 2, 3, 4]),
        ("2024-02-29", None, [1, 2, 3]),
        (None, "2024-02-29", [0, 1, 2]),
        ("2024-02-29", "2024-02-29", [1, 2]),
        ("2024-02-28", "2024-03-01", [0, 1, 2, 3]),
        ("2024-03-02", None, []),
        (None, "2024-02-27", []),
    ],
)
def test_dates_take_the_images_of_both_days_and_between(
    first: str | None, last: str | None, expected: list[int]
) -> None:
    tables = take(export_by_day(), ingestion_params(first_date=first, last_date=last))
    assert kept(tables) == expected
    reasons = {number: reason for number, (reason, _) in told(tables).items()}
    outside = {number: Reason.OUTSIDE_DATES for number in range(4) if number not in expected}
    assert reasons == outside | ({4: Reason.NO_DATE} if first or last else {})


@pytest.mark.parametrize(
    ("first", "last", "detail"),
    [
        ("2024-02-29", None, "its day, 2024-02-28, is not from 2024-02-29 to the end"),
        (None, "2024-02-27", "its day, 2024-02-28, is not from the beginning to 2024-02-27"),
        ("2024-03-01", "2024-03-05", "its day, 2024-02-28, is not from 2024-03-01 to 2024-03-05"),
    ],
)
def test_dates_tell_the_day_of_an_image_that_is_outside(first: str | None, last: str | None, detail: str) -> None:
    tables = take(export_by_day(), ingestion_params(first_date=first, last_date=last))
    assert told(tables)[0] == (Reason.OUTSIDE_DATES, detail)
    assert told(tables)[4] == (Reason.NO_DATE, "it has no date, and a range of dates is selected")


def test_dates_leave_out_an_image_whose_date_cannot_be() -> None:
    export = export_of("fox", images=[image_record(0, datetime="0000-00-00 00:00:00")])
    assert told(take(export, ingestion_params(first_date="1970-01-01")))[0][0] == Reason.NO_DATE


# locations and exclude_locations


PLACES: tuple[Any, ...] = ("ridge", "Ridge", 7, "NA", None)


def export_by_place() -> CctExport:
    images = [image_record(number, location=place) for number, place in enumerate(PLACES)]
    return export_of(*["fox"] * len(PLACES), images=images)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"locations": ["ridge"]}, [0]),
        ({"locations": ["7", "NA"]}, [2, 3]),
        ({"locations": ["nowhere"]}, []),
        ({"exclude_locations": ["ridge"]}, [1, 2, 3, 4]),
        ({"exclude_locations": ["NA", "7", "Ridge"]}, [0, 4]),
        ({"exclude_locations": ["nowhere"]}, [0, 1, 2, 3, 4]),
        ({"locations": ["ridge", "7"], "exclude_locations": ["NA"]}, [0, 2]),
    ],
)
def test_locations_take_images_of_those_that_are_named_and_none_of_those_that_are_excluded(
    selection: dict[str, Any], expected: list[int]
) -> None:
    tables = take(export_by_place(), ingestion_params(**selection))
    assert kept(tables) == expected
    assert {reason for reason, _ in told(tables).values()} <= {Reason.OUTSIDE_LOCATIONS}


def test_locations_tell_by_which_parameter_an_image_is_left_out() -> None:
    tables = take(export_by_place(), ingestion_params(exclude_locations=["ridge"]))
    assert told(tables)[0][1] == "its location is in ingestion.selection.exclude_locations"
    tables = take(export_by_place(), ingestion_params(locations=["ridge"]))
    assert told(tables)[4][1] == "its location is not among ingestion.selection.locations"


# max_images_per_label and seed


def drawn(export: CctExport, maximum: int, seed: int = 0, **selection: Any) -> set[int]:
    params = ingestion_params(max_images_per_label=maximum, seed=seed, **selection)
    return set(kept(take(export, params)))


def count_by_label(tables: ExportTables) -> dict[str, int]:
    """How many images have a label."""
    return {
        str(label): int(number) for label, number in tables.annotations.groupby("label")["image_id"].nunique().items()
    }


def test_maximum_that_is_not_reached_takes_every_image() -> None:
    assert drawn(export_of("fox", "fox", "bird", "empty"), 2) == {0, 1, 2, 3}


def test_maximum_takes_so_many_images_of_each_label_and_tells_of_the_others() -> None:
    export = export_of(*["fox"] * 20, *["bird"] * 10, *["empty"] * 30, "")
    tables = take(export, ingestion_params(max_images_per_label=7))
    assert count_by_label(tables) == {"fox": 7, "bird": 7, "empty": 7}
    reasons = Counter(reason for reason, _ in told(tables).values())
    assert reasons == {Reason.OVER_MAXIMUM: 13 + 3 + 23, Reason.NO_LABEL: 1}
    details = {detail for reason, detail in told(tables).values() if reason == Reason.OVER_MAXIMUM}
    assert details == {
        f"7 other images of {label!r} were drawn: ingestion.selection.max_images_per_label"
        for label in ("fox", "bird", "empty")
    }
    assert {detail for _, detail in told(tables, "annotation").values()} == {"its image is left out: over_maximum"}


def test_maximum_counts_an_image_once_however_often_it_has_a_label() -> None:
    labels = [annotation_record(number, image_id=image_id(number % 2)) for number in range(8)]
    tables = take(make_export(2, labels), ingestion_params(max_images_per_label=2))
    assert kept(tables) == [0, 1]
    assert len(tables.annotations) == 8


def test_maximum_counts_labels_by_their_new_name() -> None:
    export = export_of("fox", "bird", "fox", "bird")
    assert len(drawn(export, 1, rename={"fox": "bird"})) == 1
    assert len(drawn(export, 1)) == 2


def test_maximum_counts_images_that_are_taken_only() -> None:
    images = [image_record(number, location="near" if number < 5 else "far") for number in range(10)]
    export = export_of(*["fox"] * 10, images=images)
    assert drawn(export, 5, exclude_locations=["far"]) == set(range(5))


def test_maximum_does_not_count_labels_that_are_not_asked_for() -> None:
    export = export_of(*["fox bird"] * 3, *["fox"] * 3)
    assert drawn(export, 3, labels=["bird"]) == {0, 1, 2}


@pytest.mark.parametrize("seed", range(20))
def test_maximum_takes_rare_labels_first(seed: int) -> None:
    export = export_of(*["fox"] * 30, *["fox bird"] * 3)
    assert drawn(export, 3, seed) == {30, 31, 32}
    assert drawn(export, 5, seed) > {30, 31, 32}


LABELS = st.lists(st.sets(st.sampled_from(sorted(NUMBER_OF))).map(sorted).map(" ".join), max_size=25)


@settings(max_examples=50, deadline=None)
@given(LABELS, st.integers(1, 6), st.integers(0, 2**63 - 1))
def test_maximum_of_any_labels_is_never_exceeded_and_no_image_is_left_out_without_need(
    labels: list[str], maximum: int, seed: int
) -> None:
    tables = take(export_of(*labels), ingestion_params(max_images_per_label=maximum, seed=seed))
    counts = count_by_label(tables)
    assert all(count <= maximum for count in counts.values())
    for number, (reason, _) in told(tables).items():
        if reason == Reason.OVER_MAXIMUM:
            assert any(counts.get(label) == maximum for label in labels[number].split())
        else:
            assert labels[number] == ""


def test_seed_that_is_the_same_draws_the_same_whatever_the_order_of_the_records() -> None:
    export = export_of(*["fox", "bird", "fox bird", "empty fox"] * 15)
    expected = drawn(export, 5, seed=3)
    for order in range(5):
        rng = random.Random(order)
        images, annotations = (
            rng.sample(list(records), len(records)) for records in (export.images, export.annotations)
        )
        assert drawn(make_export(images, annotations), 5, seed=3) == expected


def test_seed_that_is_another_draws_others() -> None:
    export = export_of(*["fox"] * 100)
    draws = {seed: drawn(export, 10, seed) for seed in (0, 1, 2, 256, 2**32, 2**63 - 1)}
    assert all(len(numbers) == 10 for numbers in draws.values())
    assert len(set(map(frozenset, draws.values()))) == len(draws)


def test_seed_draws_every_image_as_often_as_the_others() -> None:
    export = export_of(*["fox"] * 10)
    times = Counter(number for seed in range(100) for number in drawn(export, 3, seed))
    assert set(times) == set(range(10))
    assert max(abs(count - 30) for count in times.values()) < 20  # more than four standard deviations of 4.6


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(NUMBER_OF)), max_size=15),
    st.lists(st.sampled_from(sorted(NUMBER_OF)), max_size=15),
    st.integers(1, 4),
    st.integers(0, 99),
)
def test_maximum_with_images_that_arrive_later_takes_no_image_that_it_did_not_take_before(
    before: list[str], later: list[str], maximum: int, seed: int
) -> None:
    first = drawn(export_of(*before), maximum, seed)
    second = drawn(export_of(*before, *later), maximum, seed)
    assert second & set(range(len(before))) <= first


def test_maximum_that_grows_keeps_the_images_of_a_label() -> None:
    export = export_of(*["fox"] * 40, *["bird"] * 40)
    draws = [drawn(export, maximum) for maximum in (1, 5, 17, 40)]
    assert all(smaller < larger for smaller, larger in pairwise(draws))


@settings(max_examples=50, deadline=None)
@given(LABELS, LABELS, st.integers(1, 4), st.integers(0, 99))
def test_seed_with_images_that_arrive_later_keeps_the_order_of_images_of_the_same_labels(
    before: list[str], later: list[str], maximum: int, seed: int
) -> None:
    first = drawn(export_of(*before), maximum, seed)
    second = drawn(export_of(*before, *later), maximum, seed)
    for labels in set(before):
        alike = {number for number, own in enumerate(before) if own == labels}
        smaller, larger = sorted((first & alike, second & alike), key=len)
        assert smaller <= larger  # each is a beginning of the same order


# What the parameters refuse


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (
            {"first_date": "2024-03-02", "last_date": "2024-03-01"},
            "first_date 2024-03-02 is after last_date 2024-03-01",
        ),
        ({"first_date": "yesterday"}, "first_date"),
        (
            {"locations": ["b", "a", "c"], "exclude_locations": ["c", "a"]},
            "the location 'a' is both in locations and in exclude_locations",
        ),
        ({"rename": {"a": "b", "b": "a"}}, "rename calls another label 'a', and renames 'a' itself"),
        ({"rename": {"a": "b", "b": "c"}}, "rename calls another label 'b', and renames 'b' itself"),
        ({"rename": {"a": "a"}}, "rename calls another label 'a'"),
        ({"labels": []}, "at least 1 item"),
        ({"locations": []}, "at least 1 item"),
        ({"labels": "fox"}, "valid tuple"),
        ({"max_images_per_label": 0}, "greater than or equal to 1"),
        ({"max_images_per_label": 1.5}, "valid integer"),
        ({"seed": -1}, "greater than or equal to 0"),
        ({"seed": 2**63}, "less than"),
        ({"label": ["fox"]}, "unknown parameter 'label': did you mean 'labels'?"),
    ],
)
def test_selection_params_that_do_not_fit_are_refused_with_the_reason(selection: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SelectionParams(**selection)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "selection",
    [
        {"first_date": "2024-03-01", "last_date": "2024-03-01"},
        {"locations": ["a"], "exclude_locations": ["b"]},
        {"rename": {"a": "c", "b": "c"}, "labels": ["c"]},
        {"seed": 2**63 - 1, "max_images_per_label": 1},
    ],
)
def test_selection_params_that_fit_are_taken(selection: dict[str, Any]) -> None:
    params = SelectionParams(**selection)
    assert params.model_dump(mode="json", include=set(selection)) == selection


# Whatever is selected of whatever there is

PLACE_NAMES = ("a", "b", "c")
EXPORTS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(sorted(NUMBER_OF))),
        st.sampled_from(["2024-01-01", "2024-01-02T23:59:59", "2024-01-03", None, "never"]),
        st.sampled_from([*PLACE_NAMES, None]),
        st.booleans(),
    ),
    max_size=15,
)
SELECTIONS = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.sampled_from([["fox"], ["bird"], ["empty"], ["fox", "bird"]]),
        "validated_only": st.booleans(),
        "keep_empty": st.booleans(),
        "first_date": st.sampled_from(["2024-01-01", "2024-01-02"]),
        "last_date": st.sampled_from(["2024-01-02", "2024-01-03"]),
        "locations": st.sampled_from([["a"], ["a", "b"]]),
        "exclude_locations": st.sampled_from([["c"], ["d"]]),
        "max_images_per_label": st.integers(1, 5),
        "seed": st.integers(0, 3),
    },
)


def export_from(drawn_images: Iterable[tuple[set[str], str | None, str | None, bool]]) -> CctExport:
    images, annotations = [], []
    for number, (labels, day, place, validated) in enumerate(drawn_images):
        images.append(image_record(number, datetime=day, location=place))
        annotations += [
            annotation_record(number, id=f"{number}-{name}", category_id=NUMBER_OF[name], validated=validated)
            for name in sorted(labels)
        ]
    return make_export(images, annotations)


@settings(max_examples=50, deadline=None)
@given(EXPORTS.map(export_from), SELECTIONS, st.randoms(use_true_random=False))
def test_select_of_any_export_in_any_order_gives_the_same_and_loses_nothing(
    export: CctExport, selection: dict[str, Any], rng: random.Random
) -> None:
    params = ingestion_params(**selection)
    expected = take(export, params)
    images, annotations = (rng.sample(list(records), len(records)) for records in (export.images, export.annotations))
    tables = take(make_export(images, annotations), params)
    pd.testing.assert_frame_equal(tables.images, expected.images)
    pd.testing.assert_frame_equal(tables.annotations, expected.annotations)
    pd.testing.assert_frame_equal(tables.rejected, expected.rejected)
    check_that_each_record_is_in_one_table(export, tables)
    check_that_what_is_taken_was_asked_for(tables, params.selection)


def check_that_each_record_is_in_one_table(export: CctExport, tables: ExportTables) -> None:
    rejected: Mapping[str, list[str]] = defaultdict(list)
    for row in tables.rejected.to_dict("records"):
        rejected[row["record"]].append(row["record_id"])
    for kind, records, found in (
        ("image", export.images, tables.images["image_id"]),
        ("annotation", export.annotations, tables.annotations["annotation_id"]),
    ):
        assert sorted([*found, *rejected[kind]]) == sorted(record["id"] for record in records)


def check_that_what_is_taken_was_asked_for(tables: ExportTables, selection: SelectionParams) -> None:
    labels = tables.annotations.groupby("image_id")["label"].agg(set).to_dict()
    for row in tables.images.to_dict("records"):
        own = labels[row["image_id"]]
        assert own <= {*(selection.labels or NUMBER_OF), "empty"}
        assert selection.keep_empty or own != {"empty"}
        assert selection.locations is None or row["location"] in selection.locations
        assert row["location"] not in selection.exclude_locations
        if selection.first_date:
            assert row["datetime"].date() >= selection.first_date
        if selection.last_date:
            assert row["datetime"].date() <= selection.last_date
    if selection.max_images_per_label is not None:
        assert all(count <= selection.max_images_per_label for count in count_by_label(tables).values())


def test_location_where_no_image_was_made_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    export = make_export([image_record(0, location="Ridge"), image_record(1, location="Creek")])
    tables = take(export, ingestion_params(locations=["Rigde", "Creek"], exclude_locations=["elsewhere"]))
    assert list(tables.images["location"]) == ["Creek"]
    assert caplog.messages == [
        "ingestion.selection.locations names 'Rigde', where no image was made: did you mean 'Ridge'?",
        "ingestion.selection.exclude_locations names 'elsewhere', where no image was made",
    ]


def test_empty_cannot_be_renamed() -> None:
    with pytest.raises(ValidationError, match="'empty' cannot be renamed"):
        ingestion_params(rename={"empty": "nothing"})

"""From records to tables: a record is kept, repaired or rejected with a reason, and never lost."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from animl_kedro.errors import InputError
from animl_kedro.files import fault_of_relative_path
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.pipelines.ingestion.records import ExportTables, read_records
from animl_kedro.pipelines.ingestion.rejections import Reason, Repair
from factories import (
    CATEGORIES,
    IMAGE_SIZE,
    annotation_record,
    catalog_of,
    exports_of,
    image_id,
    image_record,
    ingestion_params,
    make_export,
)
from mangled_exports import EXPORTS, text_of_id

WIDTH, HEIGHT = IMAGE_SIZE


def read_one(export: CctExport, params: IngestionParams, key: str = "{serving_bucket_key}") -> ExportTables:
    """The tables of an export of one data set."""
    return read_records(exports_of(export, key), params).tables()


def read_image_record(**changes: Any) -> ExportTables:
    """The tables of an export with one image, and nothing else."""
    return read_one(make_export([image_record(0, **changes)], []), ingestion_params())


def read_annotation_record(**changes: Any) -> ExportTables:
    """The tables of an export with one image and one label of it."""
    return read_one(make_export(1, [annotation_record(0, **changes)]), ingestion_params())


def reasons(tables: ExportTables) -> list[str]:
    return list(tables.rejected["reason"])


def box_of(tables: ExportTables) -> list[float]:
    return [float(tables.annotations[f"box_{side}"].iloc[0]) for side in ("left", "top", "width", "height")]


# What a whole record becomes


def test_read_records_of_animls_export_gives_rows() -> None:
    tables = read_one(make_export(2), ingestion_params())
    assert tables.rejected.empty
    assert tables.repairs.total() == 0
    assert tables.images.iloc[1].to_dict() == {
        "image_id": "island:0001",
        "dataset": "island",
        "key": "original/island:0001-original.jpg",
        "file_name": "camera/0001.jpg",
        "location": "place 1",
        "sequence_id": pytest.approx(float("nan"), nan_ok=True),
        "datetime": pd.Timestamp("2024-05-06T07:08:09"),
        "width": WIDTH,
        "height": HEIGHT,
    }
    assert tables.annotations.iloc[1].to_dict() == {
        "annotation_id": "label-0001",
        "image_id": "island:0001",
        "label": "fox",
        "box_unit": "pixel",
        "box_left": 60,
        "box_top": 40,
        "box_width": 50,
        "box_height": 30,
        "confidence": pytest.approx(float("nan"), nan_ok=True),
    }


def test_read_records_of_lilas_export_gives_rows() -> None:
    image = {"id": "1f", "file_name": "loc-1/a.jpg", "location": 7, "seq_id": "s1", "datetime": "2015-06-01 10:00:00"}
    label = {"id": "l1", "image_id": "1f", "category_id": 2}
    tables = read_one(make_export([image], [label]), ingestion_params(), "{file_name}")
    assert tables.rejected.empty
    row = tables.images.iloc[0]
    assert (row["key"], row["location"], row["sequence_id"]) == ("loc-1/a.jpg", "7", "s1")
    assert row["datetime"] == pd.Timestamp("2015-06-01 10:00:00")
    assert pd.isna(row["width"])
    assert list(tables.annotations["label"]) == ["bird"]
    assert tables.annotations["box_left"].isna().all()


def test_read_records_of_nothing_gives_empty_tables_with_all_columns() -> None:
    tables = read_one(make_export([], []), ingestion_params())
    assert [len(table) for table in (tables.images, tables.annotations, tables.rejected)] == [0, 0, 0]
    assert "file_name" in tables.images
    assert "box_left" in tables.annotations
    assert "reason" in tables.rejected


def test_read_records_with_numeric_ids_matches_them_with_their_text() -> None:
    images = [image_record(0, id=17), image_record(1, id="18")]
    labels = [annotation_record(0, id=1, image_id="17", category_id="1"), annotation_record(1, id=2, image_id=18)]
    tables = read_one(make_export(images, labels), ingestion_params())
    assert list(tables.annotations["image_id"]) == ["17", "18"]
    assert list(tables.annotations["label"]) == ["fox", "fox"]


def test_read_records_with_several_labels_of_an_image_keeps_them_all() -> None:
    labels = [annotation_record(n, image_id=image_id(0), category_id=1 + n % 2) for n in range(3)]
    tables = read_one(make_export(1, labels), ingestion_params())
    assert list(tables.annotations["label"]) == ["fox", "bird", "fox"]


def test_read_records_with_an_annotation_without_a_box_shifts_no_other() -> None:
    labels = [annotation_record(0), annotation_record(1), annotation_record(2, bbox=[1, 2, 3, 4])]
    del labels[1]["bbox"]
    tables = read_one(make_export(3, labels), ingestion_params())
    assert list(tables.annotations["image_id"]) == [image_id(n) for n in range(3)]
    assert tables.annotations["box_left"].isna().tolist() == [False, True, False]
    assert tables.annotations["box_left"].iloc[2] == 1


# Images that are rejected


@pytest.mark.parametrize("record", [None, 5, "text", [1, 2], True])
def test_read_records_with_an_image_that_is_no_object_rejects_it(record: Any) -> None:
    tables = read_one(make_export([record, image_record(1)], []), ingestion_params())
    assert reasons(tables) == [Reason.NOT_A_RECORD]
    assert len(tables.images) == 1


@pytest.mark.parametrize("identity", [None, "", [], {}, True, 1.5])
def test_read_records_with_an_image_without_an_id_rejects_it(identity: Any) -> None:
    assert reasons(read_image_record(id=identity)) == [Reason.NO_ID]


@pytest.mark.parametrize("key", [None, "", [], 1.5, False])
def test_read_records_with_an_image_without_a_key_rejects_it(key: Any) -> None:
    tables = read_image_record(serving_bucket_key=key)
    assert reasons(tables) == [Reason.NO_KEY]
    assert "serving_bucket_key" in tables.rejected["detail"].iloc[0]


@pytest.mark.parametrize(
    "file_name",
    [
        *("/etc/passwd", "../../x.jpg", "a/../b", "a\x00.jpg", "a/nul.jpg", "a\\b", ""),
        *("..", ".", "a/..", "a/.", "a/", "nul", "a/COM1"),  # with an ending they would be names
        *("x" * 190, "/".join(["x" * 100] * 10)),  # with the data set or an ending they are too long
        *(None, [], 0.5),
    ],
)
def test_read_records_with_an_unsafe_file_name_rejects_the_image(file_name: Any) -> None:
    tables = read_image_record(file_name=file_name)
    assert reasons(tables) == [Reason.UNSAFE_FILE_NAME]
    assert tables.images.empty


def test_read_records_with_two_images_of_one_id_keeps_one_whatever_their_order() -> None:
    records = [image_record(0, location="here"), image_record(0, location="there", file_name="other.jpg")]
    first, second = (read_one(make_export(order, []), ingestion_params()) for order in (records, records[::-1]))
    pd.testing.assert_frame_equal(first.images, second.images)
    assert len(first.images) == 1
    assert reasons(first) == reasons(second) == [Reason.DUPLICATE_ID]


@pytest.mark.parametrize("second", ["camera/PHOTO.jpg", "CAMERA/photo.jpg", "camera/photo.jpg"])
def test_read_records_with_names_equal_but_for_case_keeps_the_first(second: str) -> None:
    images = [image_record(1, file_name=second), image_record(0, file_name="camera/photo.jpg")]
    labels = [annotation_record(0), annotation_record(1)]
    tables = read_one(make_export(images, labels), ingestion_params())
    assert list(tables.images["image_id"]) == [image_id(0)]
    assert reasons(tables) == [Reason.SAME_FILE_NAME, Reason.IMAGE_REJECTED]
    assert image_id(0) in tables.rejected["detail"].iloc[0]


@pytest.mark.parametrize("names", [("a/b", "a/B/c.jpg"), ("A/b/c/d.jpg", "a/b"), ("a", "a/b")])
def test_read_records_with_a_name_that_is_the_folder_of_another_keeps_the_first(names: tuple[str, str]) -> None:
    images = [image_record(number, file_name=name) for number, name in enumerate(names)]
    tables = read_one(make_export(images, []), ingestion_params())
    assert list(tables.images["image_id"]) == [image_id(0)]
    assert reasons(tables) == [Reason.SAME_FILE_NAME]


def test_read_records_with_images_in_one_folder_keeps_them_all() -> None:
    images = [image_record(number, file_name=name) for number, name in enumerate(["a/b/c.jpg", "a/B/d.jpg", "a/c.jpg"])]
    assert len(read_one(make_export(images, []), ingestion_params()).images) == 3


def test_read_records_with_a_rejected_image_counts_none_of_its_repairs() -> None:
    images = [image_record(0), image_record(1, file_name=image_record(0)["file_name"], width="wide", datetime="never")]
    tables = read_one(make_export(images, []), ingestion_params())
    assert reasons(tables) == [Reason.SAME_FILE_NAME]
    assert tables.repairs.total() == 0


# What is repaired in an image


@pytest.mark.parametrize(
    ("width", "height"),
    [
        ("640", "480"),
        (True, True),
        (640, True),
        (-640, 480),
        (640, 0),
        (640, None),
        (None, 480),
        (float("nan"), 480),
        (float("inf"), 480),
        (640, 10**9),
        ([640], 480),
    ],
)
def test_read_records_with_an_impossible_size_drops_it(width: Any, height: Any) -> None:
    tables = read_image_record(width=width, height=height)
    assert pd.isna(tables.images["width"].iloc[0])
    assert pd.isna(tables.images["height"].iloc[0])
    assert tables.repairs == {Repair.SIZE_DROPPED: 1}


def test_read_records_without_a_size_keeps_the_image_and_its_box() -> None:
    image = image_record(0)
    del image["width"], image["height"]
    tables = read_one(make_export([image], [annotation_record(0, bbox=[-3, -3, 9000, 9000])]), ingestion_params())
    assert tables.images["width"].isna().all()
    assert box_of(tables) == [-3, -3, 9000, 9000]
    assert tables.repairs == {Repair.SIZE_MISSING: 1}


@pytest.mark.parametrize(
    ("text", "clock"),
    [
        ("2024-05-06T07:08:09.000-07:00", "2024-05-06T07:08:09"),
        ("2024-05-06T23:30:00Z", "2024-05-06T23:30:00"),
        ("2024-05-06T00:30:00+14:00", "2024-05-06T00:30:00"),
        ("2024-05-06 07:08:09", "2024-05-06T07:08:09"),
        ("2024-05-06", "2024-05-06T00:00:00"),
        ("1970-01-01T00:00:00+12:00", "1970-01-01T00:00:00"),
    ],
)
def test_read_records_of_a_datetime_keeps_the_wall_clock(text: str, clock: str) -> None:
    tables = read_image_record(datetime=text)
    assert tables.images["datetime"].iloc[0] == pd.Timestamp(clock)
    assert tables.images["datetime"].dt.tz is None
    assert tables.repairs.total() == 0


def test_read_records_without_a_datetime_takes_the_date_of_older_exports() -> None:
    tables = read_image_record(datetime=None, date_captured="2015-06-01 10:00:00")
    assert tables.images["datetime"].iloc[0] == pd.Timestamp("2015-06-01 10:00:00")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2024-13-01",
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00+14:00",
        "1969-12-31T23:59:59",
        "9999-12-31T23:59:59-14:00",
        "2024:05:06 07:08:09",
        1_714_979_289,
        True,
        ["2024-05-06"],
        {"$date": "2024-05-06T07:08:09Z"},
    ],
)
def test_read_records_with_a_datetime_that_cannot_be_drops_it(value: Any) -> None:
    tables = read_image_record(datetime=value)
    assert tables.images["datetime"].isna().all()
    assert tables.repairs == {Repair.DATETIME_DROPPED: 1}


# Annotations that are rejected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": None}, Reason.NO_ID),
        ({"image_id": image_id(99)}, Reason.UNKNOWN_IMAGE),
        ({"image_id": None}, Reason.UNKNOWN_IMAGE),
        ({"image_id": [image_id(0)]}, Reason.UNKNOWN_IMAGE),
        ({"category_id": 99}, Reason.UNKNOWN_CATEGORY),
        ({"category_id": None}, Reason.UNKNOWN_CATEGORY),
        ({"category_id": True}, Reason.UNKNOWN_CATEGORY),
        ({"category_id": {}}, Reason.UNKNOWN_CATEGORY),
        ({"validated": False}, Reason.NOT_VALIDATED),
        ({"validated": None}, Reason.NOT_VALIDATED),
        ({"validated": "true"}, Reason.NOT_VALIDATED),
        ({"bbox": []}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 3]}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 3, 4, 5]}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 3, "4"]}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 3, True]}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 3, None]}, Reason.BAD_BOX),
        ({"bbox": "1 2 3 4"}, Reason.BAD_BOX),
        ({"bbox": {"x": 1}}, Reason.BAD_BOX),
        ({"bbox": [1, 2, float("nan"), 4]}, Reason.BAD_BOX),
        ({"bbox": [float("-inf"), 2, 3, 4]}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 0, 4]}, Reason.BAD_BOX),
        ({"bbox": [1, 2, 3, -4]}, Reason.BAD_BOX),
        ({"bbox": [WIDTH, 2, 3, 4]}, Reason.BOX_OUTSIDE),
        ({"bbox": [-3, 2, 3, 4]}, Reason.BOX_OUTSIDE),
        ({"bbox": [1e308, 1e308, 1e308, 1e308]}, Reason.BOX_OUTSIDE),
    ],
)
def test_read_records_with_an_annotation_that_cannot_be_used_rejects_it(
    changes: dict[str, Any], reason: Reason
) -> None:
    tables = read_annotation_record(**changes)
    assert reasons(tables) == [reason]
    assert tables.annotations.empty
    assert tables.repairs.total() == 0


def test_read_records_with_a_rejected_annotation_says_which_it_was() -> None:
    row = read_annotation_record(category_id=99).rejected.iloc[0]
    assert (row["record"], row["record_id"], row["image_id"]) == ("annotation", "label-0000", image_id(0))
    assert row["detail"] == "category_id 99 is none of the export's"


def test_read_records_with_an_annotation_of_a_rejected_image_says_so() -> None:
    images = [image_record(0, file_name="../x"), image_record(1, id=None)]
    labels = [annotation_record(0), annotation_record(1, image_id=None)]
    tables = read_one(make_export(images, labels), ingestion_params())
    rejected = tables.rejected[tables.rejected["record"] == "annotation"]
    assert list(rejected["reason"]) == [Reason.IMAGE_REJECTED, Reason.UNKNOWN_IMAGE]


def test_read_records_with_two_annotations_of_one_id_keeps_one() -> None:
    labels = [annotation_record(0), annotation_record(0, category_id=2)]
    first, second = (read_one(make_export(1, order), ingestion_params()) for order in (labels, labels[::-1]))
    assert len(first.annotations) == 1
    assert reasons(first) == [Reason.DUPLICATE_ID]
    pd.testing.assert_frame_equal(first.annotations, second.annotations)


def test_read_records_without_the_field_validated_takes_labels_as_validated() -> None:
    label = annotation_record(0)
    del label["validated"]
    assert len(read_one(make_export(1, [label]), ingestion_params()).annotations) == 1


def test_read_records_that_may_be_unvalidated_keeps_them() -> None:
    label = annotation_record(0, validated=False, confidence=0.75)
    tables = read_one(make_export(1, [label]), ingestion_params(validated_only=False))
    assert list(tables.annotations["confidence"]) == [0.75]


@pytest.mark.parametrize("confidence", [None, "high", True, -0.1, 1.1, float("nan")])
def test_read_records_with_a_confidence_that_is_none_leaves_it_out(confidence: Any) -> None:
    assert read_annotation_record(confidence=confidence).annotations["confidence"].isna().all()


# Labels


def test_read_records_with_wanted_labels_rejects_the_others_but_not_the_empty_ones() -> None:
    labels = [annotation_record(n, category_id=n) for n in range(3)]
    tables = read_one(make_export(3, labels), ingestion_params(labels=["bird"]))
    assert list(tables.annotations["label"]) == ["empty", "bird"]
    assert reasons(tables) == [Reason.UNWANTED_LABEL]
    assert "'fox'" in tables.rejected["detail"].iloc[0]


def test_read_records_with_a_wanted_label_that_is_unknown_names_the_categories() -> None:
    with pytest.raises(InputError, match=r"asks for 'foxx', 'wolf', but .* categories are bird, empty, fox\."):
        read_one(make_export(1), ingestion_params(labels=["wolf", "fox", "foxx"]))


def test_read_records_with_a_category_of_two_names_is_refused() -> None:
    categories = [*CATEGORIES, {"id": "1", "name": "cat"}]
    for order in (categories, categories[::-1]):
        with pytest.raises(InputError, match="category 1 is both 'cat' and 'fox'"):
            read_one(make_export(1, categories=order), ingestion_params())


@pytest.mark.parametrize("category", [None, 5, "fox", {}, {"id": 3}, {"name": "wolf"}, {"id": None, "name": "wolf"}])
def test_read_records_with_a_category_that_is_none_uses_the_others(category: Any) -> None:
    tables = read_one(make_export(1, categories=[category, *CATEGORIES]), ingestion_params())
    assert list(tables.annotations["label"]) == ["fox"]


def test_read_records_with_an_empty_image_takes_its_frame_for_no_box() -> None:
    tables = read_annotation_record(category_id=0, bbox=[0, 0, WIDTH, HEIGHT])
    assert list(tables.annotations["label"]) == ["empty"]
    assert tables.annotations[["box_left", "box_top", "box_width", "box_height"]].isna().all(axis=None)


HOSTILE = (
    "NA",
    "None",
    "nan",
    "null",
    "42",
    "007",
    "1e5",
    "true",
    "<NA>",
    "-",
    " fox ",
    "a,b",
    'say "fox"',
    "\\N",
    "ñ🦊",
)


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_read_records_with_a_label_and_a_location_that_look_like_something_else_keeps_them(
    number: int, tmp_path: Path
) -> None:
    text = HOSTILE[number]
    images = [image_record(0, id=text, location=text, seq_id=text), image_record(1, location=None)]
    labels = [annotation_record(0, id=text, image_id=text), annotation_record(1, id=f"{text}2", image_id="none")]
    export = make_export(images, labels, [{"id": 1, "name": text}])
    tables = read_one(export, ingestion_params(labels=[text]))
    catalog = catalog_of("ingestion", tmp_path)
    for name, table in (("images", tables.images), ("annotations", tables.annotations)):
        catalog.save(name, table)
        pd.testing.assert_frame_equal(catalog.load(name), table)
    catalog.save("rejected_records", tables.rejected)
    pd.testing.assert_frame_equal(catalog.load("rejected_records"), tables.rejected)
    row = catalog.load("images").set_index("image_id").loc[text]
    assert (row["location"], row["sequence_id"]) == (text, text)
    assert catalog.load("annotations")["label"].tolist() == [text]
    assert catalog.load("images").set_index("image_id")["location"].isna().to_dict() == {text: False, image_id(1): True}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8) | st.sampled_from(["\r", "a\rb", "\n", "\x00", '"']), min_size=1))
def test_rejected_records_with_any_text_survive_their_file(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    labels = [annotation_record(0, id=text, image_id=text) for text in texts]
    rejected = read_one(make_export(texts, labels), ingestion_params()).rejected
    catalog = catalog_of("ingestion", tmp_path_factory.getbasetemp())
    catalog.save("rejected_records", rejected)
    pd.testing.assert_frame_equal(catalog.load("rejected_records"), rejected)


# Boxes


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ([-1, 10, 50, 50], [0, 10, 49, 50]),
        ([WIDTH - 49, 10, 50, 50], [WIDTH - 49, 10, 49, 50]),
        ([0, 0, WIDTH + 1, HEIGHT + 1], [0, 0, WIDTH, HEIGHT]),
    ],
)
def test_read_records_with_a_box_that_overhangs_by_a_pixel_clips_and_counts_it(
    box: list[float], expected: list[float]
) -> None:
    tables = read_annotation_record(bbox=box)
    assert box_of(tables) == expected
    assert tables.repairs == {Repair.BOX_CLIPPED: 1}


@pytest.mark.parametrize("box", [[0.1, 0.3, 0.2, 0.6], [0, 0, WIDTH, HEIGHT], [10.7, 0.1, 33.3, 77.7]])
def test_read_records_with_a_box_inside_keeps_it_to_the_last_bit(box: list[float]) -> None:
    tables = read_annotation_record(bbox=box)
    assert box_of(tables) == box
    assert tables.repairs.total() == 0


# Properties: whatever an export holds

PARAMS = st.builds(
    lambda labels, validated_only: ingestion_params(labels=labels, validated_only=validated_only),
    st.none() | st.just(("bird",)),
    st.booleans(),
)
KEYS = st.sampled_from(["{serving_bucket_key}", "{file_name}", "original/{id}.jpg"])


@settings(max_examples=100, deadline=None)
@given(EXPORTS, PARAMS, KEYS)
def test_read_records_of_any_export_loses_no_record_and_trusts_none(
    export: CctExport, params: IngestionParams, key: str
) -> None:
    before = repr(export)
    tables = read_one(export, params, key)
    assert repr(export) == before
    check_that_nothing_is_lost(export, tables)
    check_that_rows_can_be_trusted(tables, set(params.selection.labels or ("fox", "bird")))


def check_that_nothing_is_lost(export: CctExport, tables: ExportTables) -> None:
    rejected = tables.rejected.groupby("record")["record_id"].agg(list).to_dict()
    for kind, records, kept in (
        ("image", export.images, tables.images["image_id"]),
        ("annotation", export.annotations, tables.annotations["annotation_id"]),
    ):
        assert Counter([*kept, *rejected.get(kind, [])]) == Counter(map(text_of_id, records))
    assert tables.rejected["reason"].isin(list(Reason)).all()
    assert (tables.rejected["detail"] != "").all()


def check_that_rows_can_be_trusted(tables: ExportTables, labels: set[str]) -> None:
    names = tables.images["file_name"]
    assert not any(map(fault_of_relative_path, names))
    assert not any(map(fault_of_relative_path, "island/" + names + "___crop00.jpg"))
    assert names.str.casefold().is_unique
    assert set(tables.annotations["image_id"]) <= set(tables.images["image_id"])
    assert set(tables.annotations["label"]) <= labels | {"empty"}
    boxes = tables.annotations.dropna(subset="box_left").merge(tables.images.dropna(subset="width"), on="image_id")
    assert (boxes[["box_width", "box_height"]] > 0).all(axis=None)
    assert (boxes[["box_left", "box_top"]] >= 0).all(axis=None)
    assert (boxes["box_left"] + boxes["box_width"] <= boxes["width"]).all()
    assert (boxes["box_top"] + boxes["box_height"] <= boxes["height"]).all()


@settings(max_examples=40, deadline=None)
@given(EXPORTS, PARAMS, st.randoms(use_true_random=False))
def test_read_records_in_any_order_gives_equal_tables(
    export: CctExport, params: IngestionParams, rng: random.Random
) -> None:
    def shuffled(records: Any) -> list[Any]:
        return rng.sample(list(records), len(records))

    other = replace(
        export,
        images=shuffled(export.images),
        annotations=shuffled(export.annotations),
        categories=shuffled(export.categories),
    )
    expected, tables = read_one(export, params), read_one(other, params)
    pd.testing.assert_frame_equal(tables.images, expected.images)
    pd.testing.assert_frame_equal(tables.annotations, expected.annotations)
    pd.testing.assert_frame_equal(tables.rejected.drop(columns="detail"), expected.rejected.drop(columns="detail"))
    assert tables.repairs == expected.repairs


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("p/ridge:_cam_2/x.jpg", "p/ridge__cam_2/x.jpg"),
        ("p/pelican_bay_tr./x.jpg", "p/pelican_bay_tr_/x.jpg"),
        ('p/the_"saddle"/why?.jpg', "p/the__saddle_/why_.jpg"),
        ("C:/x.jpg", "C_/x.jpg"),
    ],
)
def test_read_records_with_a_deployment_named_as_people_do_changes_the_name_and_counts_it(
    written: str, kept: str
) -> None:
    tables = read_one(make_export([image_record(0, file_name=written)]), ingestion_params())
    assert tables.images["file_name"].tolist() == [kept]
    assert tables.repairs == {Repair.FILE_NAME_CHANGED: 1}


def test_read_records_with_names_that_become_one_rejects_the_second() -> None:
    records = [image_record(0, file_name="p/why?.jpg"), image_record(1, file_name="p/why_.jpg")]
    tables = read_one(make_export(records, []), ingestion_params())
    assert tables.rejected["reason"].tolist() == [Reason.SAME_FILE_NAME]


def test_read_records_with_two_forms_of_an_accent_rejects_the_second() -> None:
    records = [image_record(0, file_name="p/ca\u00f1ada.jpg"), image_record(1, file_name="p/can\u0303ada.jpg")]
    tables = read_one(make_export(records, []), ingestion_params())
    assert tables.rejected["reason"].tolist() == [Reason.SAME_FILE_NAME]


@pytest.mark.parametrize(("media_type", "kept"), [("image/jpeg", 1), ("IMAGE/PNG", 1), (None, 1), ("video/mp4", 0)])
def test_read_records_of_media_keeps_the_images(media_type: str | None, kept: int) -> None:
    tables = read_image_record(media_type=media_type)
    assert len(tables.images) == kept
    assert reasons(tables) == [Reason.NOT_AN_IMAGE] * (1 - kept)


def test_read_records_of_an_image_that_is_corrupt_rejects_it() -> None:
    assert reasons(read_image_record(corrupt=True)) == [Reason.CORRUPT]

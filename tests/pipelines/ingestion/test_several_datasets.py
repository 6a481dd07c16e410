"""Several data sets in one run: nothing of one is taken for the other's, and nothing of either is lost."""

import logging
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from animl_kedro.datasets.label_exports import LabelExportsDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.key_rule import KeyRule
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.pipelines.ingestion.nodes import read_export
from animl_kedro.pipelines.ingestion.parameters import IngestionParams, SelectionParams
from animl_kedro.pipelines.ingestion.records import ExportTables, read_records
from animl_kedro.pipelines.ingestion.rejections import Reason, Repair
from animl_kedro.pipelines.ingestion.selection import select
from factories import (
    CATEGORIES,
    annotation_record,
    export_bytes,
    image_id,
    image_record,
    ingestion_params,
    make_export,
)

ANIMLS, LILAS = "{serving_bucket_key}", "{file_name}"


def with_key(export: CctExport, key: str = ANIMLS) -> LabelExport:
    return LabelExport(export, KeyRule(key))


def merge(params: IngestionParams | None = None, /, **exports: CctExport | LabelExport) -> ExportTables:
    """The tables of these data sets, of which no record may be lost."""
    given_exports = {
        name: export if isinstance(export, LabelExport) else with_key(export) for name, export in exports.items()
    }
    params = params or ingestion_params()
    tables = select(read_records(given_exports, params), params.selection).tables()
    for kind, kept in (("images", tables.images), ("annotations", tables.annotations)):
        read = sum(len(getattr(export.records, kind)) for export in given_exports.values())
        assert len(kept) + Counter(tables.rejected["record"])[kind[:-1]] == read
    return tables


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """These columns of a table, row by row."""
    return list(table[list(columns)].itertuples(index=False, name=None))


def export_with_ids(*ids: Any, label: int = 1) -> CctExport:
    """Images of these ids, each with an annotation whose id is the same."""
    images = [image_record(number, id=name) for number, name in enumerate(ids)]
    labels = [annotation_record(0, id=name, image_id=name, category_id=label) for name in ids]
    return make_export(images, labels)


def lilas_export(numbers: Sequence[int] = (0,)) -> CctExport:
    """An export as LILA writes it: no key, no size, no validation, categories of its own."""
    images = [{"id": f"lila-{number}", "file_name": f"loc/{number}.jpg", "location": "loc"} for number in numbers]
    labels = [{"id": f"l{number}", "image_id": f"lila-{number}", "category_id": 5} for number in numbers]
    return make_export(images, labels, [{"id": 5, "name": "fox"}, {"id": 1, "name": "cow"}])


# Merging


def test_read_records_of_two_data_sets_gives_the_rows_of_each() -> None:
    tables = merge(island=make_export(2), mainland=with_key(lilas_export([0, 1]), LILAS))
    assert rows(tables.images, "image_id", "dataset", "key", "file_name") == [
        ("island:0000", "island", "original/island:0000-original.jpg", "camera/0000.jpg"),
        ("island:0001", "island", "original/island:0001-original.jpg", "camera/0001.jpg"),
        ("lila-0", "mainland", "loc/0.jpg", "loc/0.jpg"),
        ("lila-1", "mainland", "loc/1.jpg", "loc/1.jpg"),
    ]
    assert rows(tables.annotations, "annotation_id", "image_id", "label") == [
        ("l0", "lila-0", "fox"),
        ("l1", "lila-1", "fox"),
        ("label-0000", "island:0000", "fox"),
        ("label-0001", "island:0001", "fox"),
    ]
    assert tables.rejected.empty


def test_read_records_makes_keys_by_the_rule_of_each_data_set() -> None:
    tables = merge(
        a=with_key(make_export(1), ANIMLS),
        b=with_key(make_export([image_record(1)], [annotation_record(1)]), "mirror/{location}/{file_name}"),
        c=with_key(make_export([image_record(2)], [annotation_record(2)]), "{nothing}"),
    )
    assert list(tables.images["key"]) == ["original/island:0000-original.jpg", "mirror/place 1/camera/0001.jpg"]
    rejected = tables.rejected[tables.rejected["record"] == "image"]
    assert rows(rejected, "dataset", "reason", "detail") == [("c", Reason.NO_KEY, "the record has no nothing")]


def test_read_records_of_three_equal_data_sets_loses_nothing() -> None:
    tables = merge(a=make_export(3), b=make_export(3), c=make_export(3))
    ids = [image_id(number) for number in range(3)]
    assert sorted(tables.images["image_id"]) == sorted(ids + [f"{name}/{one}" for name in "bc" for one in ids])
    assert len(tables.annotations) == 9
    assert Counter(tables.images["dataset"]) == {"a": 3, "b": 3, "c": 3}
    assert tables.rejected.empty


@pytest.mark.parametrize("order", [("a", "b", "c"), ("c", "b", "a"), ("b", "c", "a")])
def test_read_records_with_ids_that_data_sets_share_renames_those_of_the_later_ones_by_name(
    order: Sequence[str],
) -> None:
    exports = {
        "a": export_with_ids("x", label=0),
        "b": export_with_ids("x", "only b", label=1),
        "c": export_with_ids("x", "only b", label=2),
    }
    tables = merge(**{name: exports[name] for name in order})
    assert rows(tables.images, "image_id", "dataset") == [
        ("b/x", "b"),
        ("c/only b", "c"),
        ("c/x", "c"),
        ("only b", "b"),
        ("x", "a"),
    ]
    assert rows(tables.annotations, "annotation_id", "image_id", "label") == [
        ("b/x", "b/x", "fox"),
        ("c/only b", "c/only b", "bird"),
        ("c/x", "c/x", "bird"),
        ("only b", "only b", "fox"),
        ("x", "x", "empty"),
    ]


def test_read_records_with_ids_of_images_that_data_sets_share_gives_annotations_to_their_own_image() -> None:
    second = make_export(1, [annotation_record(0, id="another", category_id=2)])
    tables = merge(a=make_export(1), b=second)
    assert rows(tables.annotations, "annotation_id", "image_id", "label") == [
        ("another", f"b/{image_id(0)}", "bird"),
        ("label-0000", image_id(0), "fox"),
    ]


def test_read_records_with_ids_of_annotations_that_data_sets_share_loses_none() -> None:
    second = make_export([image_record(1)], [annotation_record(0, image_id=image_id(1))])
    tables = merge(a=make_export(1), b=second)
    assert rows(tables.annotations, "annotation_id", "image_id") == [
        ("b/label-0000", image_id(1)),
        ("label-0000", image_id(0)),
    ]


def test_read_records_with_numbers_as_ids_that_data_sets_share_tells_them_apart() -> None:
    tables = merge(a=export_with_ids(1), b=export_with_ids("1"))
    assert list(tables.images["image_id"]) == ["1", "b/1"]


def test_read_records_with_an_image_of_the_other_data_set_does_not_know_it() -> None:
    second = make_export([image_record(1)], [annotation_record(0), annotation_record(1)])
    tables = merge(a=make_export(1), b=second)
    assert rows(tables.rejected, "dataset", "record_id", "reason") == [("b", "label-0000", Reason.UNKNOWN_IMAGE)]


def test_read_records_with_a_rejected_image_gives_its_labels_to_no_image_of_the_same_id() -> None:
    second = make_export([image_record(0, file_name="../x")], [annotation_record(0, id="another")])
    tables = merge(a=make_export(1), b=second)
    assert rows(tables.images, "image_id", "dataset") == [(image_id(0), "a")]
    assert rows(tables.annotations, "annotation_id", "image_id") == [("label-0000", image_id(0))]
    assert rows(tables.rejected, "dataset", "record", "reason") == [
        ("b", "image", Reason.UNSAFE_FILE_NAME),
        ("b", "annotation", Reason.IMAGE_REJECTED),
    ]


def test_read_records_with_boxes_clips_each_to_the_image_of_its_own_data_set() -> None:
    box = [0, 0, 50, 50]
    small = make_export([image_record(0, width=10, height=20)], [annotation_record(0, bbox=box)])
    tables = merge(a=make_export(1, [annotation_record(0, bbox=box)]), b=small)
    assert rows(tables.annotations, "annotation_id", "box_width", "box_height") == [
        ("b/label-0000", 10, 20),
        ("label-0000", 50, 50),
    ]


def test_read_records_with_file_names_that_data_sets_share_keeps_both() -> None:
    tables = merge(
        a=make_export([image_record(0, id="a0", file_name="x/y.jpg"), image_record(1, file_name="X/Y.jpg")]),
        b=make_export([image_record(0, id="b0", file_name="x/y.jpg")], [annotation_record(0, image_id="b0")]),
        c=make_export([image_record(0, id="c0", file_name="X")], [annotation_record(0, image_id="c0")]),
    )
    assert rows(tables.images[tables.images["dataset"] != "a"], "dataset", "file_name") == [
        ("b", "x/y.jpg"),
        ("c", "X"),
    ]
    rejected = tables.rejected[tables.rejected["reason"] == Reason.SAME_FILE_NAME]
    assert rows(rejected, "dataset", "record_id") == [("a", image_id(1))]


# Ids that look like those that are made


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(["x", "b/x"], ["x"], id="of the first data set"),
        pytest.param(["x"], ["x", "b/x"], id="of the second data set"),
        pytest.param(["x"], ["x", "b/x", "b/b/x"], id="twice"),
        pytest.param(["x", "b/x"], ["x", "b/x"], id="of both"),
    ],
)
def test_read_records_with_ids_that_look_like_the_ones_it_makes_loses_none(first: list[str], second: list[str]) -> None:
    tables = merge(a=export_with_ids(*first, label=1), b=export_with_ids(*second, label=2))
    assert tables.images["image_id"].is_unique
    assert Counter(tables.images["dataset"]) == {"a": len(first), "b": len(second)}
    datasets = tables.images.set_index("image_id")["dataset"]
    labels = tables.annotations["label"].to_list()
    assert [{"a": "fox", "b": "bird"}[datasets[name]] for name in tables.annotations["image_id"]] == labels


def test_read_records_with_an_id_of_a_third_data_set_that_looks_like_one_that_it_makes_loses_none() -> None:
    tables = merge(a=export_with_ids("x"), b=export_with_ids("x"), c=export_with_ids("b/x", "x"))
    assert rows(tables.images, "dataset", "image_id") == [
        ("b", "b/x"),
        ("c", "c/b/x"),
        ("c", "c/x"),
        ("a", "x"),
    ]


# Categories


def test_read_records_with_categories_of_one_id_and_two_names_gives_each_data_set_its_own() -> None:
    tables = merge(
        a=make_export(1, categories=[{"id": 1, "name": "fox"}]),
        b=make_export([image_record(1)], [annotation_record(1)], [{"id": 1, "name": "cow"}]),
        c=make_export([image_record(2)], [annotation_record(2)], [{"id": "1", "name": "empty"}]),
    )
    assert list(tables.annotations["label"]) == ["fox", "cow", "empty"]
    assert tables.annotations["box_left"].isna().tolist() == [False, False, True]


def test_read_records_with_a_category_of_the_other_data_set_does_not_know_it() -> None:
    tables = merge(a=make_export(1, [annotation_record(0, category_id=5)]), b=with_key(lilas_export(), LILAS))
    rejected = tables.rejected[tables.rejected["record"] == "annotation"]
    assert rows(rejected, "dataset", "reason") == [("a", Reason.UNKNOWN_CATEGORY)]


def test_read_records_with_a_category_of_two_names_says_in_which_data_set() -> None:
    twice = make_export(1, categories=[*CATEGORIES, {"id": 1, "name": "cat"}])
    with pytest.raises(InputError, match="In the export of mainland, category 1 is both 'cat' and 'fox'"):
        merge(island=make_export(1), mainland=twice)


def test_labels_that_one_data_set_alone_has_are_taken_from_it() -> None:
    cows = make_export([image_record(1)], [annotation_record(1, category_id=7)], [{"id": 7, "name": "cow"}])
    tables = merge(ingestion_params(labels=["cow"]), a=make_export(1), b=cows)
    assert rows(tables.annotations, "image_id", "label") == [(image_id(1), "cow")]
    assert rows(tables.rejected, "dataset", "record", "reason") == [
        ("a", "annotation", Reason.UNWANTED_LABEL),
        ("a", "image", Reason.NO_LABEL),
    ]


def test_labels_that_no_data_set_has_are_refused_with_those_of_all() -> None:
    cows = make_export(1, categories=[{"id": 1, "name": "cow"}])
    with pytest.raises(InputError, match=r"labels asks for 'wolf', but .* categories are bird, cow, empty, fox\."):
        merge(ingestion_params(labels=["cow", "wolf"]), a=make_export(1), b=cows)


def test_rename_of_a_label_that_one_data_set_alone_has_merges_it_with_the_others() -> None:
    foxes = make_export([image_record(1)], [annotation_record(1)], [{"id": 1, "name": "Urocyon littoralis"}])
    params = ingestion_params(rename={"Urocyon littoralis": "fox"}, labels=["fox"], max_images_per_label=2)
    tables = merge(params, a=make_export(1), b=foxes)
    assert rows(tables.annotations, "image_id", "label") == [(image_id(0), "fox"), (image_id(1), "fox")]


def test_maximum_of_images_holds_for_the_data_sets_together() -> None:
    exports = {name: make_export(10) for name in ("a", "b", "c")}
    tables = merge(ingestion_params(max_images_per_label=12), **exports)
    assert len(tables.images) == 12
    assert set(tables.images["dataset"]) == {"a", "b", "c"}
    over = tables.rejected[tables.rejected["reason"] == Reason.OVER_MAXIMUM]
    assert Counter(over["dataset"]) + Counter(tables.images["dataset"]) == {"a": 10, "b": 10, "c": 10}


def test_locations_are_those_of_every_data_set() -> None:
    tables = merge(ingestion_params(exclude_locations=["place 0"]), a=make_export(2), b=make_export(2))
    assert rows(tables.images, "dataset", "location") == [("b", "place 1"), ("a", "place 1")]


# Exports that were cut off


CUT_OFF = "island.json is cut off after 100 bytes, with 2 whole images and 1 whole annotations"


def cut_off(export: CctExport, **changes: Any) -> CctExport:
    return replace(export, cut_off=CUT_OFF, **changes)


def accepting(**selection: Any) -> IngestionParams:
    return IngestionParams(selection=SelectionParams(**selection), accept_cut_off=True)


@pytest.mark.parametrize("names", [("a", "b"), ("b", "a")])
def test_read_records_of_an_export_that_was_cut_off_is_refused_with_what_to_do(names: tuple[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        merge(**{names[0]: make_export(1), names[1]: cut_off(make_export(2))})
    message = str(caught.value)
    assert message.startswith(f"{CUT_OFF}; ")
    assert "export fewer images at a time" in message
    assert message.endswith("ingestion.accept_cut_off=true.")


def test_read_records_of_an_export_that_was_cut_off_and_is_accepted_takes_the_whole_records() -> None:
    whole, half = (
        make_export([image_record(5)], [annotation_record(5)]),
        cut_off(make_export(2, [annotation_record(0)])),
    )
    tables = merge(accepting(), a=whole, b=half)
    assert sorted(tables.images["image_id"]) == [image_id(0), image_id(5)]
    assert rows(tables.rejected, "dataset", "record_id", "reason") == [("b", image_id(1), Reason.NO_LABEL)]


def test_read_records_of_an_export_that_was_cut_off_before_its_categories_says_where_to_give_them() -> None:
    half = cut_off(make_export(2), categories=[])
    with pytest.raises(InputError) as caught:
        merge(accepting(), island=make_export(1), mainland=half)
    message = str(caught.value)
    assert message.startswith(f"{CUT_OFF}, and without the names of its categories")
    assert "`categories:` (id: label) of mainland under animl_export in the catalog" in message


def test_read_records_of_an_export_that_was_cut_off_before_its_annotations_needs_no_categories() -> None:
    half = cut_off(make_export(2), annotations=[], categories=[])
    tables = merge(accepting(labels=["fox"]), a=make_export([image_record(5)], [annotation_record(5)]), b=half)
    assert rows(tables.images, "image_id", "dataset") == [(image_id(5), "a")]
    assert rows(tables.rejected, "dataset", "reason") == [("b", Reason.NO_LABEL)] * 2


def test_accept_cut_off_changes_nothing_for_whole_exports() -> None:
    expected = merge(a=make_export(2), b=make_export(2))
    tables = merge(accepting(), a=make_export(2), b=make_export(2))
    pd.testing.assert_frame_equal(tables.images, expected.images)


@pytest.fixture
def half_a_file(tmp_path: Path) -> Path:
    """A file of three images that breaks off in its second annotation."""
    file = tmp_path / "half.json"
    data = export_bytes(make_export(3))
    file.write_bytes(data[: data.index(b"label-0001")])
    return file


def load(file: Path, **settings_: Any) -> dict[str, LabelExport]:
    whole = file.with_name("whole.json")
    whole.write_bytes(export_bytes(make_export([image_record(5)], [annotation_record(5)])))
    sources = {"a": {"filepath": str(whole)}, "b": {"filepath": str(file)} | settings_}
    return LabelExportsDataset(datasets=sources).load()


def test_read_export_of_a_file_that_was_cut_off_names_it_and_its_counts(half_a_file: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_export(load(half_a_file), ingestion_params())
    size = half_a_file.stat().st_size
    expected = f"{half_a_file} is cut off after {size:,} bytes, with 3 whole images and 1 whole annotations; "
    assert str(caught.value).startswith(expected)


def test_read_export_of_a_file_that_was_cut_off_takes_the_categories_of_the_catalog(half_a_file: Path) -> None:
    with pytest.raises(InputError, match="without the names of its categories"):
        read_export(load(half_a_file), accepting())
    exports = load(half_a_file, categories={0: "empty", 1: "Vulpes"})
    images, annotations, rejected = read_export(exports, accepting(labels=["Vulpes", "fox"]))
    assert rows(annotations, "image_id", "label") == [(image_id(0), "Vulpes"), (image_id(5), "fox")]
    assert len(images) == 2
    assert list(rejected["reason"]) == [Reason.NO_LABEL] * 2


def test_read_export_of_a_whole_file_takes_its_own_categories_and_not_those_of_the_catalog(tmp_path: Path) -> None:
    file = tmp_path / "whole too.json"
    file.write_bytes(export_bytes(make_export(1)))
    _, annotations, _ = read_export(load(file, categories={1: "Vulpes"}), ingestion_params())
    assert list(annotations["label"]) == ["fox", "fox"]


# Records of Camtrap DP


def camtraps_image(number: int, **changes: Any) -> dict[str, Any]:
    """An image's record as it is made of a Camtrap DP package: without a size where EXIF data tell none."""
    record = image_record(number, file_name=f"media/{number}.jpg", seq_id="dep/s1", fileMediatype="image/jpeg")
    del record["width"], record["height"], record["serving_bucket_key"]
    return record | changes


def camtraps_label(number: int, **changes: Any) -> dict[str, Any]:
    record = annotation_record(number, bbox_relative=[0.25, 0.5, 0.5, 0.25])
    del record["bbox"]
    return record | changes


def merge_camtrap(images: Sequence[Any], labels: Sequence[Any]) -> ExportTables:
    """The tables of such records beside an export of Animl's."""
    animls = make_export([image_record(9)], [annotation_record(9)])
    return merge(animl=animls, camtrap=with_key(make_export(images, labels), LILAS))


def box_of(tables: ExportTables, annotation_id: str) -> tuple[Any, ...]:
    row = tables.annotations.set_index("annotation_id").loc[annotation_id]
    return tuple(row[["box_unit", "box_left", "box_top", "box_width", "box_height"]])


def test_relative_box_of_an_image_with_a_size_becomes_pixels() -> None:
    tables = merge_camtrap([camtraps_image(0, width=400, height=200)], [camtraps_label(0)])
    assert box_of(tables, "label-0000") == ("pixel", 100, 100, 200, 50)
    assert box_of(tables, "label-0009") == ("pixel", 60, 40, 50, 30)
    assert tables.repairs.total() == 0


@pytest.mark.parametrize("size", [{}, {"width": 400}, {"width": "400", "height": 200}, {"width": 0, "height": 0}])
def test_relative_box_of_an_image_without_a_size_stays_in_fractions(size: dict[str, Any]) -> None:
    tables = merge_camtrap([camtraps_image(0, **size)], [camtraps_label(0)])
    assert box_of(tables, "label-0000") == ("fraction", 0.25, 0.5, 0.5, 0.25)
    assert tables.repairs == {Repair.SIZE_DROPPED if size else Repair.SIZE_MISSING: 1}


@pytest.mark.parametrize(
    ("size", "expected"),
    [({"width": 400, "height": 200}, ("pixel", 0, 100, 400, 100)), ({}, ("fraction", 0, 0.5, 1, 0.5))],
)
def test_relative_box_that_overhangs_is_clipped_and_counted(size: dict[str, Any], expected: tuple[Any, ...]) -> None:
    label = camtraps_label(0, bbox_relative=[-0.5, 0.5, 2, 0.75])
    tables = merge_camtrap([camtraps_image(0, **size)], [label])
    assert box_of(tables, "label-0000") == pytest.approx(expected)
    assert tables.repairs[Repair.BOX_CLIPPED] == 1


@pytest.mark.parametrize("size", [{"width": 400, "height": 200}, {}])
@pytest.mark.parametrize(
    ("box", "reason"),
    [
        ([1, 0.5, 0.5, 0.25], Reason.BOX_OUTSIDE),
        ([0.5, -0.25, 0.5, 0.25], Reason.BOX_OUTSIDE),
        ([0.5, 0.5, 0, 0.25], Reason.BAD_BOX),
        ([0.5, 0.5, 0.25], Reason.BAD_BOX),
        ([0.5, 0.5, 0.25, ""], Reason.BAD_BOX),
        ([0.5, 0.5, 0.25, "nan"], Reason.BAD_BOX),
        ("0.5 0.5 0.25 0.25", Reason.BAD_BOX),
    ],
)
def test_relative_box_that_is_none_rejects_the_annotation(size: dict[str, Any], box: Any, reason: Reason) -> None:
    tables = merge_camtrap([camtraps_image(0, **size)], [camtraps_label(0, bbox_relative=box)])
    rejected = tables.rejected[tables.rejected["record"] == "annotation"]
    assert rows(rejected, "dataset", "record_id", "reason") == [("camtrap", "label-0000", reason)]
    assert list(tables.annotations["annotation_id"]) == ["label-0009"]


def test_relative_box_beside_one_in_pixels_counts_for_nothing() -> None:
    tables = merge_camtrap([camtraps_image(0)], [camtraps_label(0, bbox=[1, 2, 3, 4])])
    assert box_of(tables, "label-0000") == ("pixel", 1, 2, 3, 4)


def test_relative_box_of_an_empty_image_is_none() -> None:
    tables = merge_camtrap([camtraps_image(0)], [camtraps_label(0, category_id=0)])
    assert tables.annotations.set_index("annotation_id").loc["label-0000"].isna().sum() == 6


@pytest.mark.parametrize("media_type", ["video/mp4", "audio/wav", "application/octet-stream"])
def test_medium_that_is_no_image_is_rejected_with_its_labels(media_type: str) -> None:
    tables = merge_camtrap([camtraps_image(0, media_type=media_type), camtraps_image(1)], [camtraps_label(0)])
    rejected = tables.rejected[tables.rejected["record_id"] != image_id(1)]
    assert rows(rejected, "dataset", "record", "reason") == [
        ("camtrap", "image", Reason.NOT_AN_IMAGE),
        ("camtrap", "annotation", Reason.IMAGE_REJECTED),
    ]
    assert rejected["detail"].iloc[0] == f"the export says that it is {media_type!r}"


def test_observation_that_is_superseded_is_rejected_as_such_and_not_for_want_of_an_image() -> None:
    labels = [camtraps_label(0), camtraps_label(1, image_id=None, superseded=True), camtraps_label(2, image_id=None)]
    tables = merge_camtrap([camtraps_image(0)], labels)
    assert rows(tables.rejected, "dataset", "record_id", "reason") == [
        ("camtrap", "label-0001", Reason.SUPERSEDED),
        ("camtrap", "label-0002", Reason.UNKNOWN_IMAGE),
    ]
    assert tables.rejected["image_id"].isna().all()


@pytest.mark.parametrize("superseded", [False, None, "true", 1])
def test_observation_that_is_not_superseded_is_taken(superseded: Any) -> None:
    tables = merge_camtrap([camtraps_image(0)], [camtraps_label(0, superseded=superseded)])
    assert tables.rejected.empty


def test_sequences_of_each_data_set_keep_their_ids() -> None:
    tables = merge_camtrap([camtraps_image(0)], [camtraps_label(0)])
    assert tables.images.set_index("image_id")["sequence_id"].fillna("").to_dict() == {
        image_id(0): "dep/s1",
        image_id(9): "",
    }


# What is told of them


def test_rejected_records_tell_of_which_data_set_they_are() -> None:
    bad_image, bad_label = image_record(0, file_name="../x"), annotation_record(1, category_id=99)
    export = make_export([bad_image, image_record(1), image_record(2), 5], [annotation_record(0), bad_label, None])
    tables = merge(a=export, b=export, c=make_export(1))
    expected = Counter(
        {
            ("image", Reason.UNSAFE_FILE_NAME): 1,
            ("image", Reason.NOT_A_RECORD): 1,
            ("image", Reason.NO_LABEL): 2,
            ("annotation", Reason.IMAGE_REJECTED): 1,
            ("annotation", Reason.UNKNOWN_CATEGORY): 1,
            ("annotation", Reason.NOT_A_RECORD): 1,
        }
    )
    for name in ("a", "b"):
        assert Counter(rows(tables.rejected[tables.rejected["dataset"] == name], "record", "reason")) == expected
    assert set(tables.rejected["dataset"]) == {"a", "b"}


def test_rejected_records_of_an_image_whose_id_was_changed_name_the_changed_one_where_it_is_left_out() -> None:
    tables = merge(ingestion_params(locations=["place 1"]), a=make_export(1), b=make_export(2))
    left_out = tables.rejected[tables.rejected["reason"] == Reason.OUTSIDE_LOCATIONS]
    assert rows(left_out, "dataset", "record_id", "image_id") == [
        ("a", image_id(0), image_id(0)),
        ("b", f"b/{image_id(0)}", f"b/{image_id(0)}"),
    ]


def test_read_export_of_several_data_sets_logs_one_line_with_the_counts_of_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first = make_export(3, [annotation_record(0), annotation_record(1, validated=False), annotation_record(9)])
    second = make_export([image_record(0, corrupt=True), camtraps_image(1), image_record(2)], [camtraps_label(1)])
    with caplog.at_level(logging.INFO, logger="animl_kedro.pipelines.ingestion.nodes"):
        images, annotations, rejected = read_export(
            {"b": with_key(second, LILAS), "a": with_key(first)}, ingestion_params()
        )
    assert [len(table) for table in (images, annotations, rejected)] == [2, 2, 6]
    assert caplog.messages == [
        "6 images: 2 kept, 4 rejected (1 corrupt, 3 no_label); 4 annotations: 2 kept, 2 rejected (1 not_validated, "
        "1 unknown_image); 1 repaired or incomplete (1 size_missing): see rejected_records"
    ]


def test_read_export_of_nothing_wrong_logs_that_nothing_is(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="animl_kedro.pipelines.ingestion.nodes"):
        read_export({"a": with_key(make_export(2)), "b": with_key(make_export(3))}, ingestion_params())
    assert caplog.messages == [
        "5 images: 5 kept, 0 rejected; 5 annotations: 5 kept, 0 rejected; 0 repaired or incomplete "
        "(none): see rejected_records"
    ]


def test_read_export_counts_no_repair_of_an_image_that_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="animl_kedro.pipelines.ingestion.nodes"):
        read_export({"a": with_key(make_export([camtraps_image(0)], []), LILAS)}, ingestion_params())
    assert caplog.messages == [
        "1 images: 0 kept, 1 rejected (1 no_label); 0 annotations: 0 kept, 0 rejected; 0 repaired or incomplete "
        "(none): see rejected_records"
    ]


# Whatever the data sets hold

IDS = st.lists(st.sampled_from(["x", "y", "1", 1, "a/x", "b/x", "b/b/x", "c/x", "c/b/x", None]), max_size=5)


@settings(max_examples=50, deadline=None)
@given(st.fixed_dictionaries({"a": IDS, "b": IDS}, optional={"c": IDS}), st.randoms(use_true_random=False))
@example({"a": ["x"], "b": ["x", "b/x"]}, random.Random(0))
def test_read_records_of_any_data_sets_in_any_order_gives_the_same_and_loses_nothing(
    ids: Mapping[str, list[Any]], rng: random.Random
) -> None:
    exports = {name: export_with_ids(*own) for name, own in ids.items()}
    expected = merge(**exports)
    shuffled = {}
    for name in rng.sample(list(exports), len(exports)):
        images, annotations = (
            rng.sample(list(records), len(records)) for records in (exports[name].images, exports[name].annotations)
        )
        shuffled[name] = make_export(images, annotations)
    tables = merge(**shuffled)
    pd.testing.assert_frame_equal(tables.images, expected.images)
    pd.testing.assert_frame_equal(tables.annotations, expected.annotations)
    pd.testing.assert_frame_equal(tables.rejected, expected.rejected)
    for name, own in ids.items():
        kept = tables.images[tables.images["dataset"] == name]
        assert len(kept) == len({str(one) for one in own if one is not None})
    assert set(tables.annotations["image_id"]) == set(tables.images["image_id"])

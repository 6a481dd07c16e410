"""Whatever a file holds: rows and rejected records that add up, or one clear error.

At least 2,000 files are tried, `EXAMPLES` in all.
"""

import json
import random
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from kedro.io import DatasetError

from animl_kedro.datasets.label_exports import LabelExportsDataset
from animl_kedro.errors import InputError
from animl_kedro.files import fault_of_relative_path
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.label_export import LabelExport
from animl_kedro.pipelines.ingestion.parameters import IngestionParams, SelectionParams
from animl_kedro.pipelines.ingestion.records import Records, read_records
from animl_kedro.pipelines.ingestion.rejections import Reason
from animl_kedro.pipelines.ingestion.rows import AnnotationRow, ImageRow
from animl_kedro.pipelines.ingestion.selection import select
from animl_kedro.tables import BoxUnit
from factories import CATEGORIES, annotation_record, export_bytes, image_record, ingestion_params, make_export
from mangled_exports import ExportFile, export_files, packages, text_of_id, zipped

EXAMPLES = {"files": 2000, "files to tables": 200, "several data sets": 400, "packages": 600}
QUICK = settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

SELECTIONS: dict[str, list[Any]] = {
    "labels": [("bird",), ("fox", "empty"), ("fox", "bird"), ("vixen",)],
    "rename": [{"fox": "vixen"}, {"fox": "empty"}, {"bird": "fox"}, {"bird": "empty"}, {"wolf": "dog"}],
    "validated_only": [False],
    "keep_empty": [False],
    "first_date": [date(2024, 1, 1), date(2024, 5, 6)],
    "last_date": [date(2024, 5, 6), date(2100, 1, 1)],
    "exclude_locations": [("place 1",)],
    "max_images_per_label": [1, 2],
    "seed": [1, 2],
}


def params_of(rng: random.Random) -> IngestionParams:
    chosen = {name: rng.choice(values) for name, values in SELECTIONS.items() if rng.random() < 0.2}
    if chosen.get("rename") == {"bird": "fox"}:
        chosen.pop("labels", None)
    return IngestionParams(accept_cut_off=rng.random() < 0.7, selection=SelectionParams(**chosen))


PARAMS = st.randoms(use_true_random=True).map(params_of)
KEYS = st.sampled_from(["{serving_bucket_key}", "{file_name}", "original/{id}.jpg"])
STAND_INS = st.sampled_from([None, {1: "fox", 2: "bird", 0: "empty"}])


@settings(QUICK, max_examples=EXAMPLES["files"])
@given(export_files(), PARAMS, KEYS, STAND_INS)
def test_any_file_gives_rows_that_add_up_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, file: ExportFile, params: IngestionParams, key: str, categories: Any
) -> None:
    path = written(tmp_path_factory, file)
    settings_ = {"filepath": str(path), "key": key, "categories": categories}
    exports = loaded({"isle": settings_}, path)
    if exports and file.inner is not None:
        check_that_the_file_was_read(file.inner, exports["isle"].records)
    read_and_checked(exports, params, path)


@settings(QUICK, max_examples=EXAMPLES["files to tables"])
@given(export_files(), PARAMS, KEYS)
def test_any_file_gives_tables_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, file: ExportFile, params: IngestionParams, key: str
) -> None:
    path = written(tmp_path_factory, file)
    records = read_and_checked(loaded({"isle": {"filepath": str(path), "key": key}}, path), params, path)
    check_tables(records)


@settings(QUICK, max_examples=EXAMPLES["several data sets"])
@given(export_files(), export_files(), PARAMS, st.integers(0, 9).map(lambda number: number == 0))
def test_any_files_of_several_data_sets_give_rows_that_add_up_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory,
    first: ExportFile,
    second: ExportFile,
    params: IngestionParams,
    as_tables: bool,
) -> None:
    paths = [written(tmp_path_factory, file, name) for file, name in ((first, "first"), (second, "second"))]
    datasets = {"island": {"filepath": str(paths[0])}, "other": {"filepath": str(paths[1])}}
    records = read_and_checked(loaded(datasets, *paths), params, *paths)
    if as_tables:
        check_tables(records)


@settings(QUICK, max_examples=EXAMPLES["packages"])
@given(packages(), PARAMS, st.sampled_from(["folder", "zip", "zip of a folder"]), st.integers(0, 9))
def test_any_package_gives_rows_that_add_up_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory,
    files: dict[str, bytes],
    params: IngestionParams,
    form: str,
    chance: int,
) -> None:
    if form == "folder":
        path = tmp_path_factory.mktemp("package")
        for name, data in files.items():
            (path / name).write_bytes(data)
    else:
        folder = "isle/" if form == "zip of a folder" else ""
        packed = zipped({folder + name: data for name, data in files.items()})
        path = written(tmp_path_factory, ExportFile(packed))
    key = "{filePath}" if chance % 2 else "{file_name}"
    records = read_and_checked(loaded({"isle": {"filepath": str(path), "key": key}}, path), params, path)
    if chance == 0:
        check_tables(records)


def test_examples_are_as_many_as_were_promised() -> None:
    assert sum(EXAMPLES.values()) >= 2000


# The reader, with what is an answer of it


def written(factory: pytest.TempPathFactory, file: ExportFile, name: str = "the_file") -> Path:
    path = factory.getbasetemp() / name
    path.write_bytes(file.data)
    return path


def loaded(datasets: dict[str, dict[str, Any]], *paths: Path) -> dict[str, LabelExport]:
    """The exports, or none of them where there was the one error that there may be."""
    try:
        return LabelExportsDataset(datasets=datasets).load()
    except DatasetError as error:
        check_message(error.__cause__, *map(str, paths))
        return {}


def read_and_checked(exports: Mapping[str, LabelExport], params: IngestionParams, *paths: Path) -> Records:
    """The selected records, which add up and can be trusted; none where there was one clear error."""
    before = {name: repr_of(export.records) for name, export in exports.items()}
    try:
        read = read_records(exports, params)
    except InputError as error:
        check_message(error, *map(str, paths), *(f"the export of {name}" for name in exports), "ingestion.selection.")
        return Records()
    check_sums(exports, read)
    selected = select(read, params.selection)
    check_sums(exports, selected)
    check_rows(selected, exports)
    check_selection(selected, params.selection)
    assert {name: repr_of(export.records) for name, export in exports.items()} == before
    return selected


def check_message(error: BaseException | None, *spoken_of: str) -> None:
    assert isinstance(error, InputError), repr(error)
    assert any(text in str(error) for text in spoken_of), str(error)


def repr_of(export: CctExport) -> bytes:
    """What an export holds, however deep it is nested."""
    try:
        return repr(export).encode(errors="surrogatepass")
    except RecursionError:
        return b"too deep to be told"


# What must be so


def check_that_the_file_was_read(inner: bytes, export: CctExport) -> None:
    """Nothing is lost on the way from the file: Python's own JSON reader finds as many records."""
    try:
        content = json.loads(inner.decode())
    except (ValueError, RecursionError):
        return
    assert export.cut_off is None
    assert len(export.images) == len(content["images"])
    assert len(export.annotations) == len(content["annotations"])


def check_sums(exports: Mapping[str, LabelExport], records: Records) -> None:
    """Every record is one row of its kind or of the rejected ones."""
    dataset_of = {row.image_id: row.dataset for row in records.images}
    images = [(row.dataset, row.image_id) for row in records.images]
    annotations = [(dataset_of[row.image_id], row.annotation_id) for row in records.annotations]
    for kind, part, kept in (("image", "images", images), ("annotation", "annotations", annotations)):
        rows = kept + [(row.dataset, row.record_id) for row in records.rejected if row.record == kind]
        expected = [
            (name, text_of_id(record)) for name, export in exports.items() for record in getattr(export.records, part)
        ]
        assert Counter(map(own_id, rows)) == Counter(map(own_id, expected))
    assert {row.record for row in records.rejected} <= {"image", "annotation"}
    assert {row.reason for row in records.rejected} <= set(Reason)
    assert all(row.detail for row in records.rejected)


def own_id(row: tuple[str, str]) -> tuple[str, str]:
    """An id as its data set knows it: where another has the same, the data set's name is put before it."""
    dataset, record_id = row
    while record_id.startswith(f"{dataset}/"):
        record_id = record_id.removeprefix(f"{dataset}/")
    return dataset, record_id


def check_rows(records: Records, exports: Mapping[str, LabelExport]) -> None:
    images = {row.image_id: row for row in records.images}
    assert len(images) == len(records.images)
    assert len({row.annotation_id for row in records.annotations}) == len(records.annotations)
    for image in records.images:
        assert image.dataset in exports
        assert image.key
        assert fault_of_relative_path(image.file_name) is None
        assert fault_of_relative_path(f"{image.dataset}/{image.file_name}") is None
        assert (image.width is None) == (image.height is None)
    assert len({(row.dataset, row.file_name.casefold()) for row in records.images}) == len(records.images)
    for annotation in records.annotations:
        check_box(annotation, images[annotation.image_id])
        assert annotation.confidence is None or 0 <= annotation.confidence <= 1


def check_box(row: AnnotationRow, image: ImageRow) -> None:
    left, top, width, height = row.box_left, row.box_top, row.box_width, row.box_height
    if left is None or top is None or width is None or height is None:
        assert (row.box_unit, left, top, width, height) == (None,) * 5
        return
    assert row.label != "empty"
    assert width > 0
    assert height > 0
    frame = (1, 1) if row.box_unit == BoxUnit.FRACTION else (image.width, image.height)
    if frame[0] is None or frame[1] is None:  # a frame of which nothing is known
        return
    assert 0 <= left < left + width <= frame[0]
    assert 0 <= top < top + height <= frame[1]


def check_selection(records: Records, params: SelectionParams) -> None:
    images_by_label: dict[str, set[str]] = {}
    for row in records.annotations:
        images_by_label.setdefault(row.label, set()).add(row.image_id)
    labeled = set().union(*images_by_label.values())
    assert labeled == {row.image_id for row in records.images}
    if not params.keep_empty:
        assert labeled == set().union(*(found for label, found in images_by_label.items() if label != "empty"))
    if params.labels is not None:
        assert set(images_by_label) <= {*params.labels, "empty"}
    assert not set(images_by_label) & set(params.rename)
    if params.max_images_per_label is not None:
        assert all(len(found) <= params.max_images_per_label for found in images_by_label.values())
    for image in records.images:
        assert image.location not in params.exclude_locations
        if params.first_date or params.last_date:
            assert image.datetime is not None
            assert (params.first_date or date.min) <= image.datetime.date() <= (params.last_date or date.max)


def check_tables(records: Records) -> None:
    tables = records.tables()
    assert sorted(tables.images["image_id"]) == sorted(row.image_id for row in records.images)
    assert sorted(tables.annotations["annotation_id"]) == sorted(row.annotation_id for row in records.annotations)
    assert list(tables.rejected["record_id"]) == [row.record_id for row in records.rejected]


# What such files have brought to light


def read_file(path: Path, data: bytes, **selection: Any) -> Records:
    path.write_bytes(data)
    return read_and_checked(loaded({"isle": {"filepath": str(path)}}, path), ingestion_params(**selection), path)


@pytest.mark.parametrize("depth", [200, 300, 1000])
@pytest.mark.parametrize("field", ["id", "media_type", "file_name", "location", "datetime", "width", "more"])
def test_image_that_is_nested_deep_is_kept_or_rejected(tmp_path: Path, depth: int, field: str) -> None:
    images = [image_record(0, **{field: "@"}), image_record(0), image_record(1)]
    data = export_bytes(make_export(images, [annotation_record(1)]))
    records = read_file(tmp_path / "export.json", data.replace(b'"@"', b"[" * depth + b"]" * depth))
    assert "island:0001" in [row.image_id for row in records.images]


@pytest.mark.parametrize("depth", [200, 300, 1000])
@pytest.mark.parametrize("field", ["id", "image_id", "category_id", "bbox", "bbox_relative", "confidence", "more"])
def test_annotation_that_is_nested_deep_is_kept_or_rejected(tmp_path: Path, depth: int, field: str) -> None:
    changes = {field: "@"} | ({"bbox": None} if field == "bbox_relative" else {})
    labels = [annotation_record(0, **changes), annotation_record(0), annotation_record(1)]
    data = export_bytes(make_export(2, labels)).replace(b'"@"', b"[" * depth + b"]" * depth)
    records = read_file(tmp_path / "export.json", data)
    assert "label-0001" in [row.annotation_id for row in records.annotations]


@pytest.mark.parametrize("depth", [200, 300, 1000])
def test_records_that_are_nothing_but_nesting_are_rejected(tmp_path: Path, depth: int) -> None:
    data = export_bytes(make_export([image_record(0), "@", "@"], [annotation_record(0), "@"]))
    records = read_file(tmp_path / "export.json", data.replace(b'"@"', b"[" * depth + b"]" * depth))
    assert [row.reason for row in records.rejected] == [Reason.NOT_A_RECORD] * 3


@pytest.mark.parametrize("kind", ["image", "annotation"])
def test_id_of_a_second_data_set_that_would_become_another_of_its_ids_stays_unique(tmp_path: Path, kind: str) -> None:
    if kind == "image":
        images = [image_record(0, id="x"), image_record(1, id="other/x")]
        labels = [annotation_record(0, image_id="x"), annotation_record(1, image_id="other/x")]
    else:
        images = [image_record(0), image_record(1)]
        labels = [annotation_record(0, id="x"), annotation_record(1, id="other/x")]
    paths = [tmp_path / "island.json", tmp_path / "other.json"]
    paths[0].write_bytes(export_bytes(make_export(images[:1], labels[:1])))
    paths[1].write_bytes(export_bytes(make_export(images, labels)))
    datasets = {"island": {"filepath": str(paths[0])}, "other": {"filepath": str(paths[1])}}
    records = read_and_checked(loaded(datasets, *paths), ingestion_params(), *paths)
    assert (len(records.images), len(records.annotations)) == (3, 3)
    check_tables(records)


@pytest.mark.parametrize("box", [[0.5, 0.5, 1e-6, 0.5], [0.5, 0.5, 0.5, 1e-6], [0.999999, 0, 1, 1]])
def test_box_in_fractions_that_is_no_hundredth_of_a_pixel_is_rejected(tmp_path: Path, box: list[float]) -> None:
    labels = [annotation_record(0, bbox=None, bbox_relative=box), annotation_record(0, id="another")]
    records = read_file(tmp_path / "export.json", export_bytes(make_export(1, labels)))
    assert [row.annotation_id for row in records.annotations] == ["another"]
    assert [row.record_id for row in records.rejected] == ["label-0000"]


@pytest.mark.parametrize(
    "written_text",
    [
        rb"a\ud83d",
        rb"a\udd8a",
        rb"\udd8a\ud83d",
        rb"\\ud83d\udd8a",
        rb"\ud83d\\udd8a",
        rb"\\\ud83d",
        rb"\ud83d\ud83e\udd8a",
    ],
)
def test_half_an_emoji_in_any_company_leaves_text_that_a_table_can_hold(tmp_path: Path, written_text: bytes) -> None:
    data = export_bytes(make_export([image_record(0, location="@")], [annotation_record(0)])).replace(
        b"@", written_text
    )
    records = read_file(tmp_path / "export.json", data)
    (image,) = records.images
    assert "\ufffd" in (image.location or "")
    check_tables(records)


def test_cut_off_export_that_is_accepted_gives_its_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    whole = export_bytes(make_export(3))
    path.write_bytes(whole[: whole.index(b'"label-0002"')])
    categories = {category["id"]: category["name"] for category in CATEGORIES}
    datasets = {"isle": {"filepath": str(path), "categories": categories}}
    records = read_and_checked(loaded(datasets, path), IngestionParams(accept_cut_off=True), path)
    assert [row.annotation_id for row in records.annotations] == ["label-0000", "label-0001"]
    assert [(row.record_id, row.reason) for row in records.rejected] == [("island:0002", Reason.NO_LABEL)]


def test_numbers_beyond_64_bits_are_no_ids_and_no_sizes(tmp_path: Path) -> None:
    images = [image_record(0, id="@"), image_record(1, width="@")]
    data = orjson.dumps({"images": images, "annotations": [annotation_record(1)], "categories": list(CATEGORIES)})
    records = read_file(tmp_path / "export.json", data.replace(b'"@"', b"1" * 400))
    assert [(row.image_id, row.width) for row in records.images] == [("island:0001", None)]
    assert [row.reason for row in records.rejected] == [Reason.NO_ID]

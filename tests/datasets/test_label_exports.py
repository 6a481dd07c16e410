"""The exports of one or several data sets as a catalog entry: read by name, with a rule for keys, and never written."""

import gc
from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.label_exports import ANIMLS_KEY, LabelExportsDataset
from animl_kedro.errors import InputError
from factories import CATEGORIES, export_bytes, make_export
from mangled_exports import zipped


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "export.json"
    file.write_bytes(export_bytes(make_export(3)))
    return file


def one(path: Path, **settings: Any) -> LabelExportsDataset:
    return LabelExportsDataset(datasets={"island": {"filepath": str(path), **settings}})


def cause_of(dataset: LabelExportsDataset) -> str:
    """The message of the error that Kedro wraps."""
    with pytest.raises(DatasetError) as caught:
        dataset.load()
    assert isinstance(caught.value.__cause__, InputError)
    assert str(caught.value.__cause__) in str(caught.value)
    return str(caught.value.__cause__)


def refusal_of(datasets: Any) -> str:
    with pytest.raises(DatasetError) as caught:
        LabelExportsDataset(datasets=datasets)
    return str(caught.value)


# Loading


def test_dataset_of_one_data_set_loads_its_records_as_they_are(path: Path) -> None:
    exports = one(path).load()
    assert list(exports) == ["island"]
    records, expected = exports["island"].records, make_export(3)
    assert (records.images, records.annotations) == (expected.images, expected.annotations)
    assert list(records.categories) == list(expected.categories)
    assert records.cut_off is None


def test_dataset_of_several_data_sets_loads_each_by_its_name_and_rule(path: Path, tmp_path: Path) -> None:
    packed = tmp_path / "other.zip"
    packed.write_bytes(zipped({"export.json": export_bytes(make_export(5))}))
    settings = {"filepath": str(packed), "key": "original/{id}.jpg"}
    exports = LabelExportsDataset(datasets={"lila": settings, "Island.2": {"filepath": str(path)}}).load()
    assert {name: len(export.records.images) for name, export in exports.items()} == {"Island.2": 3, "lila": 5}
    assert list(exports) == ["Island.2", "lila"]  # in one order, whatever that of the settings
    assert exports["lila"].key_rule.key_of({"id": "a"}) == "original/a.jpg"
    assert exports["Island.2"].key_rule.template == ANIMLS_KEY


def test_dataset_without_a_key_rule_takes_animls(path: Path) -> None:
    export = one(path).load()["island"]
    assert export.key_rule.key_of(export.records.images[1]) == "original/island:0001-original.jpg"


@pytest.mark.parametrize("enabled", [True, False])
def test_dataset_leaves_the_garbage_collection_as_it_was(path: Path, enabled: bool) -> None:
    try:
        if not enabled:
            gc.disable()
        one(path).load()
        cause_of(one(path.with_name("none.json")))
        assert gc.isenabled() == enabled
    finally:
        gc.enable()


def test_dataset_in_a_catalog_loads_the_exports(path: Path) -> None:
    kind = "animl_kedro.datasets.label_exports.LabelExportsDataset"
    datasets = {"island": {"filepath": str(path)}, "lila": {"filepath": str(path), "key": "{file_name}"}}
    config: dict[str, dict[str, Any]] = {
        "animl_export": {"type": kind, "datasets": datasets, "metadata": {"layer": "raw"}}
    }
    catalog = DataCatalog.from_config(config)
    exports = catalog.load("animl_export")
    assert {name: export.key_rule.template for name, export in exports.items()} == {
        "island": ANIMLS_KEY,
        "lila": "{file_name}",
    }
    entry = catalog["animl_export"]
    assert isinstance(entry, LabelExportsDataset)
    assert str(path) in str(entry)
    assert entry.metadata == {"layer": "raw"}


# Categories


def cut_off(path: Path) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"label-0002"')])
    return path


def test_categories_of_the_settings_stand_in_where_a_cut_off_export_has_none(path: Path) -> None:
    export = one(cut_off(path), categories={1: "fox", "2": "bird"}).load()["island"].records
    assert export.categories == [{"id": 1, "name": "fox"}, {"id": "2", "name": "bird"}]
    assert (len(export.images), len(export.annotations)) == (3, 2)
    assert f"{path} is cut off after" in (export.cut_off or "")


@pytest.mark.parametrize("settings", [{}, {"categories": None}, {"categories": {}}])
def test_cut_off_export_without_categories_in_the_settings_has_none(path: Path, settings: dict[str, Any]) -> None:
    assert not one(cut_off(path), **settings).load()["island"].records.categories


def test_categories_of_the_settings_leave_those_of_an_export_alone(path: Path) -> None:
    export = one(path, categories={1: "wolf"}).load()["island"].records
    assert list(export.categories) == list(CATEGORIES)


# Files


def test_dataset_exists_only_if_all_of_its_files_do(path: Path, tmp_path: Path) -> None:
    absent = tmp_path / "none.json"
    assert one(path).exists()
    assert not one(absent).exists()
    datasets = {"island": {"filepath": str(path)}, "lila": {"filepath": str(absent)}}
    assert not LabelExportsDataset(datasets=datasets).exists()
    absent.touch()
    assert LabelExportsDataset(datasets=datasets).exists()


def test_dataset_without_a_file_says_where_to_put_it(path: Path, tmp_path: Path) -> None:
    message = cause_of(one(tmp_path / "none.json"))
    assert message.startswith(f"There is no export at {tmp_path / 'none.json'}. Export the labels from Animl")
    assert "conf/local/catalog.yml" in message
    datasets = {"a": {"filepath": str(path)}, "b": {"filepath": str(tmp_path / "none.json")}}
    assert cause_of(LabelExportsDataset(datasets=datasets)) == message


def test_dataset_whose_file_is_no_export_names_it(path: Path) -> None:
    path.write_text("image_id,label\n")
    assert cause_of(one(path)).startswith(f"{path} is not JSON")


def test_dataset_refuses_to_be_saved_and_leaves_the_file(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(DatasetError, match="read, never written"):
        one(path).save(one(path).load())  # type: ignore[arg-type]
    assert path.read_bytes() == before


# Settings that are wrong


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({}, "filepath: Field required"),
        ({"key": "{id}"}, "filepath: Field required"),
        ({"filepath": ""}, "filepath: String should have at least 1 character"),
        ({"filepath": "a.json", "file_path": "b.json"}, "unknown parameter 'file_path': did you mean 'filepath'?"),
        ({"filepath": "a.json", "keys": "{id}", "categories": {}}, "unknown parameter 'keys': did you mean 'key'?"),
    ],
)
def test_dataset_with_settings_that_are_absent_or_unknown_names_them(settings: dict[str, Any], fault: str) -> None:
    message = refusal_of({"island": settings})
    assert message.startswith(f"The data set 'island': {fault}")
    assert message.endswith("Expected is a filepath, and if need be key and categories.")


@pytest.mark.parametrize("settings", [None, "a.json", 5, ["filepath"]])
def test_dataset_with_settings_that_are_none_names_the_data_set(settings: Any) -> None:
    assert "'island'" in refusal_of({"island": settings})


@pytest.mark.parametrize("filepath", [None, 5, ["a.json"], {}])
def test_dataset_with_a_filepath_that_is_no_path_names_the_data_set(filepath: Any) -> None:
    assert "'island'" in refusal_of({"island": {"filepath": filepath}})


@pytest.mark.parametrize("key", ["", "file_name", "{file-name}", "{a"])
def test_dataset_with_a_key_rule_that_is_none_shows_it(key: str) -> None:
    message = refusal_of({"island": {"filepath": "a.json", "key": key}})
    assert message.startswith(f"The data set 'island': key: the key rule {key!r} is not a text with fields")


@pytest.mark.parametrize("key", [None, 5, {"field": "file_name"}])
def test_dataset_with_a_key_rule_that_is_no_text_names_the_data_set(key: Any) -> None:
    message = refusal_of({"island": {"filepath": "a.json", "key": key}})
    assert message.startswith("The data set 'island': key: Input should be a valid string")


@pytest.mark.parametrize("categories", [[{"id": 1, "name": "fox"}], "fox", 5])
def test_dataset_with_categories_that_are_no_mapping_names_the_data_set(categories: Any) -> None:
    assert refusal_of({"island": {"filepath": "a.json", "categories": categories}}).startswith("The data set 'island'")


@pytest.mark.parametrize("datasets", [{}, None])
def test_dataset_without_data_sets_says_so(datasets: Any) -> None:
    assert "names no data set" in refusal_of(datasets)


@pytest.mark.parametrize(
    "name", ["", " ", "a b", "a/b", "..", ".a", "-a", "a.", "nul", "COM1.x", "ñ", "a\n", "a" * 201]
)
def test_dataset_with_a_name_that_cannot_be_a_folder_is_refused(name: str) -> None:
    assert refusal_of({name: {"filepath": "a.json"}}).startswith(f"{name!r} cannot be the name of a data set")


@pytest.mark.parametrize("names", [("island", "Island"), ("a", "b", "A")])
def test_dataset_with_names_that_differ_in_case_alone_is_refused(names: tuple[str, ...]) -> None:
    message = refusal_of({name: {"filepath": "a.json"} for name in names})
    assert "differ only in upper and lower case" in message
    assert all(repr(name) in message for name in names)


def test_dataset_in_a_catalog_with_wrong_settings_is_refused_with_their_names() -> None:
    kind = "animl_kedro.datasets.label_exports.LabelExportsDataset"
    catalog = DataCatalog.from_config({"animl_export": {"type": kind, "datasets": {"island": {"path": "a.json"}}}})
    with pytest.raises(DatasetError, match="data set 'island': unknown parameter 'path': did you mean 'filepath'"):
        catalog.load("animl_export")

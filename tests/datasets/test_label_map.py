"""The label map and the taxonomy as catalog entries: read by their content, never written."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import DataCatalog, DatasetError

from animl_kedro.datasets.label_map import LabelMapDataset, TaxonomyDataset
from animl_kedro.formats.taxonomy import Taxon, Taxonomy


@pytest.mark.parametrize("name", ["map.yml", "map.json", "map.csv", "map"])
@pytest.mark.parametrize(
    "text", ["fox: [fox]", '{"fox": ["fox"]}', '{"fox": {"labels": ["fox"]}}', "# classes\n{fox: [fox]}"]
)
def test_label_map_is_read_by_its_content_whatever_its_name(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert LabelMapDataset(filepath=str(tmp_path / name)).load().classes["fox"].labels == ("fox",)


def test_label_map_with_a_fault_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "map.yml"
    path.write_text("fox: 3")
    with pytest.raises(DatasetError, match=f"{path} has 'fox': 3"):
        LabelMapDataset(filepath=str(path)).load()


@pytest.mark.parametrize("kind", [LabelMapDataset, TaxonomyDataset])
def test_file_that_is_not_there_is_told_with_its_path(tmp_path: Path, kind: Any) -> None:
    dataset = kind(filepath=str(tmp_path / "absent"))
    assert not dataset.exists()
    assert str(tmp_path / "absent") in str(dataset)
    with pytest.raises(DatasetError, match=r"absent cannot be read: No such file.*conf/local/catalog.yml"):
        dataset.load()


@pytest.mark.parametrize("dataset", [LabelMapDataset(filepath="map.yml"), TaxonomyDataset()])
def test_neither_is_ever_written(dataset: Any) -> None:
    with pytest.raises(DatasetError, match="read, never written"):
        dataset.save({})


def test_taxonomy_without_a_file_is_there_and_knows_nothing() -> None:
    dataset = TaxonomyDataset()
    assert dataset.exists()
    assert dataset.load() == Taxonomy()


def test_both_from_a_catalog(tmp_path: Path) -> None:
    (tmp_path / "map.csv").write_text("output_label,type,content\nfox,family,canidae\n")
    (tmp_path / "taxa.csv").write_text("dataset,label,family\nThe Islands,fox,Canidae\n")
    kind = "animl_kedro.datasets.label_map"
    taxonomy = {"filepath": str(tmp_path / "taxa.csv"), "datasets": {"islands": "The Islands"}}
    catalog = DataCatalog.from_config(
        {
            "label_map": {"type": f"{kind}.LabelMapDataset", "filepath": str(tmp_path / "map.csv")},
            "taxonomy": {"type": f"{kind}.TaxonomyDataset", **taxonomy},
        }
    )
    assert catalog.load("label_map").classes["fox"].taxa[0].taxon == Taxon("family", "canidae")
    assert catalog.load("taxonomy").taxa("islands", "fox") == {Taxon("family", "canidae")}


@pytest.mark.parametrize("datasets", [{1: "x"}, {"a/b": "x"}, {"islands": 3}, {"islands": ""}])
def test_names_that_cannot_be_are_refused(datasets: Any) -> None:
    with pytest.raises(DatasetError):
        TaxonomyDataset(filepath="taxa.csv", datasets=datasets)

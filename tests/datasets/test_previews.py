"""What kedro-viz is given of datasets: parts of them, which JSON can hold."""

import base64
import inspect
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from kedro.io import Version
from PIL import Image

from animl_kedro.datasets.classifier_card import ClassifierCardDataset
from animl_kedro.datasets.figures import MatplotlibDataset
from animl_kedro.datasets.image_folder import ImageFolderDataset
from animl_kedro.datasets.label_map import LabelMapDataset
from animl_kedro.datasets.megadetector_results import MegaDetectorResultsDataset
from animl_kedro.datasets.previews import MOST_CHARACTERS, ROWS, TILE_PIXELS, TILES, json_preview, table_preview
from animl_kedro.datasets.whole_files import CSVDataset, JSONDataset, ParquetDataset, TextDataset
from animl_kedro.errors import InputError
from animl_kedro.image_folder import FIRST
from factories import CONF, write_jpeg

ROWS_OF_ALL_KINDS = pd.DataFrame(
    {
        "text": ["fox", None, "<script>alert(1)</script>"],
        "number": [1.5, np.nan, np.inf],
        "whole": pd.array([1, None, 3], dtype="Int64"),
        "time": [pd.Timestamp("2024-05-06T07:08:09"), pd.NaT, pd.NaT],
        "flag": [True, False, True],
        "long": ["x" * 1000] * 3,
    }
)


def test_table_is_shown_as_what_json_can_hold() -> None:
    preview: Any = table_preview(ROWS_OF_ALL_KINDS)
    assert json.loads(json.dumps(preview, allow_nan=False)) == preview
    assert preview["columns"] == list(ROWS_OF_ALL_KINDS.columns)
    assert preview["data"][0] == ["fox", 1.5, 1, "2024-05-06 07:08:09", True, "x" * MOST_CHARACTERS + "…"]
    assert preview["data"][1][:4] == ["", "", "", ""]
    assert preview["data"][2][:2] == ["<script>alert(1)</script>", "inf"]


def test_parquet_of_many_rows_is_shown_by_its_first_ones_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "table.parquet"
    pd.DataFrame({"number": range(50_000)}).to_parquet(path, row_group_size=10_000)
    monkeypatch.setattr(pq, "read_table", lambda *_, **__: pytest.fail("the whole table is read"))
    preview: Any = ParquetDataset(filepath=str(path)).preview()
    assert preview["data"] == [[number] for number in range(ROWS)]


@pytest.mark.parametrize("table", [ROWS_OF_ALL_KINDS, ROWS_OF_ALL_KINDS.head(0)])
@pytest.mark.parametrize("kind", [ParquetDataset, CSVDataset])
def test_tables_are_shown_in_the_version_that_a_catalog_loads(tmp_path: Path, kind: Any, table: pd.DataFrame) -> None:
    dataset = kind(filepath=str(tmp_path / "table"), version=Version(None, "2024-05-06T07.08.09.000Z"))
    dataset.save(table)
    preview = kind(filepath=str(tmp_path / "table"), version=Version(None, None)).preview()
    assert preview["columns"] == list(table.columns)
    assert [row[0] for row in preview["data"]] == table["text"].fillna("").tolist()


def test_csv_of_many_rows_is_shown_by_its_first_ones(tmp_path: Path) -> None:
    pd.DataFrame({"number": range(500)}).to_csv(tmp_path / "table.csv", index=False)
    dataset = CSVDataset(filepath=str(tmp_path / "table.csv"))
    preview: Any = dataset.preview()
    assert len(preview["data"]) == ROWS
    assert len(dataset.load()) == 500


def test_json_is_shown_with_long_lists_and_texts_cut_short() -> None:
    value = {"list": list(range(1000)), "text": "x" * 1000, "nothing": float("nan"), 5: [{"deep": (1, 2)}]}
    shown = json.loads(json_preview(value))
    assert shown["list"] == [*range(10), "… and 990 more"]
    assert len(shown["text"]) == MOST_CHARACTERS + 1
    assert shown["nothing"] is None
    assert shown["5"] == [{"deep": [1, 2]}]


def test_folder_of_images_is_shown_as_a_sheet_of_some(tmp_path: Path) -> None:
    for number in range(30):
        write_jpeg(tmp_path / "images" / f"{number:02d}.jpg")
    (tmp_path / "images" / "00.jpg").write_bytes(b"damaged")
    dataset = ImageFolderDataset(path=str(tmp_path / "images"))
    sheet = Image.open(io.BytesIO(base64.b64decode(dataset.preview())))
    assert sheet.size == (6 * TILE_PIXELS, TILES // 6 * TILE_PIXELS)
    pixels = np.asarray(sheet)
    assert pixels[TILE_PIXELS // 2, TILE_PIXELS // 2].tolist() == [211, 211, 211]  # the damaged one
    assert pixels[TILE_PIXELS // 2, TILE_PIXELS * 3 // 2, 2] == pytest.approx(128, abs=6)


def test_folder_of_many_images_is_shown_without_a_walk_through_all(tmp_path: Path) -> None:
    for camera in range(FIRST // 100 + 5):
        folder = tmp_path / "images" / f"camera {camera}"
        folder.mkdir(parents=True)
        for number in range(100):
            (folder / f"{number}.jpg").touch()
    folder_of_images = ImageFolderDataset(path=str(tmp_path / "images")).load()
    some = folder_of_images.some(TILES)
    assert len({path.partition("/")[0] for path in some}) == TILES
    assert set(some) < set(folder_of_images)
    assert ImageFolderDataset(path=str(tmp_path / "none")).load().some(TILES) == []


def test_folder_with_an_adopted_one_is_shown_with_its_images(tmp_path: Path) -> None:
    write_jpeg(tmp_path / "images" / "a.jpg")
    write_jpeg(tmp_path / "elsewhere" / "b.jpg")
    dataset = ImageFolderDataset(path=str(tmp_path / "images"), folders={"island": str(tmp_path / "elsewhere")})
    assert dataset.load().some(TILES) == ["a.jpg", "island/b.jpg"]


def test_folder_on_a_remote_store_is_not_listed_for_a_preview() -> None:
    with pytest.raises(InputError, match="is no folder of this machine"):
        ImageFolderDataset(path="memory://crops").preview()


def test_results_of_a_detector_are_shown_by_their_first_images_unless_they_are_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = MegaDetectorResultsDataset(filepath=str(tmp_path / "detections.json"))
    images = [{"file": f"{number}.jpg", "detections": []} for number in range(30)]
    dataset.save({"info": {"format_version": "1.6"}, "detection_categories": {"1": "animal"}, "images": images})
    shown = json.loads(dataset.preview())
    assert [image["file"] for image in shown["images"][:2]] == ["0.jpg", "1.jpg"]
    assert shown["images"][-1] == "… and 20 more"
    monkeypatch.setattr("animl_kedro.datasets.megadetector_results.MOST_JSON_BYTES", 100)
    assert json.loads(dataset.preview()) == {"not shown": "the file has 0 MB"}


def test_label_map_is_shown_as_it_is_written() -> None:
    shown = json.loads(LabelMapDataset(filepath=str(CONF / "base" / "label_map.yml")).preview())
    assert "fox" in shown


def test_page_is_shown_as_html(tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("<p>ñ</p>", encoding="utf-8")
    assert TextDataset(filepath=str(tmp_path / "report.html")).preview() == "<p>ñ</p>"


def test_card_of_a_classifier_is_shown_without_its_weights(tmp_path: Path) -> None:
    (tmp_path / "classifier").mkdir()
    (tmp_path / "classifier" / "classifier.json").write_text('{"backbone": "efficientnet-b0"}')
    assert json.loads(ClassifierCardDataset(filepath=str(tmp_path / "classifier")).preview()) == {
        "backbone": "efficientnet-b0"
    }


def test_every_preview_tells_kedro_viz_its_kind_by_its_annotation() -> None:
    kinds = (ParquetDataset, CSVDataset, TextDataset, ImageFolderDataset, LabelMapDataset, ClassifierCardDataset)
    names = [inspect.signature(kind.preview).return_annotation.__name__ for kind in kinds]
    assert names == ["TablePreview", "TablePreview", "HTMLPreview", "ImagePreview", "JSONPreview", "JSONPreview"]


@pytest.mark.parametrize("kind", [ParquetDataset, CSVDataset, JSONDataset, TextDataset, MatplotlibDataset])
@pytest.mark.parametrize("version", [None, Version(None, None)])
def test_what_was_not_made_yet_is_shown_as_nothing(tmp_path: Path, kind: Any, version: Version | None) -> None:
    assert kind(filepath=str(tmp_path / "none"), version=version).preview() is None

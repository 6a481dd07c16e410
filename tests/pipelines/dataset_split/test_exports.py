"""The splits as other projects read them.

CameraTraps' format is read here by a reader of its own, as its load_dataset_csv goes about it: pandas guesses the
types, and the rows are joined to the splits by the pair of data set and location.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest

from animl_kedro.datasets.classification_files import ClassificationFilesDataset, SplitCctsDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.calibration import AS_IT_IS
from animl_kedro.formats.coco_camera_traps import parse_cct
from animl_kedro.pipelines.dataset_split.nodes import export_classification_files, export_split_ccts, weigh_crops
from animl_kedro.tables import Split, with_splits
from crop_factories import make_crops
from split_factories import SplitTables, split_tables, strange_crops


class CameraTrapsData(NamedTuple):
    """What CameraTraps trains from."""

    rows: pd.DataFrame
    labels: list[str]
    locations: dict[str, set[tuple[Any, Any]]]


def read_as_cameratraps(folder: Path, *, label_weighted: bool, by_confidence: bool) -> CameraTrapsData:
    rows = pd.read_csv(folder / "classification_ds.csv", index_col=False)
    rows["dataset_location"] = list(zip(rows["dataset"], rows["location"], strict=True))
    index = json.loads((folder / "label_index.json").read_text())
    labels = [index[str(number)] for number in range(len(index))]
    assert not rows["label"].str.contains(",").any()
    rows["label_index"] = rows["label"].map(labels.index)
    content = json.loads((folder / "splits.json").read_text())
    locations = {split: {(place[0], place[1]) for place in places} for split, places in content.items()}
    for first, second in (("train", "val"), ("train", "test"), ("val", "test")):
        assert locations[first].isdisjoint(locations[second])
    in_split = {split: rows["dataset_location"].isin(places) for split, places in locations.items()}
    rows["weights"] = 1.0
    if by_confidence:
        rows.loc[in_split["train"], "weights"] = rows.loc[in_split["train"], "confidence"]
    if label_weighted:
        for inside in in_split.values():
            total = rows.loc[inside, "weights"].sum()
            by_label = rows[inside].groupby("label")["weights"].sum()
            assert len(by_label) == len(labels)
            rows.loc[inside, "weights"] *= (total / len(labels) / by_label[rows.loc[inside, "label"]]).to_numpy()
    return CameraTrapsData(rows, labels, locations)


@pytest.fixture(scope="module", params=["plain", "strange"])
def tables(request: pytest.FixtureRequest) -> SplitTables:
    return split_tables(make_crops(locations=16, crops=300) if request.param == "plain" else strange_crops())


@pytest.fixture
def folder(tables: SplitTables, tmp_path: Path) -> Path:
    files = export_classification_files(tables.labeled, tables.splits, tables.label_index)
    ClassificationFilesDataset(filepath=str(tmp_path / "cameratraps")).save(files)
    return tmp_path / "cameratraps"


def test_cameratraps_reads_every_crop_in_its_split_with_its_class(tables: SplitTables, folder: Path) -> None:
    read = read_as_cameratraps(folder, label_weighted=False, by_confidence=False)
    ours = with_splits(tables.labeled, tables.splits).set_index("crop_id")
    assert sorted(read.rows["path"]) == sorted(ours.index)
    assert len(read.labels) == len(tables.label_index)
    for split, places in read.locations.items():
        rows = read.rows[read.rows["dataset_location"].isin(places)]
        assert set(rows["path"]) == set(ours.index[ours["split"] == split]), split
    classes = [tables.label_index[str(number)] for number in read.rows["label_index"]]
    assert classes == ours.loc[read.rows["path"], "label"].tolist()
    assert read.rows["confidence"].tolist() == ours.loc[read.rows["path"], "confidence"].tolist()


def test_cameratraps_reads_as_many_locations_as_there_are(tables: SplitTables, folder: Path) -> None:
    read = read_as_cameratraps(folder, label_weighted=False, by_confidence=False)
    places = tables.labeled[["dataset", "location"]].drop_duplicates()
    assert read.rows["dataset_location"].nunique() == len(places)
    assert sum(map(len, read.locations.values())) == len(places)


def test_cameratraps_reads_plain_names_as_they_are(tmp_path: Path) -> None:
    tables = split_tables(make_crops())
    files = export_classification_files(tables.labeled, tables.splits, tables.label_index)
    ClassificationFilesDataset(filepath=str(tmp_path / "plain")).save(files)
    rows = pd.read_csv(tmp_path / "plain" / "classification_ds.csv")
    assert list(rows.columns) == ["path", "dataset", "location", "dataset_class", "confidence", "label"]
    for name in ("dataset", "location", "label"):
        assert rows[name].tolist() == tables.labeled.sort_values("crop_id")[name].tolist()
    assert json.loads((tmp_path / "plain" / "label_index.json").read_text()) == tables.label_index


@pytest.mark.parametrize(
    ("label_weighted", "by_confidence", "column"),
    [
        (True, False, "label_weight"),
        (False, True, "confidence_weight"),
        (True, True, "balanced_confidence_weight"),
    ],
)
def test_cameratraps_weighs_training_crops_as_we_do(
    tables: SplitTables, folder: Path, label_weighted: bool, by_confidence: bool, column: str
) -> None:
    read = read_as_cameratraps(folder, label_weighted=label_weighted, by_confidence=by_confidence)
    training = read.rows[read.rows["dataset_location"].isin(read.locations["train"])].set_index("path")["weights"]
    ours = weigh_crops(tables.labeled, tables.splits, AS_IT_IS).set_index("crop_id")[column]
    assert (training / training.mean()).loc[ours.index].to_numpy() == pytest.approx(ours.to_numpy())


def test_classification_files_of_shuffled_rows_are_the_same(tables: SplitTables) -> None:
    files = export_classification_files(tables.labeled, tables.splits, tables.label_index)
    shuffled = export_classification_files(
        tables.labeled.sample(frac=1, random_state=1), tables.splits.sample(frac=1, random_state=2), tables.label_index
    )
    pd.testing.assert_frame_equal(files.crops, shuffled.crops)
    assert files.splits == shuffled.splits


def test_classification_files_of_a_location_in_two_splits_are_refused(tables: SplitTables) -> None:
    alternating = tables.splits.assign(split=[list(Split)[number % 3] for number in range(len(tables.splits))])
    with pytest.raises(InputError, match="is in the splits train and "):
        export_classification_files(tables.labeled, alternating, tables.label_index)


def test_animl_ml_reads_the_crop_and_the_class_of_every_crop_of_a_split(tables: SplitTables, tmp_path: Path) -> None:
    """As its CTDataset goes about it: the first annotation of each image, in the order of the categories."""
    ccts = export_split_ccts(*tables)
    SplitCctsDataset(filepath=str(tmp_path / "cct")).save(ccts)
    ours = with_splits(tables.labeled, tables.splits).set_index("crop_id")
    for split in ("train", "val", "test"):
        content = json.loads((tmp_path / "cct" / f"{split}_cct.json").read_text(encoding="utf-8"))
        file_names = {image["id"]: image["file_name"] for image in content["images"]}
        indices = {category["id"]: number for number, category in enumerate(content["categories"])}
        seen: dict[str, int] = {}
        for annotation in content["annotations"]:
            seen.setdefault(file_names[annotation["image_id"]], indices[annotation["category_id"]])
        expected = ours[ours["split"] == split]["label"]
        assert {crop: tables.label_index[str(number)] for crop, number in seen.items()} == expected.to_dict()


def test_ccts_load_as_exports_with_every_box_in_the_photographs_pixels(tables: SplitTables, tmp_path: Path) -> None:
    dataset = SplitCctsDataset(filepath=str(tmp_path / "cct"))
    dataset.save(export_split_ccts(*tables))
    crops = tables.crops.set_index("crop_id")
    size_of_photograph = (1920, 1080) if "1" in set(crops["dataset"]) else (100, 100)
    annotations = 0
    for split in Split:
        cct = parse_cct((tmp_path / "cct" / f"{split}_cct.json").read_bytes(), split)
        assert cct.cut_off is None
        for image in cct.images:
            crop = crops.loc[image["id"]]
            assert (image["width"], image["height"]) == size_of_photograph
            assert (image["location"], image["orig_id"]) == (crop["location"], crop["image_id"])
            assert image["orig_file_name"] == crop["image_path"]
            assert image["datetime"] == (None if pd.isna(crop["datetime"]) else crop["datetime"].isoformat())
        for annotation in cct.annotations:
            crop = crops.loc[annotation["image_id"]]
            assert annotation["bbox"] == crop[["box_left", "box_top", "box_width", "box_height"]].tolist()
            assert annotation["orig_id"] == (None if pd.isna(crop["annotation_id"]) else crop["annotation_id"])
        annotations += len({annotation["id"] for annotation in cct.annotations})
    assert annotations == len(tables.labeled)


def test_ccts_of_crops_that_were_made_anew_are_refused(tables: SplitTables) -> None:
    with pytest.raises(InputError, match=r"crops lacks 3 of the \d+ labelled crops.*kedro run"):
        export_split_ccts(tables.crops.iloc[3:], tables.labeled, tables.splits, tables.label_index)


def test_ccts_of_a_class_that_the_index_lacks_are_refused(tables: SplitTables) -> None:
    shorter = dict(list(tables.label_index.items())[1:])
    with pytest.raises(InputError, match="1 classes of the crops are not in the label index"):
        export_split_ccts(tables.crops, tables.labeled, tables.splits, shorter)


def test_ccts_of_more_crops_than_a_batch_lose_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("animl_kedro.formats.split_cct.BATCH", 7)
    tables = split_tables(make_crops(locations=8, crops=100))
    dataset = SplitCctsDataset(filepath=str(tmp_path / "cct"))
    ccts = export_split_ccts(*tables)
    dataset.save(ccts)
    loaded = dataset.load()
    for split, cct in ccts.items():
        assert list(cct.images) == loaded[split].images
        assert list(cct.annotations) == loaded[split].annotations
        assert cct.images[0] == loaded[split].images[0]
    dataset.save(loaded)
    assert dataset.load() == loaded


def test_ccts_of_a_split_without_crops_are_empty(tmp_path: Path) -> None:
    tables = split_tables(make_crops(locations=1, crops=20))
    dataset = SplitCctsDataset(filepath=str(tmp_path / "cct"))
    dataset.save(export_split_ccts(*tables))
    assert [len(cct.images) for cct in dataset.load().values()] == [20, 0, 0]
    assert np.array_equal([len(cct.categories) for cct in dataset.load().values()], [3, 3, 3])

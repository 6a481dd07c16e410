"""From detections to the table of crops: a crop or a reason for every box, in one process or several."""

import logging
import os
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock, Timeout
from kedro.io import MemoryDataset
from kedro.runner import SequentialRunner

from animl_kedro import executors
from animl_kedro.datasets.detector_cache import DetectorCache, DetectorCacheDataset
from animl_kedro.datasets.image_folder import ImageFolderDataset
from animl_kedro.formats.megadetector import Results
from animl_kedro.image_folder import LOCK, ImageFolder
from animl_kedro.images import open_image
from animl_kedro.locks import alone_in
from animl_kedro.pipelines.detection_cropping import create_pipeline
from animl_kedro.pipelines.detection_cropping.crop_ledger import LEDGER
from animl_kedro.pipelines.detection_cropping.crops import make_crops
from animl_kedro.pipelines.detection_cropping.nodes import crop_boxes, detect_animals
from animl_kedro.tables import Crops
from crop_scenes import Scene, cut_off, scene
from factories import (
    DATASET,
    IMAGE_SIZE,
    catalog_of,
    coordinates,
    cropping_params,
    image_id,
    make_annotations,
    write_image,
)

BOX = (60, 40, 50, 30)
FOUR_LABELS = make_annotations(
    {"image": 0, "label": "fox", "box": (0, 0, 20, 20)},
    {"image": 0, "label": "bird", "box": (100, 100, 40, 40)},
    {"image": 1, "label": "fox", "box": BOX},
    {"image": 2, "label": "bird", "box": (150, 100, 20, 50)},
)


def test_make_crops_gives_a_row_that_can_be_traced_to_its_pixels(tmp_path: Path) -> None:
    made = scene(tmp_path, FOUR_LABELS).make()
    assert made.rejected == []
    table = Crops.of(made.crops)
    row = table.iloc[2]
    assert row["crop_id"] == "island/camera/0001.jpg___crop00.jpg"
    assert (row["dataset"], row["image_id"], row["image_path"]) == (DATASET, image_id(1), "island/camera/0001.jpg")
    assert (row["annotation_id"], row["label"], row["box_source"]) == ("label-0002", "fox", "annotation")
    assert (row["location"], row["confidence"]) == ("place 1", 1)
    assert row["datetime"] == pd.Timestamp("2024-05-06T07:08:09")
    assert [row[f"box_{side}"] for side in ("left", "top", "width", "height")] == pytest.approx(BOX, abs=0.001)
    relative = [row[f"relative_{side}"] for side in ("left", "top", "width", "height")]
    assert relative == pytest.approx((60 / 200, 40 / 150, 50 / 200, 30 / 150), abs=1e-6)
    crop = open_image(tmp_path / "crops" / row["crop_id"])
    assert crop.size == (row["width"], row["height"])


def test_make_crops_of_several_animals_keeps_them_all_in_files_of_their_own(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    table = Crops.of(here.make().crops)
    assert list(table["label"]) == ["fox", "bird", "fox", "bird"]
    assert list(table["crop_id"][:2]) == ["island/camera/0000.jpg___crop00.jpg", "island/camera/0000.jpg___crop01.jpg"]
    assert list(here.crops) == sorted(table["crop_id"])
    for crop_id, red, green in zip(table["crop_id"][:2], (10, 120), (10, 120), strict=True):
        crop = here.crops[crop_id]
        middle = crop.getpixel((crop.width // 2, crop.height // 2))
        assert middle == pytest.approx((red, green, 128), abs=8)


def test_make_crops_of_more_than_a_hundred_boxes_of_an_image_gives_each_a_file(tmp_path: Path) -> None:
    annotations = make_annotations(*({"box": (n, n, 10, 10)} for n in range(120)))
    here = scene(tmp_path, annotations, images=1)
    assert len(Crops.of(here.make().crops)) == 120
    assert len(here.crops) == 120


def test_make_crops_of_shuffled_tables_gives_the_same_crops(tmp_path: Path) -> None:
    here = scene(tmp_path / "one", FOUR_LABELS)
    other = scene(tmp_path / "two", FOUR_LABELS.sample(frac=1, random_state=1))
    assert here.make().crops == other.make().crops


def test_make_crops_with_a_label_without_a_box_shifts_no_other(tmp_path: Path) -> None:
    annotations = make_annotations({"image": 0, "box": BOX}, {"image": 1}, {"image": 2, "label": "bird", "box": BOX})
    table = Crops.of(scene(tmp_path, annotations).make().crops)
    assert list(table["image_id"]) == [image_id(0), image_id(2)]
    assert list(table["label"]) == ["fox", "bird"]


def test_make_crops_again_makes_only_what_changed(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    first = here.make()
    for crop_id in here.crops:
        os.utime(here.crops.path_of(crop_id), ns=(0, 0))
    second = here.make()
    assert (first.made, second.made) == (4, 0)
    assert second.crops == first.crops
    assert {here.crops.path_of(crop_id).stat().st_mtime_ns for crop_id in here.crops} == {0}
    here.annotations = here.annotations.assign(box_left=[0.0, 100.0, 61.0, 150.0])
    assert here.make().made == 1
    assert here.make(margin=0.1).made == 4


def test_make_crops_of_an_image_whose_pixels_changed_makes_its_crops_again(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    here.make()
    write_image(here.path_of(0), coordinates().rotate(180), "PNG")
    assert here.make().made == 2


def test_make_crops_tells_the_parameters_by_their_checksum(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    one, other = here.make(), here.make(margin=0.1)
    assert {row["settings"] for row in one.crops} == {cropping_params().cropping.checksum()}
    assert {row["settings"] for row in other.crops} == {cropping_params(margin=0.1).cropping.checksum()}
    assert one.crops[0]["settings"] != other.crops[0]["settings"]


def test_make_crops_with_an_unreadable_image_crops_the_others(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    cut_off(here.path_of(0))
    made = here.make()
    assert [row["image_id"] for row in made.crops] == [image_id(1), image_id(2)]
    assert [(row["annotation_id"], row["reason"]) for row in made.rejected] == [
        ("label-0000", "unreadable_image"),
        ("label-0001", "unreadable_image"),
    ]


def test_make_crops_of_a_detection_without_a_label_rejects_it_and_crops_the_others(tmp_path: Path) -> None:
    place = scene(tmp_path, make_annotations({"image": 0, "box": (8, 8, 40, 30)}, {"image": 1, "box": (8, 8, 40, 30)}))
    detections = place.detections
    del detections["images"][0]["detections"][0]["classifications"]
    tables = make_crops(detections, place.images, place.files, place.store, place.crops, cropping_params())
    assert [row["image_id"] for row in tables.crops] == [image_id(1)]
    assert [(row["image_id"], row["reason"]) for row in tables.rejected] == [(image_id(0), "no_label")]


def test_make_crops_of_detected_boxes_names_them_after_the_detector(tmp_path: Path) -> None:
    here = scene(tmp_path, make_annotations({"image": 0, "box": (8, 8, 40, 30)}, {"image": 1}))
    found = {
        "island/camera/0001.jpg": {
            "detector": "5.0b",
            "detections": [{"category": "1", "conf": 0.8, "bbox": [0.1, 0.1, 0.3, 0.2]}],
        }
    }
    made, rejected, _ = here.run_nodes(cropping_params(unboxed_labels="detector"), **found)
    assert len(rejected) == 1  # the third image, which has no label
    assert list(made["crop_id"]) == [
        "island/camera/0000.jpg___crop00.jpg",
        "island/camera/0001.jpg___crop00_mdv5.0b.jpg",
    ]
    assert list(made["box_source"]) == ["annotation", "detector"]
    assert made["detector"].isna().tolist() == [True, False]
    assert list(made["confidence"]) == [1.0, 0.8]
    assert list(here.crops) == list(made["crop_id"])


def test_make_crops_of_the_longest_name_there_can_be_have_a_name(tmp_path: Path) -> None:
    name = f"camera/{'é' * 88}{'x' * 6}.jpg"  # as long as ingestion takes
    here = scene(tmp_path, make_annotations({"image": 0}), images=1, file_name=[name])
    found = {
        f"island/{name}": {"detector": "x" * 49, "detections": [{"category": "1", "conf": 1.0, "bbox": [0, 0, 1, 1]}]}
    }
    made, rejected, _ = here.run_nodes(cropping_params(unboxed_labels="detector"), **found)
    assert (len(made), len(rejected)) == (1, 0)
    assert list(here.crops) == list(made["crop_id"])


def test_make_crops_of_an_image_in_which_nothing_was_found_tells_so(tmp_path: Path) -> None:
    here = scene(tmp_path, make_annotations({"image": 0}), images=1)
    found = {"island/camera/0000.jpg": {"detector": "5.0b", "detections": []}}
    made, rejected, _ = here.run_nodes(cropping_params(unboxed_labels="detector"), **found)
    assert len(made) == 0
    assert list(rejected["reason"]) == ["not_detected"]


def test_make_crops_of_labels_without_a_box_shows_the_whole_frame(tmp_path: Path) -> None:
    here = scene(tmp_path, make_annotations({"image": 0}, {"image": 0}, {"image": 1, "label": "bird"}), images=2)
    made, rejected, _ = here.run_nodes(cropping_params(unboxed_labels="whole_frame", shape="tight"))
    assert len(rejected) == 0
    assert list(made["box_source"]) == ["whole_frame", "whole_frame"]
    assert list(made["label"]) == ["fox", "bird"]
    assert [tuple(size) for size in made[["width", "height"]].to_numpy()] == [IMAGE_SIZE, IMAGE_SIZE]


@pytest.mark.parametrize("unboxed_labels", ["reject", "whole_frame", "detector"])
def test_people_and_vehicles_never_become_crops_nor_a_part_of_one(tmp_path: Path, unboxed_labels: str) -> None:
    annotations = make_annotations(
        {"image": 0, "label": "person", "box": (60, 40, 50, 30)},
        {"image": 0, "label": "fox", "box": (100, 60, 30, 30)},
        {"image": 0, "label": "fox", "box": (0, 100, 30, 30)},
        {"image": 1, "label": "Vehicle"},
        {"image": 1, "label": "fox", "box": (0, 100, 30, 30)},
        {"image": 2, "label": "human"},
        {"image": 3, "label": "fox"},
    )
    here = scene(tmp_path, annotations, images=4)
    found = {
        "island/camera/0003.jpg": {
            "detector": "5.0b",
            "detections": [
                {"category": "1", "conf": 0.8, "bbox": [0.1, 0.1, 0.3, 0.2]},
                {"category": "2", "conf": 0.8, "bbox": [0.2, 0.2, 0.3, 0.2]},
            ],
        }
    }
    made, rejected, _ = here.run_nodes(cropping_params(unboxed_labels=unboxed_labels), **found)
    expected = {"island/camera/0000.jpg___crop02.jpg"}
    if unboxed_labels == "whole_frame":  # the label says that there is a fox, and of no person
        expected.add("island/camera/0003.jpg___crop00.jpg")
    assert set(made["crop_id"]) == set(here.crops) == expected
    counts = rejected["reason"].value_counts()
    assert counts["not_an_animal"] == (4 if unboxed_labels == "detector" else 3)
    assert counts["shows_others"] == (3 if unboxed_labels == "detector" else 2)


# Crops that are there, and those that no box belongs to


def test_make_crops_without_the_ledger_knows_the_crops_by_their_notes(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    first = here.make()
    ledger = here.crops.path_of(LEDGER)
    whole = ledger.read_bytes()
    for damage in (b"", b"[]", b'{"a": 1}', whole[:-9], whole.replace(b"[", b"[0,")):
        ledger.write_bytes(damage)
        again = here.make()
        assert (again.made, again.crops) == (0, first.crops)
        assert ledger.read_bytes() == whole


def test_make_crops_with_the_ledger_opens_no_crop_and_no_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    first = here.make()
    files, detections = here.files, here.detections
    read = ImageFolder.read

    def refuse(self: ImageFolder, path: str) -> bytes:
        assert path == LEDGER
        return read(self, path)

    monkeypatch.setattr(ImageFolder, "read", refuse)
    again = make_crops(detections, here.images, files, here.store, here.crops, cropping_params())
    assert (again.made, again.crops) == (0, first.crops)


def test_make_crops_after_a_run_that_was_killed_makes_only_what_is_absent(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    first = here.make()
    before = {crop_id: here.crops.read(crop_id) for crop_id in here.crops}
    here.crops.path_of(LEDGER).unlink()
    here.crops.remove(first.crops[3]["crop_id"])
    again = here.make()
    assert (again.made, again.crops) == (1, first.crops)
    assert {crop_id: here.crops.read(crop_id) for crop_id in here.crops} == before


def test_crops_that_no_box_belongs_to_are_listed_and_removed_only_on_request(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    here.make()
    stranger = here.crops.path_of("island/holiday.jpg")
    stranger.write_bytes(b"not ours")
    here.annotations = here.annotations.iloc[:1]
    gone = ["island/camera/0000.jpg___crop01.jpg", *(f"island/camera/000{n}.jpg___crop00.jpg" for n in (1, 2))]
    made, _, orphans = here.run_nodes()
    assert list(orphans["crop_id"]) == gone
    assert (orphans["bytes"] > 0).all()
    assert len(here.crops) == 5
    _, _, orphans = here.run_nodes(cropping_params(remove_orphans=True))
    assert len(orphans) == 0
    assert list(here.crops) == [*made["crop_id"], "island/holiday.jpg"]


@pytest.mark.parametrize("label", ["person", "Vehicle"])
@pytest.mark.parametrize("box", [BOX, None], ids=["boxed", "unboxed"])
def test_crops_of_an_image_that_turns_out_to_show_people_are_removed_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, label: str, box: tuple[int, ...] | None
) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    before = here.run_nodes()
    others = make_annotations({"image": 1, "label": label, "box": box, "annotation_id": "label-0002"})
    here.annotations = pd.concat([FOUR_LABELS.iloc[[0, 3]], others])
    with caplog.at_level(logging.INFO):
        after = here.run_nodes()
    assert "island/camera/0001.jpg___crop00.jpg" in set(before.crops["crop_id"])
    assert "island/camera/0001.jpg___crop00.jpg" not in here.crops
    assert list(after.orphans["crop_id"]) == ["island/camera/0000.jpg___crop01.jpg"]
    assert "removed 1 crops that no box belongs to any more, and whose images show people or vehicles" in caplog.text


def test_crop_that_would_show_a_person_now_is_removed_and_the_others_of_its_image_stay(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    here.run_nodes()
    person = make_annotations({"image": 0, "label": "person", "box": (15, 15, 20, 20), "annotation_id": "label-0009"})
    here.annotations = pd.concat([FOUR_LABELS, person])
    made = here.run_nodes()
    assert "island/camera/0000.jpg___crop00.jpg" not in here.crops
    assert list(here.crops) == list(made.crops["crop_id"])
    assert len(made.crops) == 3


def test_first_run_in_a_crop_folder_is_alone_in_it_as_well(tmp_path: Path) -> None:
    folder = ImageFolder(tmp_path / "not yet" / "crops")
    with alone_in(folder, "cropping"), pytest.raises(Timeout):
        FileLock(folder.root / LOCK).acquire(timeout=0)


def test_crop_that_is_rejected_now_is_an_orphan(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    here.make()
    assert [row["crop_id"] for row in here.make(min_side=35).orphans] == ["island/camera/0000.jpg___crop00.jpg"]


def test_make_crops_by_several_processes_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    annotations = make_annotations(*({"image": n, "box": (5 * n, n, 30, 20)} for n in range(20)))
    one, many = (scene(tmp_path / name, annotations, images=20) for name in ("one", "many"))
    for here in (one, many):
        here.path_of(7).write_bytes(b"no image")
    expected = one.make(processes=1)
    monkeypatch.setattr(executors, "FEW_TASKS", 2)
    made = many.make(processes=2)
    assert (made.crops, made.rejected) == (expected.crops, expected.rejected)
    assert (len(made.crops), len(made.rejected), made.made) == (19, 1, 19)
    assert list(many.crops) == list(one.crops)
    for crop_id in one.crops:
        assert many.crops.path_of(crop_id).read_bytes() == one.crops.path_of(crop_id).read_bytes()


# Every image is accounted for


def accounted(tmp_path: Path) -> Scene:
    """One image and label of every fate that there is, and some with two."""
    annotations = make_annotations(
        {"image": 0, "box": BOX},
        {"image": 1, "box": BOX},
        {"image": 2, "box": BOX},
        {"image": 3, "box": BOX},
        {"image": 5},
        {"image": 6, "label": "empty"},
        {"image": 7, "box": (60, 40, 5, 5)},
        {"image": 8, "box": (500, 40, 50, 50)},
        {"image": 9, "box": BOX},
        {"image": 9},
        {"image": 10, "box": BOX},
        {"image": 10, "box": (0, 0, 30, 30)},
        {"image": 12, "box": BOX},
        {"image": 12},
        {"image": 12, "label": "empty"},
    )
    sizes: list[tuple[int | None, int | None]] = [IMAGE_SIZE] * 13
    sizes[3] = sizes[12] = (None, None)
    sizes[4] = sizes[11] = (None, None)
    sizes[10] = (150, 200)
    widths, heights = zip(*sizes, strict=True)
    here = scene(tmp_path, annotations, images=13, width=widths, height=heights)
    here.path_of(1).unlink()
    here.path_of(11).unlink()
    cut_off(here.path_of(2))
    for number in (3, 4, 12):
        here.path_of(number).write_bytes(b"<html>Access denied</html>")
    return here


def test_nodes_account_for_every_image_and_label_with_the_right_reason(tmp_path: Path) -> None:
    here = accounted(tmp_path)
    made, rejected, _ = here.run_nodes()
    reasons = rejected.assign(image=rejected["image_id"].str[-4:].astype(int)).groupby("image")["reason"].agg(list)
    assert reasons.map(sorted).to_dict() == {
        1: ["no_file"],
        2: ["unreadable_image"],
        3: ["unreadable_image"],
        4: ["no_label"],
        5: ["no_box"],
        6: ["empty"],
        7: ["too_small"],
        8: ["outside"],
        9: ["no_box"],
        10: ["size_mismatch", "size_mismatch"],
        11: ["no_file"],
        12: ["empty", "unreadable_image", "unreadable_image"],
    }
    assert list(made["image_id"]) == [image_id(0), image_id(9)]
    assert {*made["image_id"], *rejected["image_id"]} == set(here.images["image_id"])
    labels = [*made["annotation_id"], *rejected["annotation_id"].dropna()]
    assert sorted(labels) == sorted(here.annotations["annotation_id"])
    assert (rejected["detail"] != "").all()


def test_label_whose_image_has_no_file_since_its_detections_were_collected_is_accounted_for(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    detections = here.detections
    here.path_of(1).unlink()
    made, rejected, _ = crop_boxes(
        detections, here.images, here.annotations, here.files, here.store, here.crops, cropping_params()
    )
    assert list(made["annotation_id"]) == ["label-0000", "label-0001", "label-0003"]
    assert rejected[["annotation_id", "reason"]].to_numpy().tolist() == [["label-0002", "no_file"]]


def test_crop_boxes_logs_one_line_with_all_counts(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    here = scene(tmp_path, make_annotations({"image": 0, "box": BOX}, {"image": 1, "label": "empty"}))
    with caplog.at_level(logging.INFO, logger="animl_kedro.pipelines.detection_cropping.nodes"):
        here.run_nodes()
    assert caplog.messages == [
        "collected 1 boxes in 3 images",
        "1 crops of 1 images (1 made now, 0 were there), 2 boxes or images rejected (1 empty, 1 no_label): "
        "see rejected_boxes",
    ]


def test_existing_results_of_a_data_set_that_there_is_not_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    here = scene(tmp_path, FOUR_LABELS)
    existing: dict[str, Results] = {name: {"images": []} for name in (DATASET, "islnd")}
    tables, cache = (here.images, here.annotations, here.files), DetectorCache(tmp_path / "cache")
    detect_animals(*tables, here.store, existing, cache, cropping_params())
    assert "existing_detections has results of data sets without images: islnd" in caplog.text


def test_nodes_leave_their_tables_as_they_were(tmp_path: Path) -> None:
    here = scene(tmp_path, FOUR_LABELS.copy(deep=True))
    before = here.images.copy(deep=True)
    here.run_nodes()
    pd.testing.assert_frame_equal(here.images, before)
    pd.testing.assert_frame_equal(here.annotations, FOUR_LABELS)


def test_nodes_without_any_image_give_empty_tables(tmp_path: Path) -> None:
    made, rejected, orphans = scene(tmp_path, make_annotations(), images=0).run_nodes()
    assert (len(made), len(rejected), len(orphans)) == (0, 0, 0)
    assert "crop_id" in made
    assert "reason" in rejected


def test_pipeline_saves_tables_that_load_as_they_were(tmp_path: Path) -> None:
    here = accounted(tmp_path)
    here.annotations = here.annotations.assign(label=["NA", *here.annotations["label"][1:]])
    here.images.loc[[0, 9], "location"] = ["None", None]
    catalog = catalog_of("detection_cropping", tmp_path / "tables")
    inputs = {
        "images": here.images,
        "annotations": here.annotations,
        "image_files": here.files,
        "params:detection_cropping": cropping_params(),
    }
    for name, data in inputs.items():
        catalog[name] = MemoryDataset(data)
    catalog["image_store"] = ImageFolderDataset(path=str(here.store.root))
    catalog["crop_images"] = ImageFolderDataset(path=str(here.crops.root))
    catalog["existing_detections"] = MemoryDataset({})
    catalog["detector_cache"] = DetectorCacheDataset(path=str(tmp_path / "cache"))
    SequentialRunner().run(create_pipeline(), catalog)
    made, rejected, _ = here.run_nodes()
    pd.testing.assert_frame_equal(catalog.load("crops"), made)
    pd.testing.assert_frame_equal(catalog.load("rejected_boxes"), rejected)
    assert (made["label"][0], made["location"][0]) == ("NA", "None")
    assert list(catalog.load("crop_images")) == sorted(made["crop_id"])

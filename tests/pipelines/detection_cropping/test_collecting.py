"""Labels and detections as MegaDetector results: every box under its own image, in fractions, with its label."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from animl_kedro.formats.megadetector import CATEGORIES, Results, check_results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping.collecting import collect, wants_detector
from animl_kedro.pipelines.detection_cropping.labelled_images import labelled_images
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from factories import DATASET, fill_store, image_id, make_annotations, make_image_files, make_images, write_jpeg


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "store")


def results_of(
    images: pd.DataFrame,
    annotations: pd.DataFrame,
    store: ImageFolder,
    found: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Results:
    """What is collected of the labels; `found` are a detector's entries by file."""
    params = DetectionCroppingParams(**changes)
    labelled = labelled_images(images, annotations, make_image_files(images, store), store, params)
    detected = {
        "detection_categories": CATEGORIES,
        "images": [{"file": file, **entry} for file, entry in (found or {}).items()],
    }
    return check_results(collect(labelled, annotations["label"].unique(), detected, params))


def test_collected_labels_are_in_the_format_with_confidence_one_and_its_label(store: ImageFolder) -> None:
    images = make_images(2)
    fill_store(store, images)
    annotations = make_annotations(
        {"image": 1, "label": "fox", "box": (60, 40, 50, 30)}, {"image": 1, "label": "bird", "box": (0, 0, 200, 75)}
    )
    results = results_of(images, annotations, store)
    assert results["info"] == {"format_version": "1.6", "detector": "annotations"}
    assert results["detection_categories"] == {"1": "animal", "2": "person", "3": "vehicle"}
    assert results["classification_categories"] == {"0": "bird", "1": "fox"}
    box: dict[str, Any] = {"category": "1", "conf": 1.0}
    assert results["images"] == [
        {"file": "island/camera/0000.jpg", "image_id": image_id(0), "detections": []},
        {
            "file": "island/camera/0001.jpg",
            "image_id": image_id(1),
            "detections": [
                box
                | {"bbox": [0.3, 0.266667, 0.25, 0.2], "classifications": [["1", 1.0]], "annotation_id": "label-0000"},
                box | {"bbox": [0, 0, 1, 0.5], "classifications": [["0", 1.0]], "annotation_id": "label-0001"},
            ],
        },
    ]


def test_collected_labels_of_shuffled_labels_is_the_same(store: ImageFolder) -> None:
    images = make_images(3)
    fill_store(store, images)
    rows = ({"image": n % 3, "label": f"label {n % 4}", "box": (n, n, 10, 10)} for n in range(12))
    annotations = make_annotations(*rows)
    results = results_of(images, annotations, store)
    assert [len(entry["detections"]) for entry in results["images"]] == [4, 4, 4]
    assert results_of(images, annotations.sample(frac=1, random_state=2), store) == results


def test_collected_labels_leaves_out_images_without_a_file(store: ImageFolder) -> None:
    images = make_images(3)
    fill_store(store, images.drop(index=1))
    annotations = make_annotations(*({"image": n, "box": (60, 40, 50, 30)} for n in range(3)))
    files = [entry["file"] for entry in results_of(images, annotations, store)["images"]]
    assert files == ["island/camera/0000.jpg", "island/camera/0002.jpg"]


@pytest.mark.parametrize("orientation", [1, 6])
def test_collected_labels_without_a_recorded_size_takes_that_of_the_upright_file(
    store: ImageFolder, orientation: int
) -> None:
    images = make_images(1, width=[None], height=[None])
    stored = (200, 100) if orientation == 1 else (100, 200)
    write_jpeg(store.path_of(f"{DATASET}/{images['file_name'][0]}"), stored, orientation=orientation)
    results = results_of(images, make_annotations({"box": (50, 50, 100, 25)}), store)
    assert results["images"][0]["detections"][0]["bbox"] == [0.25, 0.5, 0.5, 0.25]


def test_collected_labels_with_a_recorded_size_opens_no_file(store: ImageFolder) -> None:
    images = make_images(1)
    path = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no image")
    results = results_of(images, make_annotations({"box": (50, 75, 100, 30)}), store)
    assert results["images"][0]["detections"][0]["bbox"] == [0.25, 0.5, 0.5, 0.2]


def test_collected_labels_without_any_size_tells_the_failure_and_no_detections(store: ImageFolder) -> None:
    images = make_images(1, width=[None], height=[None])
    path = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no image")
    (entry,) = results_of(images, make_annotations({"box": (50, 75, 100, 30)}), store)["images"]
    assert "not an image" in entry["failure"]
    assert "detections" not in entry


@pytest.mark.parametrize("label", ["NA", "None", "42", "a,b", "ñ🦊"])
def test_collected_labels_with_a_label_that_looks_like_something_else_keeps_it(store: ImageFolder, label: str) -> None:
    images = make_images(1)
    fill_store(store, images)
    results = results_of(images, make_annotations({"label": label, "box": (0, 0, 9, 9)}), store)
    assert results["classification_categories"] == {"0": label}


def test_collected_labels_of_a_label_that_a_model_suggested_has_its_confidence(store: ImageFolder) -> None:
    images = make_images(1)
    fill_store(store, images)
    annotations = make_annotations({"box": (0, 0, 9, 9), "confidence": 0.75}, {"box": (9, 9, 9, 9)})
    detections = results_of(images, annotations, store)["images"][0]["detections"]
    assert [detection["conf"] for detection in detections] == [0.75, 1.0]


# Labels without a box

UNBOXED = make_annotations({"label": "fox"})
FRAMED = make_annotations({"label": "fox", "box": (0, 0, 200, 150)})
OVERHANGING_FRAME = make_annotations({"label": "fox", "box": (-1, 0, 201, 151)})
WHOLE = {
    "category": "1",
    "conf": 1.0,
    "bbox": [0.0, 0.0, 1.0, 1.0],
    "classifications": [["0", 1.0]],
    "annotation_id": "label-0000",
    "whole_frame": True,
}


def one_entry(annotations: pd.DataFrame, store: ImageFolder, **changes: Any) -> dict[str, Any]:
    images = make_images(1)
    fill_store(store, images)
    (entry,) = results_of(images, annotations, store, **changes)["images"]
    return dict(entry)


@pytest.mark.parametrize("annotations", [UNBOXED, FRAMED, OVERHANGING_FRAME])
def test_label_without_a_box_becomes_nothing_or_the_whole_frame(store: ImageFolder, annotations: pd.DataFrame) -> None:
    assert one_entry(annotations, store)["detections"] == []
    assert one_entry(annotations, store, unboxed_labels="whole_frame")["detections"] == [WHOLE]


def test_labels_without_a_box_of_one_name_become_one_whole_frame(store: ImageFolder) -> None:
    annotations = make_annotations({"label": "fox"}, {"label": "fox"})
    assert one_entry(annotations, store, unboxed_labels="whole_frame")["detections"] == [WHOLE]


@pytest.mark.parametrize("unboxed_labels", ["whole_frame", "detector"])
def test_labels_without_a_box_of_several_names_become_nothing(store: ImageFolder, unboxed_labels: str) -> None:
    annotations = make_annotations({"label": "fox"}, {"label": "bird"})
    entry = one_entry(annotations, store, unboxed_labels=unboxed_labels, found={FILE: FOUND})
    assert entry["detections"] == []
    assert entry["ambiguous_labels"] == ["bird", "fox"]


@pytest.mark.parametrize("unboxed_labels", ["whole_frame", "detector"])
def test_label_without_a_box_beside_one_with_a_box_becomes_nothing(store: ImageFolder, unboxed_labels: str) -> None:
    annotations = make_annotations({"label": "fox"}, {"label": "fox", "box": (60, 40, 50, 30)})
    entry = one_entry(annotations, store, unboxed_labels=unboxed_labels, found={FILE: FOUND})
    assert [detection["annotation_id"] for detection in entry["detections"]] == ["label-0001"]


# A detector's boxes

FILE = f"{DATASET}/camera/0000.jpg"
FOUND = {
    "detector": "5.0b",
    "detections": [
        {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.2, 0.2]},
        {"category": "1", "conf": 0.19, "bbox": [0.5, 0.1, 0.2, 0.2]},
        {"category": "2", "conf": 0.8, "bbox": [0.1, 0.5, 0.2, 0.2]},
    ],
}


def test_detections_above_the_threshold_get_the_label_of_the_image_if_they_are_animals(store: ImageFolder) -> None:
    entry = one_entry(UNBOXED, store, unboxed_labels="detector", found={FILE: FOUND})
    assert entry["detector"] == "5.0b"
    assert entry["detections"] == [
        {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.2, 0.2], "classifications": [["0", 1.0]]},
        {"category": "2", "conf": 0.8, "bbox": [0.1, 0.5, 0.2, 0.2]},
    ]
    threshold = {"confidence_threshold": 0.1}
    entry = one_entry(UNBOXED, store, unboxed_labels="detector", found={FILE: FOUND}, detector=threshold)
    assert len(entry["detections"]) == 3


def test_detections_of_an_image_that_failed_are_its_failure(store: ImageFolder) -> None:
    found = {FILE: {"detector": "5.0b", "failure": "damaged"}}
    entry = one_entry(UNBOXED, store, unboxed_labels="detector", found=found)
    assert entry["failure"] == "damaged"
    assert "detections" not in entry


@pytest.mark.parametrize("unboxed_labels", ["reject", "whole_frame"])
def test_detections_that_were_not_asked_for_are_not_taken(store: ImageFolder, unboxed_labels: str) -> None:
    entry = one_entry(UNBOXED, store, unboxed_labels=unboxed_labels, found={FILE: FOUND})
    assert "detector" not in entry
    assert len(entry["detections"]) == (unboxed_labels == "whole_frame")


def test_detector_is_wanted_only_for_images_with_one_label_and_no_box(store: ImageFolder) -> None:
    images = make_images(8)
    fill_store(store, images.drop(index=7))
    annotations = make_annotations(
        {"image": 0, "label": "fox"},
        {"image": 1, "label": "fox", "box": (60, 40, 50, 30)},
        {"image": 2, "label": "empty"},
        {"image": 3, "label": "fox"},
        {"image": 3, "label": "bird"},
        {"image": 4, "label": "Person"},
        {"image": 5, "label": "fox", "box": (0, 0, 200, 150)},
        {"image": 7, "label": "fox"},
    )
    params = DetectionCroppingParams(unboxed_labels="detector")
    labelled = labelled_images(images, annotations, make_image_files(images, store), store, params)
    assert [image.image_id for image in labelled if wants_detector(image, params)] == [image_id(0), image_id(5)]


# People and vehicles


@pytest.mark.parametrize(("label", "category"), [("person", "2"), ("HUMAN", "2"), ("Vehicle", "3"), ("fox", "1")])
def test_collected_labels_have_the_category_of_people_and_vehicles(
    store: ImageFolder, label: str, category: str
) -> None:
    entry = one_entry(make_annotations({"label": label, "box": (60, 40, 50, 30)}), store)
    assert [detection["category"] for detection in entry["detections"]] == [category]


def test_collected_person_without_a_box_may_be_anywhere(store: ImageFolder) -> None:
    entry = one_entry(make_annotations({"label": "person"}, {"label": "fox", "box": (60, 40, 50, 30)}), store)
    assert [(one["category"], one["bbox"]) for one in entry["detections"] if one["category"] == "2"] == [
        ("2", [0.0, 0.0, 1.0, 1.0])
    ]

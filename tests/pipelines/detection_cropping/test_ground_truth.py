"""Labels written as MegaDetector results: every box under its own image, in fractions, with its label."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.megadetector import Results, check_results
from animl_kedro.pipelines.detection_cropping.ground_truth import ground_truth_results
from factories import DATASET, fill_store, image_id, make_annotations, make_image_files, make_images, write_jpeg


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "store")


def results_of(images: pd.DataFrame, annotations: pd.DataFrame, store: ImageFolder) -> Results:
    return check_results(ground_truth_results(images, annotations, make_image_files(images, store), store))


def test_ground_truth_is_in_the_format_with_confidence_one_and_its_label(store: ImageFolder) -> None:
    images = make_images(2)
    fill_store(store, images)
    annotations = make_annotations(
        {"image": 1, "label": "fox", "box": (60, 40, 50, 30)}, {"image": 1, "label": "bird", "box": (0, 0, 200, 150)}
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
                box | {"bbox": [0, 0, 1, 1], "classifications": [["0", 1.0]], "annotation_id": "label-0001"},
            ],
        },
    ]


def test_ground_truth_of_shuffled_labels_is_the_same(store: ImageFolder) -> None:
    images = make_images(3)
    fill_store(store, images)
    rows = ({"image": n % 3, "label": f"label {n % 4}", "box": (n, n, 10, 10)} for n in range(12))
    annotations = make_annotations(*rows)
    results = results_of(images, annotations, store)
    assert [len(entry["detections"]) for entry in results["images"]] == [4, 4, 4]
    assert results_of(images, annotations.sample(frac=1, random_state=2), store) == results


def test_ground_truth_leaves_out_images_without_a_file(store: ImageFolder) -> None:
    images = make_images(3)
    fill_store(store, images.drop(index=1))
    annotations = make_annotations(*({"image": n, "box": (60, 40, 50, 30)} for n in range(3)))
    files = [entry["file"] for entry in results_of(images, annotations, store)["images"]]
    assert files == ["island/camera/0000.jpg", "island/camera/0002.jpg"]


@pytest.mark.parametrize("orientation", [1, 6])
def test_ground_truth_without_a_recorded_size_takes_that_of_the_upright_file(
    store: ImageFolder, orientation: int
) -> None:
    images = make_images(1, width=[None], height=[None])
    stored = (200, 100) if orientation == 1 else (100, 200)
    write_jpeg(store.path_of(f"{DATASET}/{images['file_name'][0]}"), stored, orientation=orientation)
    results = results_of(images, make_annotations({"box": (50, 50, 100, 25)}), store)
    assert results["images"][0]["detections"][0]["bbox"] == [0.25, 0.5, 0.5, 0.25]


def test_ground_truth_with_a_recorded_size_opens_no_file(store: ImageFolder) -> None:
    images = make_images(1)
    path = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no image")
    results = results_of(images, make_annotations({"box": (50, 75, 100, 30)}), store)
    assert results["images"][0]["detections"][0]["bbox"] == [0.25, 0.5, 0.5, 0.2]


def test_ground_truth_without_any_size_tells_the_failure_and_no_detections(store: ImageFolder) -> None:
    images = make_images(1, width=[None], height=[None])
    path = store.path_of(f"{DATASET}/{images['file_name'][0]}")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no image")
    (entry,) = results_of(images, make_annotations({"box": (50, 75, 100, 30)}), store)["images"]
    assert "not an image" in entry["failure"]
    assert "detections" not in entry


@pytest.mark.parametrize("label", ["NA", "None", "42", "a,b", "ñ🦊"])
def test_ground_truth_with_a_label_that_looks_like_something_else_keeps_it(store: ImageFolder, label: str) -> None:
    images = make_images(1)
    fill_store(store, images)
    results = results_of(images, make_annotations({"label": label, "box": (0, 0, 9, 9)}), store)
    assert results["classification_categories"] == {"0": label}


def test_ground_truth_of_a_label_that_a_model_suggested_has_its_confidence(store: ImageFolder) -> None:
    images = make_images(1)
    fill_store(store, images)
    annotations = make_annotations({"box": (0, 0, 9, 9), "confidence": 0.75}, {"box": (9, 9, 9, 9)})
    detections = results_of(images, annotations, store)["images"][0]["detections"]
    assert [detection["conf"] for detection in detections] == [0.75, 1.0]

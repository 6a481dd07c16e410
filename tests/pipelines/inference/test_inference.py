"""From photographs and a detector's results to classifications."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from kedro.io import DatasetError
from PIL import Image

from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.prediction import Predictor
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.datasets.megadetector_results import OthersResultsDataset
from animl_kedro.errors import InputError
from animl_kedro.formats.inference_progress import InferenceProgress
from animl_kedro.formats.megadetector import Results, check_results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.inference.nodes import classify_detections
from animl_kedro.pipelines.inference.parameters import InferenceParams
from projects import Project

LABELS = ("red", "green", "blue")
LEFT, RIGHT = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 0.5, 1.0]


class Colours(torch.nn.Module):
    """Knows red, green and blue."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return 3 * images.mean(dim=(2, 3))


@pytest.fixture
def classifier() -> Classifier:
    return Classifier("colours", LABELS, Preprocessing(32), Colours(), {}, 0.5, CroppingParams())


def animal(box: list[float], conf: float = 0.9, **more: Any) -> Results:
    return {"category": "1", "conf": conf, "bbox": box, **more}


def results_of(images: list[Results], **more: Any) -> Results:
    categories = {"1": "animal", "2": "person", "3": "vehicle"}
    return {"info": {"detector": "v5b"}, "detection_categories": categories, "images": images, **more}


def write_images(folder: Path, *names: str) -> ImageFolder:
    """Photographs that are red on the left and blue on the right."""
    pixels = np.zeros((60, 120, 3), dtype=np.uint8)
    pixels[:, :60, 0] = pixels[:, 60:, 2] = 250
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if not (folder / name).exists():
            Image.fromarray(pixels).save(folder / name)
    return ImageFolder(folder)


@pytest.fixture
def run(classifier: Classifier, tmp_path: Path) -> Callable[..., Any]:
    def call(results: Results, *names: str, by: Classifier = classifier, **params: Any) -> Any:
        images = write_images(tmp_path / "images", *names)
        progress = InferenceProgress(tmp_path / "progress")
        return classify_detections(results, images, by, progress, InferenceParams(**params))

    return call


def labels_in(image: Results, results: Results) -> list[str | None]:
    names = results["classification_categories"]
    return [names[own[0][0]] if (own := found.get("classifications")) else None for found in image["detections"]]


def test_animals_are_classified_and_people_vehicles_and_doubtful_boxes_are_not(run: Callable[..., Any]) -> None:
    person = {"category": "2", "conf": 0.9, "bbox": LEFT}
    detections = [animal(RIGHT), person, animal(LEFT), animal(LEFT, conf=0.19)]
    results, table, failures = run(results_of([{"file": "a/1.png", "detections": detections}]), "a/1.png")
    assert labels_in(results["images"][0], check_results(results)) == ["blue", None, "red", None]
    assert table["label"].fillna("").tolist() == ["blue", "", "red", ""]
    assert table["category"].tolist() == ["animal", "person", "animal", "animal"]
    assert table["relative_left"].tolist() == [0.5, 0, 0, 0]
    assert len(failures) == 0


def test_classifications_are_sorted_and_above_the_threshold_and_as_predict_gives_them(
    run: Callable[..., Any], classifier: Classifier, tmp_path: Path
) -> None:
    mixed = [0.1, 0.0, 0.6, 1.0]
    results, table, _ = run(
        results_of([{"file": "1.png", "detections": [animal(mixed)]}]), "1.png", classification_threshold=0.01
    )
    (detection,) = results["images"][0]["detections"]
    predicted = classifier.predict(tmp_path / "images" / "1.png", mixed).iloc[0]
    expected = {label: round(predicted[f"probability_{label}"], 5) for label in LABELS}
    told = {LABELS[int(number)]: share for number, share in detection["classifications"]}
    assert told == {label: share for label, share in expected.items() if share >= 0.01}
    assert list(told.values()) == sorted(told.values(), reverse=True)
    assert table["probability"][0] == predicted["confidence"].round(5)


def test_what_others_wrote_into_the_results_stays_but_for_other_classifications(run: Callable[..., Any]) -> None:
    person = {"category": "2", "conf": 1.0, "bbox": LEFT, "classifications": [["7", 0.9]]}
    own = results_of(
        [{"file": "1.png", "detections": [person, animal(LEFT, source="eye")], "datetime": "2024"}],
        classification_categories={"7": "hiker"},
        classification_category_descriptions={"7": "a hiker"},
    )
    before = json.dumps(own)
    results, _, _ = run(own, "1.png")
    assert json.dumps(own) == before
    assert results["classification_categories"] == {"0": "red", "1": "green", "2": "blue"}
    assert "classification_category_descriptions" not in results
    assert results["info"]["detector"] == "v5b"
    assert results["info"]["classifier"].startswith("animl-kedro colours ")
    assert results["images"][0]["datetime"] == "2024"
    assert "classifications" not in results["images"][0]["detections"][0]
    assert results["images"][0]["detections"][1]["source"] == "eye"


def test_bad_files_are_failures_and_the_others_are_classified(run: Callable[..., Any], tmp_path: Path) -> None:
    write_images(tmp_path / "images", "cut.png")
    cut = tmp_path / "images" / "cut.png"
    cut.write_bytes(cut.read_bytes()[:60])
    entries = [{"file": name, "detections": [animal(LEFT)]} for name in ("cut.png", "absent.png", "../up.png", "1.png")]
    entries.append({"file": "2.png", "failure": "the detector failed"})
    results, table, failures = run(results_of(entries), "1.png", "2.png")
    assert failures["file"].tolist() == ["cut.png", "absent.png", "../up.png", "2.png"]
    assert failures["failure"][0].startswith("damaged")
    assert failures["failure"].tolist()[1:] == ["there is no such file"] * 2 + ["the detector failed"]
    assert all("detections" not in image for image in check_results(results)["images"] if image.get("failure"))
    assert table["label"].tolist() == ["red"]


def test_boxes_without_an_area_in_the_image_stay_unclassified(run: Callable[..., Any]) -> None:
    detections = [
        animal([1.5, 0, 0.1, 0.1]),
        animal([0.1, 0.1, 0.00001, 0.00001]),
        animal([0, 0, 0, 0.5]),
        animal(LEFT),
    ]
    results, _, failures = run(results_of([{"file": "1.png", "detections": detections}]), "1.png")
    assert labels_in(results["images"][0], results) == [None, None, None, "red"]
    assert len(failures) == 0


def test_paths_of_windows_are_found(run: Callable[..., Any]) -> None:
    results, _, _ = run(
        results_of([{"file": ".\\a\\1.png".removeprefix(".\\"), "detections": [animal(LEFT)]}]), "a/1.png"
    )
    assert results["images"][0]["file"] == "a\\1.png"
    assert labels_in(results["images"][0], results) == ["red"]


class Interrupted:
    """Lets a predictor give some images, and then fail as if the run was killed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.looked_at: list[str] = []
        self.left: int | None = None
        original = Predictor.logits

        def logits(predictor: Predictor, items: Any, images_of: Any) -> Any:
            for result, own in original(predictor, items, images_of):
                if self.left == 0:
                    raise KeyboardInterrupt
                self.left = self.left and self.left - 1
                self.looked_at.append(result.task.path)
                yield result, own

        monkeypatch.setattr(Predictor, "logits", logits)


def test_run_that_was_interrupted_goes_on_and_ends_with_the_same_results(
    run: Callable[..., Any], classifier: Classifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    names = [f"{number}.png" for number in range(8)]
    own = results_of([{"file": name, "detections": [animal(LEFT), animal(RIGHT)]} for name in names])
    watch = Interrupted(monkeypatch)
    watch.left = 5
    with pytest.raises(KeyboardInterrupt):
        run(own, *names, save_every=2)
    watch.left = None
    assert watch.looked_at == names[:5]
    resumed = run(own, *names, save_every=2)
    assert watch.looked_at == names
    again = run(own, *names)
    assert watch.looked_at == names  # nothing is left
    assert len(list((tmp_path / "progress").iterdir())) == 1
    InferenceProgress(tmp_path / "progress").replace({})
    uninterrupted = run(own, *names)
    for made in (resumed, again):
        assert made[0] == uninterrupted[0]
        assert made[1].equals(uninterrupted[1])


def test_run_that_was_killed_keeps_what_was_saved(
    run: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A killed process writes nothing at its end."""
    names = [f"{number}.png" for number in range(6)]
    own = results_of([{"file": name, "detections": [animal(LEFT)]} for name in names])
    watch = Interrupted(monkeypatch)
    watch.left = 5
    add = InferenceProgress.add
    monkeypatch.setattr(InferenceProgress, "add", lambda self, found: add(self, found) if len(found) == 2 else None)
    with pytest.raises(KeyboardInterrupt):
        run(own, *names, save_every=2)
    monkeypatch.setattr(InferenceProgress, "add", add)
    watch.left = None
    (tmp_path / "progress" / ".0123456789ab.part").write_text("half")
    results, _, _ = run(own, *names)
    assert watch.looked_at == [*names[:5], *names[4:]]
    assert [labels_in(image, results) for image in results["images"]] == [["red"]] * 6


def test_what_has_changed_is_classified_again_and_nothing_else(
    run: Callable[..., Any], classifier: Classifier, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = results_of([{"file": name, "detections": [animal(LEFT)]} for name in ("1.png", "2.png")])
    watch = Interrupted(monkeypatch)
    run(own, "1.png", "2.png")
    watch.looked_at.clear()
    Image.new("RGB", (120, 60), (0, 250, 0)).save(tmp_path / "images" / "1.png", compress_level=1)
    results, _, _ = run(own)
    assert watch.looked_at == ["1.png"]
    assert labels_in(results["images"][0], results) == ["green"]
    watch.looked_at.clear()
    run(own, by=replace(classifier, temperature=2.0))
    assert watch.looked_at == ["1.png", "2.png"]


def test_damaged_progress_is_left_out_with_a_warning(
    run: Callable[..., Any], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "progress").mkdir()
    (tmp_path / "progress" / "00ff.json").write_text('{"cut')
    results, _, _ = run(results_of([{"file": "1.png", "detections": [animal(LEFT)]}]), "1.png")
    assert labels_in(results["images"][0], results) == ["red"]
    assert "is damaged" in caplog.text


def test_another_folder_than_that_of_the_detections_is_refused(run: Callable[..., Any]) -> None:
    with pytest.raises(InputError, match=r"None of the 1 images of the detections is in .*the first is far/1.png"):
        run(results_of([{"file": "far/1.png", "detections": []}]), "1.png")


def test_detections_without_a_category_for_animals_are_refused(run: Callable[..., Any]) -> None:
    own = results_of([{"file": "1.png", "detections": []}]) | {"detection_categories": {"1": "blob"}}
    with pytest.raises(InputError, match="no category 'animal', but blob"):
        run(own, "1.png")


def test_results_of_older_versions_are_loaded_in_the_current_form(tmp_path: Path) -> None:
    old = {"images": [{"file": "1.png", "detections": None}, {"file": "2.png", "detections": [animal(LEFT)]}]}
    (tmp_path / "old.json").write_text(json.dumps(old))
    loaded = OthersResultsDataset(filepath=str(tmp_path / "old.json")).load()
    assert check_results(loaded)["images"][0]["failure"].startswith("the results have no detections")
    assert loaded["detection_categories"]["1"] == "animal"
    (tmp_path / "old.json").write_text(json.dumps({"images": [{"file": "1.png", "detections": [{"conf": 2}]}]}))
    with pytest.raises(DatasetError, match=r"1.png has a detection without a box"):
        OthersResultsDataset(filepath=str(tmp_path / "old.json")).load()


def test_pipeline_runs_from_the_catalog(tmp_path: Path) -> None:
    torch.manual_seed(0)
    project = Project(tmp_path)
    network = build_network("efficientnet-b0", 3, 32).eval()
    made = Classifier("efficientnet-b0", LABELS, Preprocessing(32), network, {}, 1.2, CroppingParams())
    project.catalog.save("classifier", made)
    raw = tmp_path / "data" / "01_raw" / "inference"
    write_images(raw / "images", "1.png")
    own = results_of([{"file": "1.png", "detections": [animal(LEFT)]}, {"file": "2.png", "detections": []}])
    (raw / "detections.json").write_text(json.dumps(own))
    project.run("inference")
    assert check_results(project.catalog.load("inference_results"))["images"][0]["detections"][0]["classifications"]
    assert project.catalog.load("inference_table")["label"].isin(LABELS).all()
    assert project.catalog.load("inference_failures")["file"].tolist() == ["2.png"]

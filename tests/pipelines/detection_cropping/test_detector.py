"""MegaDetector's package at arm's length: what it prints, how it fails, and what it changes around it."""

import os
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from PIL import Image

from animl_kedro.errors import InputError
from animl_kedro.pipelines.detection_cropping.detector import (
    GPU_BATCH,
    MIN_CONFIDENCE,
    Detector,
    check_installed,
    load_detector,
)

WHITE, BLACK = (Image.new("RGB", (4, 4), colour) for colour in ("white", "black"))
FOUND = [{"category": "1", "conf": 0.9, "bbox": [0.1, 0.2, 0.3, 0.4]}]


class Loaded:
    """What the package's load_detector gives: it fails with more images than `memory`, and on black ones."""

    def __init__(self, device: Any = "cpu", memory: int = 100) -> None:
        self.device, self.memory = device, memory
        self.calls: list[int] = []
        self.gradients: list[bool] = []

    def generate_detections_one_batch(
        self, images: list[Image.Image], image_id: list[str], detection_threshold: float
    ) -> list[dict[str, Any]]:
        assert len(set(image_id)) == len(images)
        assert detection_threshold == MIN_CONFIDENCE
        self.calls.append(len(images))
        self.gradients.append(torch.is_grad_enabled())
        if len(images) > self.memory:
            sys.stdout.write("Warning: batch inference failed for shape (4, 4): out of memory\n")
            return [{"file": file, "detections": None, "failure": "inference failure"} for file in image_id]
        return [self._result(image, file) for image, file in zip(images, image_id, strict=True)]

    def _result(self, image: Image.Image, file: str) -> dict[str, Any]:
        if image.getpixel((0, 0)) == (0, 0, 0):
            sys.stdout.write("Warning: it is dark\n\n")
            return {"file": file, "detections": None, "failure": "inference failure"}
        return {"file": file, "detections": FOUND, "max_detection_conf": 0.9}


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], Any]], None]:
    """Install a megadetector package with this load_detector."""

    def install(load: Callable[[str], Any]) -> None:
        run_detector = ModuleType("megadetector.detection.run_detector")
        run_detector.load_detector = load  # type: ignore[attr-defined]
        detection = ModuleType("megadetector.detection")
        detection.run_detector = run_detector  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "megadetector", ModuleType("megadetector"))
        monkeypatch.setitem(sys.modules, "megadetector.detection", detection)
        monkeypatch.setitem(sys.modules, "megadetector.detection.run_detector", run_detector)

    return install


Install = Callable[[Callable[[str], Any]], None]


def test_detector_gives_detections_of_each_image_or_the_printed_reason(capsys: pytest.CaptureFixture[str]) -> None:
    loaded = Loaded()
    found = Detector(loaded).find([WHITE, BLACK, WHITE])
    assert found == [FOUND, "inference failure: it is dark", FOUND]
    assert capsys.readouterr().out == ""
    assert not any(loaded.gradients)


def test_batch_that_is_too_large_is_looked_at_one_by_one() -> None:
    loaded = Loaded(memory=2)
    assert Detector(loaded).find([WHITE] * 3) == [FOUND] * 3
    assert loaded.calls == [3, 1, 1, 1]


@pytest.mark.parametrize(
    ("device", "batch_size"),
    [("cpu", 1), (torch.device("cpu"), 1), (torch.device("cuda:0"), GPU_BATCH), ("mps", GPU_BATCH)],
)
def test_batches_are_for_gpus(device: Any, batch_size: int) -> None:
    assert Detector(Loaded(device)).batch_size == batch_size


def test_load_detector_gives_the_packages_own(install: Install, capsys: pytest.CaptureFixture[str]) -> None:
    def load(path: str) -> Loaded:
        sys.stdout.write(f"Warning: no version in {path}\n")
        return Loaded()

    install(load)
    check_installed()
    assert load_detector(Path("a.pt")).find([WHITE]) == [FOUND]
    assert capsys.readouterr().out == ""


def test_load_detector_leaves_all_around_it_as_it_was(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YOLO_AUTOINSTALL", "true")
    opened, saved, filters, environment = Image.open, torch.save, warnings.filters[:], dict(os.environ)
    inside: list[str | None] = []

    def load(_: str) -> Loaded:
        inside.extend(map(os.environ.get, ("YOLO_AUTOINSTALL", "YOLOv5_AUTOINSTALL")))
        os.environ["OMP_NUM_THREADS"] = "1"
        Image.open = torch.save = print  # type: ignore[assignment]
        warnings.simplefilter("ignore")
        return Loaded()

    install(load)
    load_detector(Path("a.pt"))
    assert inside == ["false", "false"]  # no pip behind one's back
    assert (Image.open, torch.save, warnings.filters[:], dict(os.environ)) == (opened, saved, filters, environment)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            ModuleNotFoundError("No module named 'yolov9'", name="yolov9"),
            r"needs a package that is not installed \(yolov9\)",
        ),
        (ModuleNotFoundError("Could not import YOLOv5"), r"needs a package that is not installed \(Could not import"),
        (ValueError("Unrecognized model format"), r"cannot be loaded as a MegaDetector \(ValueError: Unrecognized"),
        (KeyError("model"), r"cannot be loaded as a MegaDetector \(KeyError"),
    ],
)
def test_weights_that_cannot_be_loaded_are_named_with_the_reason(
    install: Install, error: Exception, message: str
) -> None:
    def load(_: str) -> Loaded:
        raise error

    install(load)
    with pytest.raises(InputError, match=rf"weights/a\.pt {message}"):
        load_detector(Path("weights/a.pt"))


def test_package_that_is_absent_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "megadetector", None)
    for ask in (check_installed, lambda: load_detector(Path("a.pt"))):
        with pytest.raises(InputError, match=r"^MegaDetector is not installed: pip install 'animl-kedro\[detector\]'$"):
            ask()


def test_package_that_lacks_another_one_says_which(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ModuleType):
        def __getattr__(self, name: str) -> Any:
            raise ImportError("libGL.so.1: cannot open shared object file", name="cv2")

    install(lambda _: None)
    monkeypatch.setitem(sys.modules, "megadetector.detection", Broken("megadetector.detection"))
    monkeypatch.delitem(sys.modules, "megadetector.detection.run_detector")
    with pytest.raises(InputError, match=r"not installed as a whole \(libGL\.so\.1"):
        check_installed()

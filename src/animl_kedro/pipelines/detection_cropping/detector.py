"""MegaDetector, loaded and run by the megadetector package, which is installed only where it is wanted."""

import io
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from animl_kedro.errors import InputError

logger = logging.getLogger(__name__)

MIN_CONFIDENCE = 0.01
"""Detections below it are not kept: so a threshold can be changed later without looking at the images again."""

GPU_BATCH = 8
"""Images of one size that a GPU looks at together; a CPU gains nothing by it, and needs the memory."""

NO_INSTALLING = {"YOLO_AUTOINSTALL": "false", "YOLOv5_AUTOINSTALL": "false"}
"""What keeps ultralytics and yolov5 from calling pip whenever they miss a package."""

INSTALL = "pip install 'animl-kedro[detector]'"

Detection = dict[str, Any]


class Detector:
    """A loaded MegaDetector. `batch_size` is the number of images that are best given to it together."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded
        self.batch_size = 1 if str(getattr(loaded, "device", "cpu")) == "cpu" else GPU_BATCH

    def find(self, images: Sequence[Image.Image]) -> list[list[Detection] | str]:
        """Look at upright RGB images.

        Returns for each of them its detections, in MegaDetector's categories and fractions of the frame, or in words
        why the network failed on it. Where images are too many for the memory, they are looked at one by one.
        """
        told = io.StringIO()
        with redirect_stdout(told), torch.no_grad():
            results = self._loaded.generate_detections_one_batch(
                list(images), [str(number) for number in range(len(images))], detection_threshold=MIN_CONFIDENCE
            )
        if len(images) > 1 and any(result.get("failure") for result in results):
            return [self.find([image])[0] for image in images]
        # the reason of a failure is printed, and nowhere else
        return [
            _reason(result["failure"], told) if result.get("failure") else result["detections"] for result in results
        ]


def load_detector(weights: Path) -> Detector:
    """Load a detector from its weights, onto a GPU if there is one.

    The file is a pickle: whoever made it can run anything on this machine. Raises InputError where it cannot be loaded.
    """
    told = io.StringIO()
    try:
        with redirect_stdout(told), _contained():
            loaded = _package().load_detector(str(weights))
    except InputError:
        raise
    except ImportError as error:
        raise InputError(
            f"{weights} needs a package that is not installed ({error.name or error}): install it beside megadetector."
        ) from error
    except Exception as error:  # whatever a file that is no detector makes a pickle raise
        raise InputError(
            f"{weights} cannot be loaded as a MegaDetector ({type(error).__name__}: {error}). Expected is a file of "
            "weights that the megadetector package reads, *.pt: fetch it again, or name another one."
        ) from error
    finally:
        logger.debug("megadetector: %s", told.getvalue())
    detector = Detector(loaded)
    logger.info("loaded the detector %s, which runs on %s", weights.name, getattr(loaded, "device", "the CPU"))
    return detector


def check_installed() -> None:
    """Raises InputError where the megadetector package is not installed, or cannot be imported."""
    with _contained():
        _package()


def _package() -> Any:
    try:
        from megadetector.detection import run_detector  # noqa: PLC0415 - takes seconds, and is seldom needed
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "megadetector":
            raise InputError(f"MegaDetector is not installed: {INSTALL}") from error
        raise InputError(f"MegaDetector is not installed as a whole ({error}): {INSTALL}") from error
    return run_detector


@contextmanager
def _contained() -> Iterator[None]:
    """Undo what the packages change outside of themselves as they are imported.

    ultralytics replaces Pillow's function to open images by one that installs a package at a file that is no image,
    yolov5 sets numbers of threads in the environment, and megadetector silences the warnings of others.
    """
    environment = dict(os.environ)
    functions = [(module, name, getattr(module, name)) for module, name in ((Image, "open"), (torch, "save"))]
    os.environ.update(NO_INSTALLING)
    try:
        with warnings.catch_warnings():
            yield
    finally:
        os.environ.clear()
        os.environ.update(environment)
        for module, name, function in functions:
            setattr(module, name, function)


def _reason(failure: str, told: io.StringIO) -> str:
    """Why the network failed, with what the package printed about it."""
    lines = [line.removeprefix("Warning: ") for line in told.getvalue().splitlines() if line.strip()]
    return f"{failure}: {lines[-1]}" if lines else failure

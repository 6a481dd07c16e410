"""MegaDetector, loaded and run by the megadetector package, which is installed only where it is wanted."""

import io
import logging
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

from animl_kedro.errors import InputError

logger = logging.getLogger(__name__)

MIN_CONFIDENCE = 0.01
"""Detections below it are not kept: so a threshold can be changed later without looking at the images again."""

GPU_BATCH = 8
"""Images of one size that a GPU looks at together; a CPU gains nothing by it, and needs the memory."""

INSTALL = "pip install 'animl-kedro[detector]'"

Detection = dict[str, Any]


class Detector:
    """A loaded MegaDetector. `batch_size` is the number of images that are best given to it together."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded
        self.batch_size = 1 if str(getattr(loaded, "device", "cpu")) == "cpu" else GPU_BATCH

    def find(self, images: Sequence[Image]) -> list[list[Detection] | str]:
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
        return [_reason(result["failure"], told) if result.get("failure") else result["detections"] for result in results]


def load_detector(weights: Path) -> Detector:
    """Load a detector from its weights, onto a GPU if there is one.

    The file is a pickle: whoever made it can run anything on this machine. Raises InputError where it cannot be loaded.
    """
    package = _package()
    told = io.StringIO()
    try:
        with redirect_stdout(told):
            loaded = package.load_detector(str(weights))
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
    _package()


def _package() -> Any:
    try:
        from megadetector.detection import run_detector  # noqa: PLC0415 - takes seconds, and is seldom needed
    except ImportError as error:
        if (error.name or "").partition(".")[0] == "megadetector":
            raise InputError(f"MegaDetector is not installed: {INSTALL}") from error
        raise InputError(f"MegaDetector is not installed as a whole ({error}): {INSTALL}") from error
    return run_detector


def _reason(failure: str, told: io.StringIO) -> str:
    """Why the network failed, with what the package printed about it."""
    lines = [line.removeprefix("Warning: ") for line in told.getvalue().splitlines() if line.strip()]
    return f"{failure}: {lines[-1]}" if lines else failure

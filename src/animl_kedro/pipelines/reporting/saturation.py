"""How colourful the pictures of crops are: what a camera takes in infrared, by night, is grey."""

from collections.abc import Iterable, Mapping
from functools import partial

import numpy as np
from PIL.Image import Image, Resampling

from animl_kedro.images import UnreadableImageError
from animl_kedro.progress import track
from animl_kedro.threads import in_order

PIXELS = 32
"""The side that a picture is averaged to before it is measured, so that the grain of its sensor has no colour."""

AHEAD = 64
"""Pictures that are opened before they are asked for."""


def saturation_of(image: Image) -> float:
    """The mean saturation of an RGB image, between 0 for grey and 1: the mean over pixels weighted by brightness.

    The saturation of a pixel is (max - min) / max of its three channels, as in HSV, and max is its brightness: what is
    nearly black, and what a crop shows beyond the frame, has a saturation that says nothing.
    """
    channels = np.asarray(image.resize((PIXELS, PIXELS), Resampling.BOX), dtype=np.int64)
    brightness = channels.max(axis=2)
    total = int(brightness.sum())
    return float((brightness - channels.min(axis=2)).sum() / total) if total else 0.0


def measure_saturations(
    crop_ids: Iterable[str], images: Mapping[str, Image]
) -> list[tuple[str, float | None, str | None]]:
    """Rows of `CropSaturations`, in the order of the ids; pictures are opened in threads."""
    crop_ids = list(crop_ids)
    measured = in_order(partial(_measure, images), crop_ids, AHEAD)
    return list(track(measured, "colours", len(crop_ids)))


def _measure(images: Mapping[str, Image], crop_id: str) -> tuple[str, float | None, str | None]:
    try:
        return crop_id, saturation_of(images[crop_id]), None
    except KeyError:
        return crop_id, None, "the file is missing"
    except (UnreadableImageError, ValueError) as error:
        return crop_id, None, str(error)

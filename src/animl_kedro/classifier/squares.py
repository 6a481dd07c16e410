"""Crops as the squares that a network sees, made by workers in memory that they share. Nothing here needs torch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from animl_kedro.classifier.changes import Square
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.errors import InputError
from animl_kedro.images import Photograph, UnreadableImageError
from animl_kedro.places import ABSENT

SquareOf = Callable[[Photograph, int], Square]
"""What makes of a crop, by a seed, a square."""

Read = Callable[[str], bytes]
"""What gives the bytes of a crop's file, by the crop's id."""


@dataclass(frozen=True)
class PlainSquare:
    """The square of a crop for evaluation, always the same."""

    preprocessing: Preprocessing

    def __call__(self, crop: Photograph, seed: int) -> Square:
        """Resize a crop and cut out its centre. Raises UnreadableImageError where it is damaged."""
        del seed
        return np.asarray(self.preprocessing.square(crop.whole()))


class SharedPixels(NamedTuple):
    """A file in memory that holds (n, size, size, 3) uint8 pixels."""

    path: str
    shape: tuple[int, int, int, int]

    def array(self) -> NDArray[np.uint8]:
        """The pixels: what one process writes, all see."""
        return np.memmap(self.path, np.uint8, "r+", shape=self.shape)


attached = lru_cache(maxsize=2)(SharedPixels.array)
"""The pixels, once and for all tasks of a worker."""


def write_squares(
    crops: Sequence[tuple[str, int]], first: int, pixels: SharedPixels, read: Read, square_of: SquareOf
) -> None:
    """Write the squares of crops, each an id and a seed, one after the other from the number `first` on.

    Raises InputError that names a crop which cannot be read.
    """
    rows = attached(pixels)
    for row, (crop_id, seed) in enumerate(crops, start=first):
        try:
            rows[row] = square_of(open_crop(crop_id, read), seed)
        except UnreadableImageError as error:
            raise unreadable(crop_id, error) from error


def open_crop(crop_id: str, read: Read) -> Photograph:
    """Read the file of a crop, and decode nothing yet. Raises UnreadableImageError where it is absent or no image."""
    try:
        return Photograph(read(crop_id))
    except ABSENT as error:
        raise UnreadableImageError("there is no such file") from error
    except OSError as error:
        raise UnreadableImageError(f"cannot be read: {error.strerror}") from error


def unreadable(crop_id: str, fault: object) -> InputError:
    """The error for a crop that has become unreadable since it was checked, or was not."""
    return InputError(
        f"The crop {crop_id} cannot be read ({fault}). Make it again: kedro run --pipeline=detection_cropping"
    )

"""The sample island's animals: five species, each in any pose, size and light.

An animal is drawn in units of its body's length, looking ahead along x, with its feet at y = 0.
"""

import dataclasses
from collections.abc import Callable
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from animl_kedro.sample.brush import OVERSAMPLING, Brush, Canvas, Colour
from animl_kedro.sample.mammals import draw_fox, draw_rodent, draw_skunk
from animl_kedro.sample.pose import BLACK, SHINE, Pose
from animl_kedro.sample.reptiles_and_birds import draw_bird, draw_lizard

NIGHT_GAIN = 1.2
"""What fur throws back of the infrared flash; the ground's part is in `photograph`."""

TONE_RANGE = 0.16
"""How much darker or paler than its kind an individual is at most."""

ACROSS, UP, DOWN = 1.75, 1.6, 0.95
"""How far any animal reaches from its foot, in its units: to either side, upwards and downwards."""


class Species(StrEnum):
    """Who lives on the island, from the most frequent to the rarest."""

    FOX = "fox"
    BIRD = "bird"
    RODENT = "rodent"
    SKUNK = "skunk"
    LIZARD = "lizard"


@dataclasses.dataclass(frozen=True)
class Figure:
    """A drawn animal: RGBA, with a narrow margin, and the pixel of it that stands on the ground."""

    image: Image.Image
    foot_x: float
    foot_y: float


def draw_animal(species: Species, unit: float, pose: Pose, rng: np.random.Generator, *, shining: bool) -> Figure:
    """Draw an animal whose body is `unit` pixels long; at night its eyes are `shining` in the camera's flash."""
    scale = unit * OVERSAMPLING
    size = (round(2 * ACROSS * unit) * OVERSAMPLING, round((UP + DOWN) * unit) * OVERSAMPLING)
    artist, coat = _ARTISTS[species]
    canvas = Canvas(Image.new("RGB", size, coat), Image.new("L", size), rng)
    heading = -1 if pose.mirrored else 1
    matrix = np.array([[heading * scale * pose.turn, 0.0], [0.0, -scale]])
    brush = Brush(canvas, matrix, np.array([ACROSS * scale, UP * scale]))
    artist(brush.at(0, 0, pose.tilt), pose, SHINE if shining else BLACK)
    left, top, right, bottom = _framed(canvas.mask, round(0.25 * unit))
    gain = (NIGHT_GAIN if shining else 1.0) * (1 + TONE_RANGE * pose.tone)
    image = _finished(canvas.cropped((left, top, right, bottom)), unit, gain, rng)
    return Figure(image, ACROSS * unit - left / OVERSAMPLING, UP * unit - top / OVERSAMPLING)


def _framed(mask: Image.Image, margin: int) -> tuple[int, int, int, int]:
    """The part of the canvas that was drawn on, with a margin, in canvas pixels that make whole final pixels."""
    left, top, right, bottom = mask.getbbox() or (0, 0, 1, 1)
    return (
        (left // OVERSAMPLING - margin) * OVERSAMPLING,
        (top // OVERSAMPLING - margin) * OVERSAMPLING,
        (right // OVERSAMPLING + 1 + margin) * OVERSAMPLING,
        (bottom // OVERSAMPLING + 1 + margin) * OVERSAMPLING,
    )


def _finished(canvas: Canvas, unit: float, gain: float, rng: np.random.Generator) -> Image.Image:
    """Reduce the canvas to its final size and give the flat colours volume, texture and an individual's tone."""
    colours = canvas.colours.reduce(OVERSAMPLING)
    mask = canvas.mask.reduce(OVERSAMPLING)
    # Light comes from above: what faces up, where the blurred mask rises downwards, is bright.
    light = 1 + 0.05 * unit * _rise(mask, 0.07 * unit) + 0.09 * unit * _rise(mask, 0.2 * unit)
    hair = rng.normal(0, 0.07, (max(2, mask.height // 2), max(2, mask.width // 5))).astype(np.float32)
    light += np.asarray(Image.fromarray(hair).resize(mask.size, Image.Resampling.BICUBIC))
    shaded = np.asarray(colours, dtype=np.float32) * (gain * np.clip(light, 0.35, 1.6))[..., None]
    image = Image.fromarray(np.clip(shaded, 0, 255).astype(np.uint8))
    image.putalpha(mask)
    return image.filter(ImageFilter.GaussianBlur(0.55))


def _rise(mask: Image.Image, radius: float) -> npt.NDArray[np.float32]:
    """How fast the blurred mask grows from row to row, downwards."""
    blurred = np.asarray(mask.filter(ImageFilter.GaussianBlur(max(1.0, radius))), dtype=np.float32) / 255
    return np.gradient(blurred, axis=0).astype(np.float32)


_ARTISTS: dict[Species, tuple[Callable[[Brush, Pose, Colour], None], Colour]] = {
    Species.FOX: (draw_fox, (158, 92, 56)),
    Species.BIRD: (draw_bird, (92, 116, 150)),
    Species.RODENT: (draw_rodent, (134, 108, 84)),
    Species.SKUNK: (draw_skunk, BLACK),
    Species.LIZARD: (draw_lizard, (116, 122, 66)),
}
"""Each species' artist, and its coat's colour, which lies under the edges of its mask."""

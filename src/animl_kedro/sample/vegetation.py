"""What grows and lies at the sample island's places: bushes, trees, grass and stones, in each place's own colours."""

import dataclasses
import math
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from animl_kedro.sample.brush import Colour, mixed


class Ground(StrEnum):
    """What a place's ground is made of."""

    DRY_GRASS = "dry grass"
    SAND = "sand"
    LEAVES = "leaves"
    ROCK = "rock"
    MEADOW = "meadow"
    SCRUB = "scrub"


@dataclasses.dataclass(frozen=True)
class Palette:
    """Near and far ground, plants, and how many tufts and stones lie on a place of the usual size."""

    near: Colour
    far: Colour
    plants: Colour
    tufts: int
    stones: int


PALETTES = {
    Ground.DRY_GRASS: Palette((158, 136, 88), (184, 166, 118), (140, 128, 72), 260, 10),
    Ground.SAND: Palette((188, 170, 138), (206, 192, 164), (118, 128, 92), 40, 45),
    Ground.LEAVES: Palette((98, 78, 56), (92, 84, 60), (74, 92, 54), 70, 30),
    Ground.ROCK: Palette((128, 120, 110), (150, 142, 130), (98, 106, 74), 50, 130),
    Ground.MEADOW: Palette((98, 116, 58), (124, 140, 82), (84, 112, 48), 330, 8),
    Ground.SCRUB: Palette((134, 110, 82), (150, 132, 100), (90, 98, 62), 130, 40),
}


def varied(palette: Palette, rng: np.random.Generator) -> Palette:
    """The palette of one place of this kind."""
    near, far, plants = (
        mixed(colour, (int(rng.integers(60, 190)), int(rng.integers(60, 180)), int(rng.integers(40, 140))), 0.18)
        for colour in (palette.near, palette.far, palette.plants)
    )
    return Palette(near, far, plants, palette.tufts, palette.stones)


def draw_bush(image: Image.Image, x: float, y: float, palette: Palette, rng: np.random.Generator) -> None:
    """Leaves upon leaves, the upper ones brighter."""
    draw = ImageDraw.Draw(image)
    wide, high = rng.uniform(0.07, 0.2) * image.width, rng.uniform(0.08, 0.26) * image.height
    draw.ellipse((x - wide, y - 0.08 * high, x + wide, y + 0.1 * high), fill=mixed(palette.near, (0, 0, 0), 0.55))
    dark = mixed((14, 18, 10), palette.plants, 0.35)
    draw.pieslice((x - 0.9 * wide, y - 0.85 * high, x + 0.9 * wide, y + 0.85 * high), 180, 360, fill=dark)
    count = 230
    angles, reach = rng.uniform(0, math.pi, count), np.sqrt(rng.uniform(0, 1, count))
    leaf, tones = rng.uniform(4, 11, count) * image.width / 900, rng.normal(0, 0.1, count)
    for angle, far, radius, tone in zip(angles, reach, leaf, tones, strict=True):
        px, py = x + wide * far * math.cos(angle), y - high * far * math.sin(angle)
        colour = mixed((22, 26, 16), palette.plants, 0.45 + 0.65 * far * math.sin(angle) + tone)
        draw.ellipse((px - radius, py - 0.6 * radius, px + radius, py + 0.6 * radius), fill=colour)


def draw_trunk(image: Image.Image, horizon: int, rng: np.random.Generator) -> None:
    """A tree near the camera, its crown above the frame."""
    draw, width = ImageDraw.Draw(image), image.width
    x, girth = rng.choice([0.08, 0.2, 0.82, 0.93]) * width, rng.uniform(0.03, 0.06) * width
    foot = horizon + rng.uniform(0.05, 0.2) * image.height
    bark = mixed((92, 78, 64), (140, 128, 116), rng.uniform(0, 1))
    draw.polygon([(x - girth, 0), (x + girth, 0), (x + 1.1 * girth, foot), (x - 1.2 * girth, foot)], fill=bark)
    for side in rng.uniform(-0.9, 0.9, 26):
        shade = mixed((40, 34, 28), bark, 0.4 + 0.5 * abs(side))
        draw.line([(x + side * girth, 0), (x + side * girth * 1.1, foot - 2)], fill=shade, width=2)


def _depths(count: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Nearness of things on the ground, 0 at the horizon and 1 at the camera, the far ones first."""
    return np.sort(rng.uniform(0.02, 1, count))


def draw_stones(image: Image.Image, horizon: int, palette: Palette, rng: np.random.Generator) -> None:
    """Stones with a bright top and a dark foot, larger near the camera."""
    draw, (width, height) = ImageDraw.Draw(image), image.size
    stone = mixed(palette.near, (150, 146, 140), 0.6)
    for near in _depths(palette.stones, rng):
        x, y = rng.uniform(0, width), horizon + near * (height - horizon)
        radius = (2 + 20 * near * rng.uniform(0.1, 1) ** 2) * width / 900
        tone = rng.uniform(-0.2, 0.25)
        for shift, colour in ((0.22, (0, 0, 0)), (0.0, stone), (-0.25, (255, 250, 240))):
            size = radius * (1 - 0.6 * (shift < 0))
            fill = mixed(mixed(stone, colour, 0.3 if shift else 0.0), (0, 0, 0), 0.2 + tone)
            draw.ellipse(
                (x - size, y + radius * shift - 0.6 * size, x + size, y + radius * shift + 0.6 * size), fill=fill
            )


def draw_tufts(image: Image.Image, horizon: int, palette: Palette, rng: np.random.Generator) -> None:
    """Grass all over the ground, longer near the camera."""
    draw, (width, height) = ImageDraw.Draw(image), image.size
    for near in _depths(palette.tufts, rng):
        x, y = rng.uniform(0, width), horizon + near * (height - horizon)
        blades = rng.normal(0, 1, (6, 2))
        length = (5 + 34 * near) * width / 900
        tones = rng.uniform(0.55, 1.25, 6)
        for (lean, rise), tone in zip(blades.tolist(), tones.tolist(), strict=True):
            tip = (x + 0.35 * lean * length, y - length * (0.8 + 0.2 * rise))
            colour = mixed((14, 16, 8), palette.plants, tone)
            draw.line([(x + 0.1 * lean * length, y), tip], fill=colour, width=1 + round(near))


def draw_foreground(size: tuple[int, int], palette: Palette, rng: np.random.Generator) -> Image.Image:
    """Grass close to the camera, out of focus, in a few clumps along the lower edge."""
    width, height = size
    layer = Image.new("RGBA", size, (*palette.plants, 0))
    draw = ImageDraw.Draw(layer)
    for clump in rng.uniform(0, width, rng.integers(2, 5)):
        for _ in range(rng.integers(8, 18)):
            x, lean = clump + rng.normal(0, 0.04) * width, rng.normal(0, 0.05) * width
            top, half = height * (1 - rng.uniform(0.12, 0.36)), rng.uniform(2, 5) * width / 900
            colour = mixed((16, 18, 10), palette.plants, rng.uniform(0.5, 1.2))
            bend = (x + 0.3 * lean, (top + height) / 2)
            draw.polygon(
                [
                    (x - half, height),
                    (bend[0] - half, bend[1]),
                    (x + lean, top),
                    (bend[0] + half, bend[1]),
                    (x + half, height),
                ],
                fill=(*colour, 255),
            )
    return layer.filter(ImageFilter.GaussianBlur(1.6 * width / 900))

"""The brush that the sample island's animals are drawn with: smooth outlines, tapering limbs, soft airbrush, shading.

Shapes are given in an animal's own units (x ahead, y up, the ground at 0) and drawn a few times too large, so that
the final reduction smooths their edges. The mask of what was drawn is exact, and so are the boxes taken from it.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

Points = npt.NDArray[np.float64]
"""(n, 2) corners, x and y."""

Colour = tuple[int, int, int]
Pairs = Sequence[tuple[float, float]]

OVERSAMPLING = 3
STEPS = 7
"""Points drawn between two given ones of a smooth outline."""


def mixed(one: Colour, other: Colour, share: float) -> Colour:
    """The colour `share` of the way from one to the other, also beyond them, within 0 to 255."""
    red, green, blue = (min(255, max(0, round(a + (b - a) * share))) for a, b in zip(one, other, strict=True))
    return red, green, blue


def smooth(corners: Pairs | Points, *, closed: bool) -> Points:
    """A Catmull-Rom curve through the corners, `STEPS` points for each stretch."""
    points = np.asarray(corners, dtype=np.float64)
    ends = (points[-1:], points[:2]) if closed else (points[:1], points[-1:])
    padded = np.concatenate([ends[0], points, ends[1]])
    before, start, end, after = (padded[i : len(padded) - 3 + i, None, :] for i in range(4))
    t = np.linspace(0, 1, STEPS, endpoint=False)[None, :, None]
    curve: Points = 0.5 * (
        2 * start
        + (end - before) * t
        + (2 * before - 5 * start + 4 * end - after) * t**2
        + (3 * start - before - 3 * end + after) * t**3
    ).reshape(-1, 2)
    return curve if closed else np.concatenate([curve, points[-1:]])


def _tapered(path: Pairs, widths: Sequence[float]) -> Points:
    """The outline of a limb: a smooth path, with a width at each of its corners, and round ends."""
    spine = smooth(path, closed=False)
    along = np.linspace(0, len(widths) - 1, len(spine))
    half = np.interp(along, np.arange(len(widths)), widths)[:, None] / 2
    ahead = np.gradient(spine, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    aside = np.stack([-ahead[:, 1], ahead[:, 0]], axis=1)
    turn = np.linspace(0, math.pi, 6)[1:-1, None]
    tip = spine[-1] + half[-1] * (np.cos(turn) * aside[-1] + np.sin(turn) * ahead[-1])
    root = spine[0] - half[0] * (np.cos(turn) * aside[0] + np.sin(turn) * ahead[0])
    outline: Points = np.concatenate([spine + half * aside, tip, (spine - half * aside)[::-1], root])
    return outline


@dataclasses.dataclass
class Canvas:
    """What has been drawn so far, enlarged by `OVERSAMPLING`: the colours, the mask, and the ruffling of fur."""

    colours: Image.Image
    mask: Image.Image
    rng: np.random.Generator

    def cropped(self, box: tuple[int, int, int, int]) -> Self:
        """The part between left, top, right and bottom."""
        return dataclasses.replace(self, colours=self.colours.crop(box), mask=self.mask.crop(box))

    def fill(self, outline: Points, colour: Colour) -> None:
        """Draw a polygon of canvas pixels."""
        corners = list(map(tuple, outline.tolist()))
        ImageDraw.Draw(self.colours).polygon(corners, fill=colour)
        ImageDraw.Draw(self.mask).polygon(corners, fill=255)

    def spray(self, outline: Points, colour: Colour, softness: float, strength: float) -> None:
        """Tint what lies under a polygon, its edge `softness` pixels wide, within what has been drawn."""
        margin = math.ceil(2.5 * softness)
        left, top = np.floor(outline.min(axis=0)).astype(int) - margin
        right, bottom = np.ceil(outline.max(axis=0)).astype(int) + margin
        left, top = max(0, int(left)), max(0, int(top))
        right, bottom = min(self.mask.width, int(right)), min(self.mask.height, int(bottom))
        if right <= left or bottom <= top:
            return
        # The blur is done at a third of the size: nobody sees it, and it takes a ninth of the time.
        size = (max(1, (right - left) // 3), max(1, (bottom - top) // 3))
        tint = Image.new("L", size)
        ImageDraw.Draw(tint).polygon(
            list(map(tuple, ((outline - (left, top)) / 3).tolist())), fill=round(255 * strength)
        )
        tint = tint.filter(ImageFilter.GaussianBlur(softness / 3)).resize((right - left, bottom - top))
        covered = np.asarray(self.mask.crop((left, top, right, bottom))) > 0
        self.colours.paste(colour, (left, top), Image.fromarray(np.asarray(tint) * covered))


@dataclasses.dataclass(frozen=True)
class Brush:
    """Draws on a canvas in units of an animal; `at` gives a brush with a frame of its own, say a head's."""

    canvas: Canvas
    matrix: Points
    origin: Points

    @property
    def unit(self) -> float:
        """Canvas pixels of one unit."""
        return math.sqrt(abs(float(np.linalg.det(self.matrix))))

    def at(self, x: float, y: float, degrees: float = 0.0, scale: float = 1.0) -> Self:
        """A brush whose origin is here, turned anticlockwise and scaled."""
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        turned = self.matrix @ np.array([[cos, -sin], [sin, cos]]) * scale
        return dataclasses.replace(self, matrix=turned, origin=self._to_canvas(np.array([[x, y]]))[0])

    def _to_canvas(self, points: Points) -> Points:
        placed: Points = points @ self.matrix.T + self.origin
        return placed

    def blob(self, corners: Pairs, colour: Colour, fur: float = 0.0, lift: float = 0.0) -> None:
        """A smooth closed shape. `fur` ruffles its edge by so many units, `lift` lets it shade what is under it."""
        self._solid(smooth(corners, closed=True), colour, fur, lift)

    def limb(self, path: Pairs, widths: Sequence[float], colour: Colour, fur: float = 0.0, lift: float = 0.0) -> None:
        """A leg, a tail, a stripe: a smooth path with a width at each of its corners."""
        self._solid(_tapered(path, widths), colour, fur, lift)

    def _solid(self, outline: Points, colour: Colour, fur: float, lift: float) -> None:
        if fur:
            outline = outline + self.canvas.rng.normal(0, fur, outline.shape)
        placed = self._to_canvas(outline)
        if lift:
            self.canvas.spray(placed + np.array([0, 0.03 * self.unit]), (20, 16, 14), 0.05 * self.unit, lift)
        self.canvas.fill(placed, colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour, aspect: float = 1.0) -> None:
        """An ellipse, `aspect` times as high as it is wide."""
        angles = np.linspace(0, 2 * math.pi, 20, endpoint=False)
        circle = np.stack([x + radius * np.cos(angles), y + radius * aspect * np.sin(angles)], axis=1)
        self.canvas.fill(self._to_canvas(circle), colour)

    def polygon(self, corners: Pairs, colour: Colour) -> None:
        """A shape with straight edges."""
        self.canvas.fill(self._to_canvas(np.asarray(corners, dtype=np.float64)), colour)

    def tint(self, corners: Pairs, colour: Colour, softness: float, strength: float = 0.8) -> None:
        """Airbrush a smooth shape on what has been drawn, its edge `softness` units wide."""
        outline = self._to_canvas(smooth(corners, closed=True))
        self.canvas.spray(outline, colour, softness * self.unit, strength)

    def streak(self, path: Pairs, width: float, colour: Colour, softness: float, strength: float = 0.8) -> None:
        """Airbrush a stroke on what has been drawn."""
        outline = self._to_canvas(_tapered(path, [width] * len(path)))
        self.canvas.spray(outline, colour, softness * self.unit, strength)

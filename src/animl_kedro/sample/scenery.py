"""The sample island's places: each with its own ground, plants, light and camera, by day and in infrared at night."""

import dataclasses

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFilter

from animl_kedro.sample import vegetation
from animl_kedro.sample.brush import mixed
from animl_kedro.sample.vegetation import PALETTES, Ground, Palette, varied

Grey = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class Scene:
    """A place without animals.

    ``background`` is RGB, ``plants`` RGBA and in front of every animal, ``flash`` L: how much of the infrared flash
    comes back. ``horizon`` is the pixel row where the ground begins.
    """

    background: Image.Image
    plants: Image.Image
    flash: Image.Image
    horizon: int


def draw_scene(ground: Ground, size: tuple[int, int], rng: np.random.Generator) -> Scene:
    """Draw a place of this size in pixels, the same one for the same random numbers."""
    palette = varied(PALETTES[ground], rng)
    horizon = round(size[1] * rng.uniform(0.2, 0.42))
    image = _gradients(size, horizon, palette, rng)
    _draw_hills(image, horizon, palette, rng)
    image = _textured(image, horizon, rng)
    for row in np.sort(rng.uniform(-0.02, 0.08, rng.integers(2, 6))):
        vegetation.draw_bush(image, rng.uniform(0, size[0]), horizon + row * size[1], palette, rng)
    if rng.uniform() < 0.4:
        vegetation.draw_trunk(image, horizon, rng)
    vegetation.draw_stones(image, horizon, palette, rng)
    vegetation.draw_tufts(image, horizon, palette, rng)
    image = image.filter(ImageFilter.GaussianBlur(0.7))
    return Scene(image, vegetation.draw_foreground(size, palette, rng), _flash(size, horizon, rng), horizon)


def clouds(size: tuple[int, int], cell: tuple[float, float], rng: np.random.Generator) -> Grey:
    """(height, width) smooth random numbers about 0 with unit spread, their features `cell` pixels wide and high."""
    coarse = rng.standard_normal((max(2, round(size[1] / cell[1])), max(2, round(size[0] / cell[0]))), dtype=np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC))


def _gradients(size: tuple[int, int], horizon: int, palette: Palette, rng: np.random.Generator) -> Image.Image:
    """Sky above the horizon, and the ground growing nearer below it."""
    width, height = size
    haze = mixed((198, 210, 222), palette.far, rng.uniform(0.0, 0.5))
    sky = np.linspace(mixed(haze, (120, 150, 190), rng.uniform(0.2, 0.8)), haze, horizon)
    ground = np.linspace(palette.far, palette.near, height - horizon)
    column = np.concatenate([sky, ground]).astype(np.uint8)[:, None]
    return Image.fromarray(column).resize((width, height), Image.Resampling.NEAREST)


def _draw_hills(image: Image.Image, horizon: int, palette: Palette, rng: np.random.Generator) -> None:
    draw, width = ImageDraw.Draw(image), image.width
    for layer in range(3):
        xs = np.linspace(0, width, 24)
        phases = rng.uniform(0, 6.3, 2)
        rise = horizon * (0.55 - 0.17 * layer) * rng.uniform(0.6, 1.0)
        ridge = horizon - rise * (
            0.6 + 0.3 * np.sin(xs / width * 5 + phases[0]) + 0.1 * np.sin(xs / width * 17 + phases[1])
        )
        colour = mixed((160, 172, 184), mixed(palette.plants, palette.far, rng.uniform(0, 0.6)), 0.35 + 0.3 * layer)
        draw.polygon(
            [(0, horizon + 3), *zip(xs.tolist(), ridge.tolist(), strict=True), (width, horizon + 3)], fill=colour
        )


def _textured(image: Image.Image, horizon: int, rng: np.random.Generator) -> Image.Image:
    """Patches, furrows and grain, flatter far away, and light that falls through leaves here and there."""
    size = image.size
    rows = np.arange(size[1], dtype=np.float32)[:, None]
    near = np.clip((rows - horizon) / (size[1] - horizon), 0, 1)
    grain = 0.09 * clouds(size, (3, 2), rng) * (0.3 + near)
    patches = 0.07 * clouds(size, (90, 26), rng) + 0.06 * clouds(size, (22, 7), rng)
    dappled = rng.uniform(0.0, 0.3) * np.clip(clouds(size, (150, 70), rng), -1, 1)
    light = 1 + (grain + patches) * (0.25 + 0.75 * (near > 0)) + dappled * near
    return Image.fromarray(np.clip(np.asarray(image) * light[..., None], 0, 255).astype(np.uint8))


def _flash(size: tuple[int, int], horizon: int, rng: np.random.Generator) -> Image.Image:
    """The infrared flash: strong in the middle and near, hardly reaching beyond the horizon."""
    width, height = size
    x = (np.arange(width, dtype=np.float32)[None, :] / width - rng.uniform(0.42, 0.58)) / 0.62
    y = (np.arange(height, dtype=np.float32)[:, None] / height - rng.uniform(0.6, 0.75)) / 0.75
    reach = 0.25 + 0.75 / (1 + np.exp((horizon - np.arange(height, dtype=np.float32)[:, None]) / (0.025 * height)))
    light = (0.12 + 0.88 * np.exp(-1.3 * (x**2 + y**2))) * reach
    return Image.fromarray((255 * np.clip(light, 0, 1)).astype(np.uint8))

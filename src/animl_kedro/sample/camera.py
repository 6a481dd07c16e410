"""The sample island's cameras: exposure and grain, by day and in infrared, and the black strip of information."""

import functools
import textwrap

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFont


def developed(scene: Image.Image, flash: Image.Image | None, rng: np.random.Generator) -> Image.Image:
    """The photograph that a camera makes of a scene: its exposure, and the sensor's grain.

    With a `flash` it is night, and all colour is lost.
    """
    exposure = rng.uniform(0.85, 1.12)
    warmth = rng.uniform(-0.06, 0.06)
    gains = [exposure * (1 + warmth), exposure, exposure * (1 - warmth)]
    if flash is not None:
        scene = ImageChops.multiply(scene.convert("L"), flash)
        gains = [1.3 * exposure]
    table = [min(255, round(value * gain)) for gain in gains for value in range(256)]
    image = scene.point(table)
    return ImageChops.add(image, _grain(image, 4.0 if flash is None else 6.0, rng), offset=-128).convert("RGB")


def _grain(image: Image.Image, spread: float, rng: np.random.Generator) -> Image.Image:
    """Noise about 128, at half the size, since a small sensor's noise comes in blotches."""
    half = (image.height // 2, image.width // 2)
    grain = np.clip(128 + spread * rng.standard_normal(half, dtype=np.float32), 0, 255).astype(np.uint8)
    noise = Image.fromarray(grain).resize(image.size, Image.Resampling.BILINEAR)
    return noise if image.mode == "L" else Image.merge(image.mode, [noise] * len(image.mode))


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def strip_rows(size: tuple[int, int], *, on_top: bool) -> range:
    """The pixel rows that the strip covers in a photograph of this size."""
    high = round(0.042 * size[1])
    return range(high) if on_top else range(size[1] - high, size[1])


def draw_strip(image: Image.Image, texts: tuple[str, ...], *, on_top: bool) -> None:
    """Draw the black strip with its texts, spread over the width."""
    rows = strip_rows(image.size, on_top=on_top)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, rows.start, image.width, rows.stop - 1), fill=(0, 0, 0))
    for number, text in enumerate(texts):
        place = (0.02 + 0.96 * number / (len(texts) - 1)) * image.width
        anchor = "lm" if number == 0 else "rm" if number == len(texts) - 1 else "mm"
        short = textwrap.shorten(text, 26, placeholder="…")
        middle = (rows.start + rows.stop) / 2
        draw.text((place, middle), short, fill=(240, 240, 240), font=_font(round(0.62 * len(rows))), anchor=anchor)

"""Makes the sample island's photographs: a place, the animals in it, their shadows, and what the camera adds."""

import dataclasses
import functools

import numpy as np
from PIL import Image, ImageChops, ImageFilter

from animl_kedro.boxes import PixelBox
from animl_kedro.sample.animals import Figure, Species, draw_animal
from animl_kedro.sample.camera import developed, draw_strip, strip_rows
from animl_kedro.sample.places import Location, plain
from animl_kedro.sample.scenery import Scene, draw_scene
from animl_kedro.sample.visits import Appearance, Photograph

LOCATION_STREAM = 1
"""Third number of a place's seed. A photograph's is [seed, index], which numpy takes for [seed, index, 0]."""

GROUND_AT_NIGHT = 0.7
"""The ground throws less of the infrared flash back than fur does."""

SEEN_FROM = 32
"""The mask's value from which a pixel belongs to the box: an eighth of it is covered, say by the tip of a tail."""


@dataclasses.dataclass(frozen=True)
class Shot:
    """A finished photograph, RGB, and the box of every animal in it that can be seen, in the order of the plan."""

    image: Image.Image
    boxes: tuple[PixelBox | None, ...]


@functools.lru_cache(maxsize=4)
def scene_of(location: Location, seed: int) -> Scene:
    """The location without animals, the same in every photograph of it."""
    rng = np.random.default_rng([seed, location.index, LOCATION_STREAM])
    return draw_scene(location.ground, location.size, rng)


def take_photograph(photograph: Photograph, seed: int) -> Shot:
    """Draw one photograph; its random numbers are its own, so that any one can be drawn alone."""
    scene = scene_of(photograph.location, seed)
    fur, light = np.random.default_rng([seed, photograph.index]).spawn(2)
    brightness = GROUND_AT_NIGHT if photograph.night else 1.0
    image = scene.background.point(lambda value: round(brightness * value))
    masks: dict[int, Image.Image] = {}
    for number, animal in sorted(enumerate(photograph.animals), key=lambda pair: pair[1].y):
        mask = _place(image, animal, photograph, fur)
        masks = {other: ImageChops.subtract(seen, mask) for other, seen in masks.items()} | {number: mask}
    image.paste(scene.plants, mask=scene.plants)
    hidden = scene.plants.getchannel("A")
    rows = strip_rows(image.size, on_top=photograph.location.strip_on_top)
    hidden.paste(255, (0, rows.start, image.width, rows.stop))
    boxes = tuple(box_of(ImageChops.subtract(masks[number], hidden)) for number in range(len(masks)))
    image = developed(image, scene.flash if photograph.night else None, light)
    draw_strip(image, _texts(photograph), on_top=photograph.location.strip_on_top)
    return Shot(image, boxes)


def box_of(mask: Image.Image) -> PixelBox | None:
    """The box of what can be seen of an animal, or None.

    It stands half a pixel off on every side inside the frame, as a box that a person draws stands between pixels.
    """
    found = mask.point(lambda value: 255 * (value >= SEEN_FROM)).getbbox()
    if found is None:
        return None
    left, top, right, bottom = max(0, found[0] - 0.5), max(0, found[1] - 0.5), found[2] + 0.5, found[3] + 0.5
    return PixelBox(left, top, min(right, mask.width) - left, min(bottom, mask.height) - top)


def _place(image: Image.Image, animal: Appearance, photograph: Photograph, rng: np.random.Generator) -> Image.Image:
    """Draw an animal and its shadow into the picture; returns the animal's mask, as large as the picture."""
    figure = draw_animal(animal.species, animal.unit, animal.pose, rng, shining=photograph.night)
    _cast_shadow(image, figure, animal, 0.3 if photograph.night else 0.5)
    corner = round(animal.x - figure.foot_x), round(animal.y - figure.foot_y)
    alpha = figure.image.getchannel("A")
    image.paste(figure.image, corner, alpha)
    mask = Image.new("L", image.size)
    mask.paste(alpha, corner)
    return mask


def _cast_shadow(image: Image.Image, figure: Figure, animal: Appearance, strength: float) -> None:
    """The animal's outline laid on the ground behind its feet, soft; a lizard lies on its own."""
    flat = 0.9 if animal.species is Species.LIZARD else 0.3
    soft = max(1, round(0.06 * animal.unit))
    alpha = figure.image.getchannel("A")
    size = (alpha.width, max(1, round(flat * alpha.height)))
    shadow = Image.new("L", (size[0] + 6 * soft, size[1] + 6 * soft))
    shadow.paste(alpha.resize(size).point(lambda value: round(strength * value)), (3 * soft, 3 * soft))
    shadow = shadow.filter(ImageFilter.GaussianBlur(soft))
    corner = (
        round(animal.x - figure.foot_x - 2.3 * soft),
        round(animal.y - flat * figure.foot_y - 2.3 * soft),
    )
    image.paste((16, 14, 12), corner, shadow)


def _texts(photograph: Photograph) -> tuple[str, ...]:
    """What the strip says: day and time, temperature, and where."""
    location, celsius = photograph.location, photograph.celsius
    temperature = f"{round(celsius * 1.8 + 32)} °F" if location.fahrenheit else f"{celsius} °C"
    day = (
        f"{photograph.taken:%m/%d/%Y  %I:%M:%S %p}" if location.fahrenheit else f"{photograph.taken:%Y-%m-%d  %H:%M:%S}"
    )
    return day, temperature, location.camera[-6:], plain(location.name)

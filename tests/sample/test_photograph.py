"""Photographs: composed in any order, with boxes that fit what can be seen."""

import dataclasses

import numpy as np
import pytest
from PIL import Image

from animl_kedro.boxes import PixelBox
from animl_kedro.sample.camera import strip_rows
from animl_kedro.sample.island import Island
from animl_kedro.sample.photograph import Shot, box_of, scene_of, take_photograph
from animl_kedro.sample.visits import Photograph

SEED = 20


def with_tone(photo: Photograph, tone: float) -> Photograph:
    animals = tuple(
        dataclasses.replace(animal, pose=dataclasses.replace(animal.pose, tone=tone)) for animal in photo.animals
    )
    return dataclasses.replace(photo, animals=animals)


def lone_animals(photographs: list[Photograph], *, night: bool, count: int) -> list[Photograph]:
    return [photo for photo in photographs if len(photo.animals) == 1 and photo.night is night][:count]


def changed_by_tone(photo: Photograph) -> tuple[Shot, PixelBox]:
    """The photograph, and the box of the pixels that change with the animal's tone: it alone, not its shadow."""
    dark, pale = (np.asarray(take_photograph(with_tone(photo, tone), SEED).image, dtype=int) for tone in (-1.0, 1.0))
    ys, xs = np.nonzero(np.abs(dark - pale).max(axis=2) > 3)
    box = PixelBox(xs.min(), ys.min(), xs.max() + 1 - xs.min(), ys.max() + 1 - ys.min())
    return take_photograph(photo, SEED), box


def test_photograph_taken_alone_is_the_one_taken_in_order(photographs: list[Photograph]) -> None:
    chosen = photographs[:12:2]
    in_order = {photo.index: take_photograph(photo, SEED) for photo in chosen}
    scene_of.cache_clear()
    for photo in reversed(chosen):
        again = take_photograph(photo, SEED)
        assert again.image.tobytes() == in_order[photo.index].image.tobytes()
        assert again.boxes == in_order[photo.index].boxes


def test_photograph_of_another_seed_is_another(photographs: list[Photograph]) -> None:
    photo = photographs[0]
    assert take_photograph(photo, SEED).image.tobytes() != take_photograph(photo, SEED + 1).image.tobytes()


@pytest.mark.parametrize("night", [False, True])
def test_boxes_of_lone_animals_hold_what_is_seen_of_them_and_no_more(
    photographs: list[Photograph], night: bool
) -> None:
    for photo in lone_animals(photographs, night=night, count=7):
        shot, seen = changed_by_tone(photo)
        box = shot.boxes[0]
        assert box is not None
        edges = np.array([box.left, box.top, box.right, box.bottom])
        # The box stands half a pixel off; a tuft of fur may reach a little further.
        outwards = np.array([-1, -1, 1, 1]) * (np.array([seen.left, seen.top, seen.right, seen.bottom]) - edges)
        assert outwards.max() <= 3, photo.index
        assert outwards.min() >= -2, photo.index


def test_boxes_are_within_the_frame_and_large_enough(photographs: list[Photograph]) -> None:
    for photo in photographs[:30]:
        for box in take_photograph(photo, SEED).boxes:
            assert box is not None
            assert box == box.clipped(*photo.location.size)
            assert 50 <= max(box.width, box.height) <= 500


def test_box_of_an_animal_under_the_strip_ends_at_the_strip(photographs: list[Photograph]) -> None:
    photo = next(p for p in photographs if p.animals and not p.location.strip_on_top)
    width, height = photo.location.size
    low = dataclasses.replace(photo.animals[0], x=width / 2, y=height + 20.0)
    box = take_photograph(dataclasses.replace(photo, animals=(low,)), SEED).boxes[0]
    assert box is not None
    assert box.bottom == strip_rows((width, height), on_top=False).start + 0.5


def test_animal_outside_the_frame_has_no_box(photographs: list[Photograph]) -> None:
    photo = lone_animals(photographs, night=False, count=1)[0]
    away = dataclasses.replace(photo.animals[0], x=-3000.0)
    assert take_photograph(dataclasses.replace(photo, animals=(away,)), SEED).boxes == (None,)


def test_animal_behind_another_has_the_box_of_what_is_left_of_it(photographs: list[Photograph]) -> None:
    photo = lone_animals(photographs, night=False, count=1)[0]
    near = dataclasses.replace(photo.animals[0], y=photo.animals[0].y + 1)
    alone = take_photograph(dataclasses.replace(photo, animals=(near,)), SEED)
    both = take_photograph(dataclasses.replace(photo, animals=(near, photo.animals[0])), SEED)
    assert both.boxes[0] == alone.boxes[0]
    hidden = both.boxes[1]
    assert hidden is None or hidden.height < (alone.boxes[0] or hidden).height


def test_photograph_without_animals_has_no_boxes(photographs: list[Photograph]) -> None:
    photo = next(photo for photo in photographs if not photo.animals)
    assert take_photograph(photo, SEED).boxes == ()


def test_photograph_by_night_is_grey_and_by_day_coloured(photographs: list[Photograph]) -> None:
    assert {photo.night for photo in photographs[:12]} == {False, True}
    for photo in photographs[:12]:
        pixels = np.asarray(take_photograph(photo, SEED).image, dtype=int)
        assert pixels.shape == (photo.location.size[1], photo.location.size[0], 3)
        colour = np.ptp(pixels, axis=2).mean()
        assert colour == 0 if photo.night else colour > 5


def test_strip_is_black_with_white_letters(photographs: list[Photograph]) -> None:
    for photo in photographs[:6]:
        rows = strip_rows(photo.location.size, on_top=photo.location.strip_on_top)
        strip = np.asarray(take_photograph(photo, SEED).image.convert("L"))[rows.start : rows.stop]
        assert np.median(strip) == 0
        assert strip.max() > 200


def test_locations_do_not_look_like_each_other(island: Island) -> None:
    thumbnails = {
        location.name: np.asarray(scene_of(location, SEED).background.resize((16, 12)), dtype=int)
        for location in island.locations[:6]
    }
    names = sorted(thumbnails)
    differences = [np.abs(thumbnails[a] - thumbnails[b]).mean() for a in names for b in names if a < b]
    assert min(differences) > 4


@pytest.mark.parametrize(
    ("rectangle", "expected"),
    [
        ((10, 20, 30, 40), PixelBox(9.5, 19.5, 21, 21)),
        ((0, 0, 100, 80), PixelBox(0, 0, 100, 80)),
        ((90, 70, 100, 80), PixelBox(89.5, 69.5, 10.5, 10.5)),
    ],
)
def test_box_of_a_mask_stands_half_a_pixel_off_within_the_frame(
    rectangle: tuple[int, int, int, int], expected: PixelBox
) -> None:
    mask = Image.new("L", (100, 80))
    mask.paste(255, rectangle)
    assert box_of(mask) == expected


def test_box_of_a_faint_mask_is_none() -> None:
    assert box_of(Image.new("L", (10, 10), 31)) is None

"""Animals: their drawing, one by one."""

import dataclasses

import numpy as np
import pytest
from PIL import Image, ImageOps

from animl_kedro.sample.animals import ACROSS, DOWN, UP, Figure, Species, draw_animal
from animl_kedro.sample.pose import Pose


def drawn(species: Species, unit: float = 60, pose: Pose | None = None, *, shining: bool = False) -> Figure:
    return draw_animal(species, unit, pose or Pose(), np.random.default_rng(5), shining=shining)


def mask_of(figure: Figure) -> Image.Image:
    return figure.image.getchannel("A").point(lambda value: 255 * (value >= 128))


def extent(figure: Figure) -> tuple[int, int]:
    left, top, right, bottom = mask_of(figure).getbbox() or (0, 0, 0, 0)
    return right - left, bottom - top


@pytest.mark.parametrize("species", Species)
def test_animal_drawn_twice_is_the_same(species: Species) -> None:
    assert drawn(species).image.tobytes() == drawn(species).image.tobytes()


@pytest.mark.parametrize("species", Species)
def test_animal_in_any_pose_is_not_cut_off_by_its_canvas(species: Species) -> None:
    unit, steepest = 50, 24 if species is Species.LIZARD else 5
    for number in range(25):
        rng = np.random.default_rng(number)
        head, tail, bend, tilt, tone = rng.choice([-1.0, 0.0, 1.0], 5).tolist()
        figure = drawn(species, unit, Pose(rng.uniform(), head, tail, bend, steepest * tilt, 1.0, tone))
        left, top, right, bottom = mask_of(figure).getbbox() or (0, 0, 0, 0)
        assert max(figure.foot_x - left, right - figure.foot_x) < ACROSS * unit - 2
        assert figure.foot_y - top < UP * unit - 2
        assert bottom - figure.foot_y < DOWN * unit - 2


@pytest.mark.parametrize("species", Species)
def test_animal_drawn_larger_grows_in_proportion(species: Species) -> None:
    small, large = np.array(extent(drawn(species, 50))), np.array(extent(drawn(species, 100)))
    assert large == pytest.approx(2 * small, rel=0.08)


@pytest.mark.parametrize("species", Species)
def test_animal_mirrored_looks_the_other_way(species: Species) -> None:
    # Fur is ruffled before it is mirrored, and so the outline is the same.
    plain, other = drawn(species), drawn(species, pose=Pose(mirrored=True))
    outline = mask_of(plain).crop(mask_of(plain).getbbox())
    mirrored = ImageOps.mirror(mask_of(other).crop(mask_of(other).getbbox())).resize(outline.size)
    assert (np.asarray(outline) != np.asarray(mirrored)).mean() < 0.06


@pytest.mark.parametrize("species", Species)
def test_animal_foreshortened_is_narrower(species: Species) -> None:
    assert extent(drawn(species, pose=Pose(turn=0.7)))[0] < 0.8 * extent(drawn(species))[0]


@pytest.mark.parametrize("species", Species)
def test_animal_in_the_flash_has_bright_eyes_and_the_same_outline(species: Species) -> None:
    day, night = drawn(species), drawn(species, shining=True)
    assert mask_of(day).tobytes() == mask_of(night).tobytes()
    inside = np.asarray(mask_of(day)) > 0
    brightest = [int(np.asarray(figure.image.convert("L"))[inside].max()) for figure in (day, night)]
    assert brightest[1] > max(220, brightest[0] - 1)


@pytest.mark.parametrize("species", Species)
def test_animal_of_another_tone_has_the_same_outline(species: Species) -> None:
    dark, pale = (drawn(species, pose=dataclasses.replace(Pose(), tone=tone)) for tone in (-1, 1))
    assert mask_of(dark).tobytes() == mask_of(pale).tobytes()
    assert np.asarray(dark.image.convert("L")).mean() < np.asarray(pale.image.convert("L")).mean()


@pytest.mark.parametrize("species", Species)
def test_animal_stands_on_its_foot(species: Species) -> None:
    figure = drawn(species)
    left, top, right, bottom = mask_of(figure).getbbox() or (0, 0, 0, 0)
    assert left < figure.foot_x < right
    assert top < figure.foot_y <= bottom + 2


def test_species_differ_in_outline() -> None:
    # Height over width tells most of them apart, and how full the box is the rest.
    shapes = {}
    for species in Species:
        figure = drawn(species)
        width, height = extent(figure)
        full = float((np.asarray(mask_of(figure)) > 0).sum()) / (width * height)
        shapes[species] = np.array([height / width, full])
    pairs = [(a, b) for a in Species for b in Species if a < b]
    assert min(float(np.abs(shapes[a] - shapes[b]).max()) for a, b in pairs) > 0.03

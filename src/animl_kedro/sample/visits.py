"""Who passes the sample island's cameras: bursts of one to three frames, in numbers with a long tail."""

import dataclasses
import datetime as dt
from collections.abc import Iterator, Sequence

import numpy as np

from animl_kedro.sample.animals import Species
from animl_kedro.sample.places import Location
from animl_kedro.sample.pose import Pose

FRAMES = (2, 3, 1, 2)
"""Frames of the visits of a species, over and over: two on average."""

FIRST_DAY, DAYS = dt.datetime(2024, 2, 1), 270


@dataclasses.dataclass(frozen=True)
class Appearance:
    """An animal in a photograph: pixels of its body's length, and the pixel where it stands."""

    species: Species
    pose: Pose
    unit: float
    x: float
    y: float


@dataclasses.dataclass(frozen=True)
class Photograph:
    """One photograph: ``taken`` is the wall clock, ``frame`` its number in the burst, from 0."""

    index: int
    location: Location
    taken: dt.datetime
    frame: int
    night: bool
    celsius: int
    animals: tuple[Appearance, ...]


@dataclasses.dataclass(frozen=True)
class _Habits:
    """How often a species comes, to how many places, how often at night, and its size far away and near.

    Sizes are pixels of the body's length in a photograph 900 pixels wide; ``pace`` is body lengths from frame to frame.
    """

    visits: int
    places: int
    nights: float
    sizes: tuple[float, float]
    pace: float
    tilt: float = 5.0


_HABITS = {
    Species.FOX: _Habits(52, 26, 0.45, (66, 140), 0.5),
    Species.BIRD: _Habits(31, 20, 0.12, (62, 140), 0.3),
    Species.RODENT: _Habits(21, 15, 0.6, (60, 130), 0.4),
    Species.SKUNK: _Habits(15, 12, 0.65, (72, 155), 0.4),
    Species.LIZARD: _Habits(14, 12, 0.15, (66, 130), 0.3, tilt=24.0),
}
_NOBODY = _Habits(18, 15, 0.4, (1, 1), 0.0)
"""The wind releases a camera too."""


@dataclasses.dataclass(frozen=True)
class _Visit:
    """A burst of a camera: the animal that released it, or None, and how many frames were taken."""

    location: Location
    species: Species | None
    frames: int


def plan_visits(locations: Sequence[Location], rng: np.random.Generator) -> Iterator[Photograph]:
    """The photographs of all visits, in the order of their index, no two visits on one day."""
    visits = [visit for species in (*Species, None) for visit in _deal_visits(species, locations, rng)]
    days = rng.permutation(DAYS)
    index = 0
    for number in rng.permutation(len(visits)).tolist():
        for photograph in _plan_burst(visits[number], FIRST_DAY + dt.timedelta(days=int(days[number])), rng):
            yield dataclasses.replace(photograph, index=index)
            index += 1


def _deal_visits(species: Species | None, locations: Sequence[Location], rng: np.random.Generator) -> Iterator[_Visit]:
    """Every place of the species is visited once, and then some much more often than others."""
    habits = _HABITS[species] if species else _NOBODY
    places = rng.permutation(len(locations))[: habits.places]
    for number in range(habits.visits):
        favoured = int(habits.places * rng.uniform() ** 2)
        place = places[number if number < habits.places else favoured]
        yield _Visit(locations[int(place)], species, FRAMES[number % len(FRAMES)])


def _plan_burst(visit: _Visit, day: dt.datetime, rng: np.random.Generator) -> Iterator[Photograph]:
    """The frames of a visit, a second or two apart; now and then the animal has left before the last one."""
    habits = _HABITS[visit.species] if visit.species else _NOBODY
    night = bool(rng.uniform() < habits.nights)
    hour = rng.uniform(20.5, 28.5) if night else rng.uniform(7.5, 17.5)
    taken = day + dt.timedelta(seconds=round(hour * 3600))
    celsius = round(rng.normal(11 if night else 19, 4))
    animals = _first_animals(visit.species, visit.location, rng) if visit.species else []
    leaves = visit.frames == max(FRAMES) and rng.uniform() < 0.22
    for frame in range(visit.frames):
        present = () if leaves and frame == visit.frames - 1 else tuple(animals)
        yield Photograph(0, visit.location, taken, frame, night, celsius, present)
        taken += dt.timedelta(seconds=int(rng.integers(1, 3)))
        animals = [_moved(animal, visit.location, rng) for animal in animals]


def _first_animals(species: Species, location: Location, rng: np.random.Generator) -> list[Appearance]:
    """The animal that released the camera, and one time in ten another one beside it."""
    first = _appear(species, location, rng)
    if rng.uniform() > 0.1:
        return [first]
    other = species if rng.uniform() < 0.5 else list(Species)[int(rng.integers(len(Species)))]
    second = _appear(other, location, rng)
    width = location.size[0]
    x = first.x + (0.38 if first.x < width / 2 else -0.38) * width
    return [first, dataclasses.replace(second, x=x)]


def _appear(species: Species, location: Location, rng: np.random.Generator) -> Appearance:
    """An animal in any pose and place; one in nine is half out of the frame."""
    habits, (width, height) = _HABITS[species], location.size
    near = rng.uniform()
    unit = np.interp(near, (0, 1), habits.sizes) * rng.uniform(0.9, 1.15) * width / 900
    step, turn = rng.uniform(0, 1), rng.uniform(0.72, 1.0)
    head, tail, bend, tilt, tone = rng.uniform(-1, 1, 5).tolist()
    pose = Pose(step, head, tail, bend, habits.tilt * tilt, turn, tone, mirrored=bool(rng.uniform() < 0.5))
    side = rng.uniform(0.15, 0.85) if rng.uniform() > 0.11 else rng.choice([0.02, 0.98])
    return Appearance(species, pose, float(unit), float(side * width), float((0.54 + 0.36 * near) * height))


def _moved(animal: Appearance, location: Location, rng: np.random.Generator) -> Appearance:
    """The same animal in the next frame: a few steps ahead, its head and tail elsewhere."""
    width = location.size[0]
    ahead = (-1 if animal.pose.mirrored else 1) * _HABITS[animal.species].pace * animal.unit * rng.uniform(0, 1.4)
    head, tail, bend = (
        float(np.clip(value + rng.normal(0, 0.5), -1, 1))
        for value in (animal.pose.head, animal.pose.tail, animal.pose.bend)
    )
    step = animal.pose.step + rng.uniform(0.1, 0.6)
    pose = dataclasses.replace(animal.pose, head=head, tail=tail, bend=bend, step=step)
    x = float(np.clip(animal.x + ahead, 0.02 * width, 0.98 * width))
    return dataclasses.replace(animal, pose=pose, x=x, y=animal.y + float(rng.normal(0, 0.03)) * animal.unit)

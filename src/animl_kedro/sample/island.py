"""The sample island's plan: where its cameras hang, and who passes them when.

The plan is pure data, made from one seed. Nothing is drawn here; see `photograph`.
"""

import dataclasses
import datetime as dt
import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from animl_kedro.sample.animals import Species
from animl_kedro.sample.pose import Pose
from animl_kedro.sample.vegetation import Ground

PROJECT = "sample_island"

LOCATION_STREAM, PLAN_STREAM = 1, 2
"""Third numbers of the seeds of places and of the plan; a photograph's is [seed, index], which is [seed, index, 0]."""

NAMES = (
    "Walnut Drainage", "Prisoners Harbor", "Smuggler's Cove", "42", "Devil's Peak", "Cañada Larga", "NA", "Fraser Point",
    "Scorpion Rock", "Willow Spring", "Cueva Valdez", "Sandstone Point", "Yellowbanks", "Cave of the Birds' Eggs",
    "Laguna Beach", "China Harbor", "Black Point", "Central Valley", "Islay Canyon", "Portezuela", "Christy Ranch",
    "Coches Prietos", "Pelican Bay", "Sierra Blanca", "Alamos Anchorage",
)  # fmt: skip
"""Locations; one camera more was never given a name. Two of them read as a number and as nothing at all."""

SIZES = ((800, 600), (960, 720), (1024, 768), (1280, 960))


@dataclasses.dataclass(frozen=True)
class Location:
    """A place with a camera. ``size`` is the width and height of its photographs in pixels."""

    index: int
    name: str
    camera: str
    ground: Ground
    size: tuple[int, int]
    strip_on_top: bool
    fahrenheit: bool

    @property
    def slug(self) -> str:
        """The name as Animl writes it into file names."""
        plain = unicodedata.normalize("NFKD", self.name).encode("ascii", "ignore").decode()
        return re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")


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
class Island:
    """All places and photographs, in the order of their index."""

    seed: int
    locations: tuple[Location, ...]
    photographs: tuple[Photograph, ...]


def plan_island(seed: int) -> Island:
    """The island of this seed: about 300 photographs at 26 locations, equal for equal seeds."""
    from animl_kedro.sample.visits import plan_visits  # noqa: PLC0415

    rng = np.random.default_rng([seed, 0, PLAN_STREAM])
    locations = tuple(_plan_locations(rng))
    return Island(seed, locations, tuple(plan_visits(locations, rng)))


def _plan_locations(rng: np.random.Generator) -> Iterator[Location]:
    grounds = list(Ground)
    for index, name in enumerate((*NAMES, None)):
        camera = f"X{rng.integers(16**8):08X}"
        yield Location(
            index=index,
            name=name or f"{camera}-default",
            camera=camera,
            ground=grounds[index % len(grounds)],
            size=SIZES[int(rng.choice(len(SIZES), p=[0.3, 0.3, 0.25, 0.15]))],
            strip_on_top=bool(rng.uniform() < 0.3),
            fahrenheit=bool(rng.uniform() < 0.5),
        )

"""Where the sample island's cameras hang."""

import dataclasses
import re
import unicodedata
from collections.abc import Iterator

import numpy as np

from animl_kedro.sample.vegetation import Ground

NAMES = (
    "Walnut Drainage", "Prisoners Harbor", "Smuggler's Cove", "42", "Devil's Peak", "Cañada Larga", "NA",
    "Fraser Point", "Scorpion Rock", "Willow Spring", "Cueva Valdez", "Sandstone Point", "Yellowbanks",
    "Cave of the Birds' Eggs", "Laguna Beach", "China Harbor", "Black Point", "Central Valley", "Islay Canyon",
    "Portezuela", "Christy Ranch", "Coches Prietos", "Pelican Bay", "Sierra Blanca", "Alamos Anchorage",
)  # fmt: skip
"""Locations; one camera more was never given a name. Two of them read as a number and as nothing at all."""

SIZES = ((800, 600), (960, 720), (1024, 768), (1280, 960))


def plain(name: str) -> str:
    """The name without accents, as cameras and file names spell it."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()


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
        return re.sub(r"[^a-z0-9]+", "_", plain(self.name).lower()).strip("_")


def plan_locations(rng: np.random.Generator) -> Iterator[Location]:
    """All locations of an island; the last one's camera has no deployment."""
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

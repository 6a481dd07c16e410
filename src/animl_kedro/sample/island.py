"""The sample island's plan: where its cameras hang, who passes them when, and what is wrong with the records.

The plan is pure data, made from one seed. Nothing is drawn here; see `photograph`.
"""

import dataclasses

import numpy as np

from animl_kedro.sample.animals import Species
from animl_kedro.sample.places import Location, plan_locations
from animl_kedro.sample.visits import Photograph, plan_visits

PLAN_STREAM = 2
"""Third number of the plan's seed; those of the photographs and the places are in `photograph`."""


@dataclasses.dataclass(frozen=True)
class Flaws:
    """The photographs, by index, of which something is wrong, as in any real export.

    One is missing from the archive and one is cut off there; ``unmeasured`` lack width and height, ``undated`` the
    time, and the labels of ``unreviewed`` are a model's suggestions.
    """

    missing: int
    truncated: int
    unmeasured: frozenset[int]
    undated: frozenset[int]
    unreviewed: frozenset[int]


@dataclasses.dataclass(frozen=True)
class Island:
    """All places and photographs, in the order of their index."""

    seed: int
    locations: tuple[Location, ...]
    photographs: tuple[Photograph, ...]
    flaws: Flaws


def plan_island(seed: int) -> Island:
    """The island of this seed: about 300 photographs at 26 locations, equal for equal seeds."""
    rng = np.random.default_rng([seed, 0, PLAN_STREAM])
    locations = tuple(plan_locations(rng))
    photographs = tuple(plan_visits(locations, rng))
    return Island(seed, locations, photographs, _plan_flaws(photographs, rng))


def _plan_flaws(photographs: tuple[Photograph, ...], rng: np.random.Generator) -> Flaws:
    """Flaws fall on lone foxes, of which there are plenty, and never two on one photograph."""
    foxes = [photo.index for photo in photographs if [animal.species for animal in photo.animals] == [Species.FOX]]
    drawn: list[int] = rng.permutation(foxes)[:16].tolist()
    return Flaws(drawn[0], drawn[1], frozenset(drawn[2:6]), frozenset(drawn[6:8]), frozenset(drawn[8:16]))

"""What stays together: the crops of a location, and locations that share a sequence or an identical file.

Frames of one sequence look alike wherever they are filed, and the same photograph in two splits is measured on what
was learned by heart. So locations that share either are joined, directly or through others, and move as one unit.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from animl_kedro.pipelines.dataset_split.split_problem import Integers
from animl_kedro.tables import JoinedLocations, JoinReason


@dataclass(frozen=True)
class Widest:
    """The sequence or file that is seen at more locations than any other."""

    reason: JoinReason
    key: str
    locations: int

    def __str__(self) -> str:
        what = "sequence" if self.reason is JoinReason.SEQUENCE else "file of MD5 checksum"
        return f"the {what} {self.key!r}, which is seen at {self.locations} locations"


@dataclass(frozen=True)
class Units:
    """Crops, sorted by id, by the unit that they belong to.

    ``places`` has a row a location, with its dataset, location and unit; ``place_of_crop`` and ``unit_of_crop`` are
    (n_crops,) indices. Units are numbered by their counts of crops of each class, so that neither the order of the rows
    nor the names of locations matter. ``joined`` is `JoinedLocations`.
    """

    places: pd.DataFrame
    place_of_crop: Integers
    unit_of_crop: Integers
    class_of_crop: Integers
    joined: pd.DataFrame
    widest: Widest | None

    @property
    def crops(self) -> Integers:
        """(n_units, n_classes): crops of each class in each unit."""
        return _counts(self.unit_of_crop, self.class_of_crop)

    @property
    def locations(self) -> Integers:
        """(n_units, n_classes): at how many of its locations a unit has a class."""
        classes = int(self.class_of_crop.max()) + 1
        place, label = np.divmod(np.unique(self.place_of_crop * classes + self.class_of_crop), classes)
        return _counts(self.places["unit"].to_numpy()[place], label)

    def name_of(self, place: int) -> str:
        """A location as "dataset/location"."""
        row = self.places.iloc[place]
        return f"{row['dataset']}/{row['location']}"


def find_units(crops: pd.DataFrame, image_files: pd.DataFrame) -> Units:
    """The units of `LabeledCrops` that are sorted by id, with the checksums of `ImageFiles`."""
    grouped = crops.groupby(["dataset", "location"], sort=True)
    place_of_crop = _numbers(grouped.ngroup())
    places = grouped.size().index.to_frame(index=False)
    links = [
        _links(place_of_crop, crops.groupby(["dataset", "sequence_id"]).ngroup(), crops["sequence_id"]),
        _links(place_of_crop, *_checksums(crops, image_files)),
    ]
    pairs = np.concatenate([link.pairs for link in links])
    component = _components(len(places), pairs)
    class_of_crop = _numbers(crops.groupby("label", sort=True).ngroup())
    unit_of_place = _numbered(component, place_of_crop, class_of_crop)
    reasons = (JoinReason.SEQUENCE, JoinReason.IDENTICAL_FILE)
    joined = [_joined_table(places, component, link, reason) for link, reason in zip(links, reasons, strict=True)]
    widest = [Widest(reason, *link.widest) for link, reason in zip(links, reasons, strict=True) if link.widest]
    return Units(
        places.assign(unit=unit_of_place),
        place_of_crop,
        unit_of_place[place_of_crop],
        class_of_crop,
        JoinedLocations.validate(pd.concat(joined, ignore_index=True)),
        max(widest, key=lambda found: found.locations, default=None),
    )


def _numbers(groups: "pd.Series[int]") -> Integers:
    """The number of each crop's group, or -1, where pandas has none: that of a missing key."""
    return np.asarray(groups.fillna(-1), dtype=np.int64)


@dataclass(frozen=True)
class _Links:
    """(n_links, 2) pairs of locations with a key in common, the lower first, the keys, and the one seen most widely."""

    pairs: Integers
    keys: NDArray[np.object_]
    widest: tuple[str, int] | None


def _links(place_of_crop: Integers, code_of_crop: "pd.Series[int]", key_of_crop: "pd.Series[str]") -> _Links:
    """Each key's locations, paired with its first one. A code of -1, or a missing one, is no key."""
    codes = _numbers(code_of_crop)
    places = int(place_of_crop.max()) + 1
    known = np.flatnonzero(codes >= 0)
    seen, first_crop = np.unique(codes[known] * places + place_of_crop[known], return_index=True)
    code, place = np.divmod(seen, places)
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    counts = np.diff(np.append(starts, len(code)))
    first_place = np.repeat(place[starts], counts)
    is_link = place != first_place
    keys = key_of_crop.to_numpy(dtype=object)[known[first_crop]]
    widest = None
    if is_link.any():
        most = int(np.argmax(counts))
        widest = (str(keys[starts[most]]), int(counts[most]))
    return _Links(np.stack([first_place[is_link], place[is_link]], axis=1), keys[is_link], widest)


def _checksums(crops: pd.DataFrame, image_files: pd.DataFrame) -> tuple["pd.Series[int]", "pd.Series[str]"]:
    """For each crop, the number of its image's file among different files, or -1, and the checksum."""
    checksums = crops["image_id"].map(image_files.set_index("image_id")["checksum"])
    return pd.Series(pd.factorize(checksums, sort=True)[0], dtype=np.int64), checksums


def _components(count: int, pairs: Integers) -> Integers:
    """(count,): for each location, the first one of those that it is joined with, directly or through others."""
    first = np.arange(count, dtype=np.int64)
    while len(pairs):
        lowest = first[pairs].min(axis=1)
        before = first.copy()
        np.minimum.at(first, pairs[:, 0], lowest)
        np.minimum.at(first, pairs[:, 1], lowest)
        first = first[first]
        if (first == before).all():
            break
    return first


def _numbered(component: Integers, place_of_crop: Integers, class_of_crop: Integers) -> Integers:
    """(n_places,): each location's unit, numbered by counts of crops, and by the first crop where these are equal."""
    _, component = np.unique(component, return_inverse=True)
    counts = _counts(component[place_of_crop], class_of_crop)
    _, first_crop = np.unique(component[place_of_crop], return_index=True)
    order = np.lexsort((first_crop, *counts.T[::-1]))
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.arange(len(order))
    return number[component]


def _counts(rows: Integers, columns: Integers) -> Integers:
    """How often each pair of a row and a column occurs."""
    shape = int(rows.max()) + 1, int(columns.max()) + 1
    return np.bincount(rows * shape[1] + columns, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _joined_table(places: pd.DataFrame, component: Integers, links: _Links, reason: JoinReason) -> pd.DataFrame:
    table = pd.DataFrame(links.pairs, columns=["first", "other"]).assign(key=links.keys)
    table = table.groupby(["first", "other"])["key"].agg(["size", "min"]).reset_index()
    names = places["dataset"].astype(object) + "/" + places["location"].astype(object)
    return pd.DataFrame(
        {
            "unit": names.to_numpy()[component[table["first"]]],
            "dataset": places["dataset"].to_numpy()[table["first"]],
            "location": places["location"].to_numpy()[table["first"]],
            "other_dataset": places["dataset"].to_numpy()[table["other"]],
            "other_location": places["location"].to_numpy()[table["other"]],
            "reason": reason.value,
            "shared": table["size"],
            "key": table["min"],
        }
    )

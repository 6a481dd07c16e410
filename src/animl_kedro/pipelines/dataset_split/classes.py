"""Which class a label makes: the rules of a label map, applied to the labels that there are."""

import logging
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap, Selection
from animl_kedro.formats.taxonomy import Taxon, Taxonomy

logger = logging.getLogger(__name__)

MAX_WARNINGS = 20
"""A label map made for other data sets would drown everything else."""


CLOSE = 0.65
"""How alike names must be to be mistaken: two letters of three in the wrong order are, lizard and bird are not."""


class DatasetLabel(NamedTuple):
    """A label of a data set."""

    dataset: str
    label: str

    @classmethod
    def of(cls, dataset: str, label: str) -> "DatasetLabel":
        """As it is compared: names of data sets never differ by case alone, and é is one letter or two alike."""
        return cls(dataset.casefold(), _composed(label))


def _composed(label: str) -> str:
    return unicodedata.normalize("NFC", label)


def classes_of_labels(
    labels: Collection[tuple[str, str]], label_map: LabelMap, taxonomy: Taxonomy
) -> dict[tuple[str, str], str]:
    """The classes of those of these labels, (data set, label), that the label map gives one.

    Warns of what in the label map fits no label, with what may have been meant. Raises InputError where a label is in
    two classes, or where a rule speaks of taxa and there is no taxonomy.
    """
    _check_taxonomy(label_map, taxonomy)
    index = _Index({DatasetLabel.of(*label) for label in labels}, label_map, taxonomy)
    classes: dict[DatasetLabel, str] = {}
    for name, rule in label_map.classes.items():
        for label in sorted(index.chosen(rule) - index.chosen(rule.exclude)):
            if classes.setdefault(label, name) != name:
                raise InputError(
                    f"{label_map.source} gives the label {label.label!r} of {label.dataset} to {classes[label]!r} and "
                    f"to {name!r}: choose one, or exclude it from one."
                )
    _warn(list(dict.fromkeys(_misfits(index, label_map))), label_map.source)
    return {label: classes[key] for label in labels if (key := DatasetLabel.of(*label)) in classes}


def _selections(label_map: LabelMap) -> Iterator[tuple[str, Selection]]:
    for name, rule in label_map.classes.items():
        yield name, rule
        yield name, rule.exclude


def _check_taxonomy(label_map: LabelMap, taxonomy: Taxonomy) -> None:
    for name, selection in _selections(label_map):
        if selection.taxa and not taxonomy.source:
            raise InputError(
                f"{label_map.source} chooses the labels of {name!r} by a taxon, the {selection.taxa[0].taxon}, and "
                "there is no taxonomy. Set `filepath:` of the entry taxonomy in the catalog to a table of labels and "
                "their taxa (docs/splitting.md), or name the labels themselves."
            )


class _Index:
    """The labels that rules choose among, and how to find them.

    They are those of the crops, and those that the label map and the taxonomy name: a label in two classes is found
    before the first crop of it arrives.
    """

    def __init__(self, seen: set[DatasetLabel], label_map: LabelMap, taxonomy: Taxonomy) -> None:
        self.seen = seen
        self.datasets = {label.dataset for label in seen}
        self.taxonomy = taxonomy
        self.named: dict[str, set[DatasetLabel]] = defaultdict(set)
        self.within: dict[Taxon, set[DatasetLabel]] = defaultdict(set)
        for label in self._all(label_map):
            self.named[label.label].add(label)
            for taxon in taxonomy.taxa(*label):
                self.within[taxon].add(label)

    def _all(self, label_map: LabelMap) -> set[DatasetLabel]:
        spellings = {(label.dataset, label.label.casefold()) for label in self.seen}
        found = set(self.seen)
        for dataset in self.datasets:
            known = self.taxonomy.labels(dataset)
            found |= {DatasetLabel.of(dataset, label) for label in known if (dataset, label) not in spellings}
        for _, selection in _selections(label_map):
            found |= set(_pairs(selection))
            found |= {DatasetLabel.of(dataset, label) for dataset in self.datasets for label in selection.labels}
        return found

    def chosen(self, selection: Selection) -> set[DatasetLabel]:
        """The labels that a selection names, or that are of its taxa."""
        found = set(_pairs(selection))
        for name in selection.labels:
            found |= self.named[_composed(name)]
        for rule in selection.taxa:
            datasets = {dataset.casefold() for dataset in rule.datasets or ()}
            found |= {label for label in self.within[rule.taxon] if not datasets or label.dataset in datasets}
        return found

    @cached_property
    def seen_by_dataset(self) -> Mapping[str, list[str]]:
        """The labels of the crops, by data set; those of all data sets are at ""."""
        found: dict[str, list[str]] = defaultdict(list)
        for dataset, label in sorted(self.seen):
            found[dataset].append(label)
            found[""].append(label)
        return found


def _pairs(selection: Selection) -> Iterator[DatasetLabel]:
    for dataset, labels in selection.dataset_labels.items():
        yield from (DatasetLabel.of(dataset, label) for label in labels)


def _misfits(index: _Index, label_map: LabelMap) -> Iterator[str]:
    """What a label map names that fits no label of the crops, in words."""
    for name, rule in label_map.classes.items():
        faults = [fault for part in (rule, rule.exclude) for fault in _misfits_of_selection(index, name, part)]
        yield from faults
        if not faults and not (index.chosen(rule) - index.chosen(rule.exclude)) & index.seen:
            yield f"the class {name!r}, of which there is no crop"


def _misfits_of_selection(index: _Index, name: str, selection: Selection) -> Iterator[str]:
    for label in selection.labels:
        if not index.named[_composed(label)] & index.seen:
            yield f"the label {label!r} of {name!r}, which no crop has{_meant(label, index.seen_by_dataset[''])}"
    for dataset, labels in selection.dataset_labels.items():
        yield from _misfits_of_dataset(index, name, dataset, labels)
    for rule in selection.taxa:
        if rule.taxon not in index.taxonomy.known:
            yield f"the {rule.taxon} for {name!r}, which the taxonomy has not{_meant_taxon(rule.taxon, index)}"
        for dataset in rule.datasets or ():
            yield from _misfits_of_dataset(index, name, dataset, ())


def _misfits_of_dataset(index: _Index, name: str, dataset: str, labels: Iterable[str]) -> Iterator[str]:
    if dataset.casefold() not in index.datasets:
        yield f"the data set {dataset!r}, of which there is no crop{_meant(dataset, index.datasets)}"
        return
    for label in labels:
        if DatasetLabel.of(dataset, label) not in index.seen:
            meant = _meant(label, index.seen_by_dataset[dataset.casefold()])
            yield f"the label {label!r} of {dataset} for {name!r}, which no crop has{meant}"


def _meant(name: str, known: Collection[str]) -> str:
    by_case = {other.casefold(): other for other in sorted(known)}
    close = get_close_matches(name.casefold(), by_case, n=3, cutoff=CLOSE)
    return f": did you mean {' or '.join(repr(by_case[other]) for other in close)}?" if close else ""


def _meant_taxon(taxon: Taxon, index: _Index) -> str:
    """A taxon of the same name and another rank, or of a name that is alike."""
    known = sorted(index.taxonomy.known)
    same = [str(other) for other in known if other.name == taxon.name]
    names = {other.name: str(other) for other in known if other.level == taxon.level} or {
        other.name: str(other) for other in known
    }
    close = same or [names[name] for name in get_close_matches(taxon.name, names, n=3)]
    return f": did you mean the {' or the '.join(close)}?" if close else ""


def _warn(misfits: list[str], source: str) -> None:
    for misfit in misfits[:MAX_WARNINGS]:
        logger.warning("%s names %s", source, misfit)
    if len(misfits) > MAX_WARNINGS:
        logger.warning("%s names %d more that fit nothing", source, len(misfits) - MAX_WARNINGS)

"""Taxonomies: to which taxa the labels of data sets belong.

A table as CSV, one row a label of a data set. LILA's taxonomy mapping names its columns ``dataset_name``, ``query``,
``taxonomy_level``, ``scientific_name`` and ``taxonomy_string``, and as it is published also has one for every rank. A
table of one's own needs ``label`` and a column for each rank that it knows, and ``dataset`` where there are several.

Source: https://lila.science/taxonomy-mapping-for-camera-trap-data-sets/ and agentmorris/MegaDetector,
megadetector/taxonomy_mapping/prepare_lila_taxonomy_release.py.
"""

import ast
import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from animl_kedro.errors import InputError
from animl_kedro.formats.text import decoded_table, shown

RANKS = (
    *("kingdom", "phylum", "subphylum"),
    *("superclass", "class", "subclass", "infraclass"),
    *("superorder", "order", "suborder", "infraorder", "parvorder"),
    *("superfamily", "epifamily", "family", "subfamily", "tribe"),
    *("genus", "subgenus", "complex", "species", "subspecies", "variety"),
)
"""The columns that are taxa, as LILA's table has them."""

DATASET_COLUMNS = ("dataset_name", "dataset")
LABEL_COLUMNS = ("query", "label")
LINEAGE_COLUMN = "taxonomy_string"
OWN_COLUMNS = ("taxonomy_level", "scientific_name")

EVERY_DATASET = ""


class Taxon(NamedTuple):
    """A taxon by its rank and its scientific name, both in lower case."""

    level: str
    name: str

    @classmethod
    def of(cls, level: str, name: str) -> "Taxon":
        """The taxon of a rank and a name as somebody wrote them."""
        return cls(level.strip().casefold(), name.strip().casefold())

    def __str__(self) -> str:
        return f"{self.level} {self.name}"


Taxa = frozenset[Taxon]


@dataclass(frozen=True)
class Taxonomy:
    """The taxa of labels.

    ``taxa_of`` is by data set, or `EVERY_DATASET`, and label, both in lower case as in LILA's table. ``source`` is
    where it was read, for messages, and "" where there is no taxonomy.
    """

    taxa_of: Mapping[tuple[str, str], Taxa] = field(default_factory=dict)
    source: str = ""

    def taxa(self, dataset: str, label: str) -> Taxa:
        """The taxa that a label belongs to; none where the table does not say."""
        dataset, label = dataset.casefold(), label.casefold()
        return self.taxa_of.get((dataset, label), self.taxa_of.get((EVERY_DATASET, label), frozenset()))

    def labels(self, dataset: str) -> set[str]:
        """The labels that the table has of a data set, in lower case."""
        return {label for owner, label in self.taxa_of if owner in (EVERY_DATASET, dataset.casefold())}

    @cached_property
    def known(self) -> Taxa:
        """Every taxon in the table."""
        return frozenset().union(*self.taxa_of.values())


def parse_taxonomy(data: bytes, source: str, datasets: Mapping[str, str] | None = None) -> Taxonomy:
    """Read a table of labels and their taxa.

    `datasets` are the names in the table of this project's data sets, where they differ. Raises InputError where it is
    no such table, where it lacks one of these names, or where it gives a label two places in the taxonomy.
    """
    reader = csv.DictReader(io.StringIO(decoded_table(data, source), newline=""), strict=True)
    try:
        columns = _Columns.of(reader.fieldnames or [], source)
        rows = [_Row.of(row, columns, f"{source}, line {reader.line_num}") for row in reader]
    except csv.Error as error:
        raise InputError(f"{source} is not CSV (line {reader.line_num}: {error}): save it as CSV again.") from error
    return Taxonomy(_taxa_by_label(rows, _names_here(rows, datasets or {}, source)), source)


class _Columns(NamedTuple):
    """Which columns of a table are what."""

    dataset: str | None
    label: str
    ranks: Sequence[str]
    others: Sequence[str]

    @classmethod
    def of(cls, header: Sequence[str], source: str) -> "_Columns":
        """Raises InputError where there is no column of labels, or none of taxa."""
        label = next((name for name in LABEL_COLUMNS if name in header), None)
        ranks = [name for name in RANKS if name in header]
        others = [name for name in (LINEAGE_COLUMN, *OWN_COLUMNS) if name in header]
        if label is None or not (ranks or LINEAGE_COLUMN in others):
            raise InputError(
                f"{source} is no taxonomy: it has the columns {shown(', '.join(header), 300)}. Expected are "
                f"{' or '.join(LABEL_COLUMNS)}, and {LINEAGE_COLUMN} or some of {', '.join(RANKS)}."
            )
        return cls(next((name for name in DATASET_COLUMNS if name in header), None), label, ranks, others)


class _Row(NamedTuple):
    """A row of a table, in lower case but for its place."""

    dataset: str
    label: str
    taxa: Taxa
    place: str

    @classmethod
    def of(cls, cells: Mapping[str, str | None], columns: _Columns, place: str) -> "_Row":
        """Raises InputError where the row's lineage is not as LILA writes it."""

        def cell(name: str | None) -> str:
            return ((cells[name] if name else "") or "").strip()

        named = [Taxon.of(rank, cell(rank)) for rank in columns.ranks]
        if set(OWN_COLUMNS) <= set(columns.others):
            named.append(Taxon.of(*map(cell, OWN_COLUMNS)))
        if LINEAGE_COLUMN in columns.others:
            named += _lineage(cell(LINEAGE_COLUMN), place)
        taxa = frozenset(taxon for taxon in named if taxon.level and taxon.name)
        return cls(cell(columns.dataset).casefold(), cell(columns.label).casefold(), taxa, place)


def _lineage(text: str, place: str) -> Iterator[Taxon]:
    """The taxa of a cell like ``[(43117, 'genus', 'lepus', ['hares']), (43094, 'order', 'lagomorpha', [])]``."""
    try:
        for _, level, name, _ in ast.literal_eval(text) if text else ():
            yield Taxon.of(level, name)
    except (ValueError, SyntaxError, TypeError, AttributeError, MemoryError, RecursionError) as error:
        raise InputError(
            f"{place} has the {LINEAGE_COLUMN} {shown(text)}, expected [(id, 'rank', 'name', [common names]), …]."
        ) from error


def _names_here(rows: Iterable[_Row], datasets: Mapping[str, str], source: str) -> dict[str, str]:
    """This project's names of data sets by the table's, both in lower case."""
    there = {row.dataset for row in rows}
    for name, alias in datasets.items():
        if alias.casefold() not in there:
            close = get_close_matches(alias.casefold(), there, n=1)
            meant = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(sorted(there)[:20])}."
            raise InputError(f"{source} has no data set {alias!r}, which {name!r} is to be called there: {meant}")
    return {alias.casefold(): name.casefold() for name, alias in datasets.items()}


def _taxa_by_label(rows: Iterable[_Row], names: Mapping[str, str]) -> dict[tuple[str, str], Taxa]:
    found: dict[tuple[str, str], Taxa] = {}
    for row in rows:
        if row.label and found.setdefault((names.get(row.dataset, row.dataset), row.label), row.taxa) != row.taxa:
            raise InputError(
                f"{row.place}: the label {row.label!r} of {row.dataset or 'every data set'} has other taxa here than "
                "in a line before. Keep one of the two."
            )
    return found

"""Taxonomies: tables as LILA writes them, and simple ones."""

import csv
import io
from typing import Any

import pytest

from animl_kedro.errors import InputError
from animl_kedro.formats.taxonomy import RANKS, Taxon, Taxonomy, parse_taxonomy

FOX = "[(41653, 'species', 'urocyon littoralis', ['island fox']), (41652, 'genus', 'urocyon', []), "
FOX += "(42043, 'family', 'canidae', ['canids']), (1, 'kingdom', 'animalia', ['animals'])]"

ISLANDS = {"dataset_name": "Channel Islands Camera Traps"}


def table(*rows: dict[str, Any], columns: list[str] | None = None) -> bytes:
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, columns or list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue().encode()


def lila_row(label: str, lineage: str = "", level: str = "", name: str = "", **ranks: str) -> dict[str, str]:
    own = {"query": label, "source": "inat", "taxonomy_level": level, "scientific_name": name}
    return ISLANDS | own | {"common_name": "", "taxonomy_string": lineage} | ranks


def test_lilas_table_gives_every_taxon_of_a_label() -> None:
    data = table(
        lila_row("fox", FOX, "species", "urocyon littoralis"), lila_row("empty"), columns=[*lila_row(""), "kingdom"]
    )
    taxonomy = parse_taxonomy(data, "lila.csv", {"islands": "Channel Islands Camera Traps"})
    assert taxonomy.taxa("islands", "Fox") == {
        Taxon("species", "urocyon littoralis"),
        Taxon("genus", "urocyon"),
        Taxon("family", "canidae"),
        Taxon("kingdom", "animalia"),
    }
    assert taxonomy.taxa("islands", "empty") == taxonomy.taxa("elsewhere", "fox") == frozenset()
    assert taxonomy.labels("islands") == {"fox", "empty"}


def test_lilas_table_with_a_column_for_every_rank_is_read_alike() -> None:
    ranks = {"kingdom": "animalia", "family": "canidae", "genus": "urocyon", "species": "urocyon littoralis"}
    row = lila_row("fox", level="species", name="urocyon littoralis") | dict.fromkeys(RANKS, "") | ranks
    own = parse_taxonomy(table(lila_row("fox", FOX)), "lila.csv")
    assert parse_taxonomy(table(row), "lila.csv").taxa_of == own.taxa_of


def test_simple_table_without_data_sets_counts_for_all() -> None:
    taxonomy = parse_taxonomy(table({"label": "Kit Fox", "family": " Canidae "}), "taxa.csv")
    assert taxonomy.taxa("any", "kit fox") == {Taxon("family", "canidae")}
    assert taxonomy.labels("any") == {"kit fox"}
    assert taxonomy.known == {Taxon("family", "canidae")}


def test_simple_table_prefers_the_row_of_the_data_set() -> None:
    rows = [
        {"dataset": "", "label": "robin", "genus": "turdus"},
        {"dataset": "UK", "label": "robin", "genus": "erithacus"},
    ]
    taxonomy = parse_taxonomy(table(*rows), "taxa.csv")
    assert taxonomy.taxa("uk", "robin") == {Taxon("genus", "erithacus")}
    assert taxonomy.taxa("us", "robin") == {Taxon("genus", "turdus")}


@pytest.mark.parametrize("label", ["NA", "None", "007", "nan", "zorro pequeño", "狐"])
def test_strange_labels_stay_text(label: str) -> None:
    taxonomy = parse_taxonomy(b"\xef\xbb\xbf" + table({"label": label, "class": "NA"}), "taxa.csv")
    assert taxonomy.taxa("any", label) == {Taxon("class", "na")}


def test_no_taxonomy_knows_nothing() -> None:
    assert Taxonomy().taxa("any", "fox") == Taxonomy().known == frozenset()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", "taxa.csv is no taxonomy: it has the columns ''"),
        (b"label\nfox\n", "taxa.csv is no taxonomy: it has the columns 'label'. Expected are query or label, and"),
        (b"name,family\nfox,canidae\n", "taxa.csv is no taxonomy"),
        (b'label,family\n"fox,canidae\n', "taxa.csv is not CSV"),
        (b"label,family\nfox,\xff\n", "taxa.csv is not UTF-8"),
        (b"label,family\nfox,canidae\nFox,felidae\n", "line 3: the label 'fox' of every data set has other taxa here"),
        (table(lila_row("fox", "__import__('os').getcwd()")), "line 2 has the taxonomy_string .*expected"),
        (table(lila_row("fox", "[(1, 'genus')]")), "line 2 has the taxonomy_string"),
        (table(lila_row("fox", "[(1, 'genus', None, [])]")), "line 2 has the taxonomy_string"),
        (table(lila_row("fox", "(" * 10_000)), "line 2 has the taxonomy_string"),
    ],
)
def test_faulty_table_is_refused_with_the_place(data: bytes, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        parse_taxonomy(data, "taxa.csv")


def test_name_that_the_table_does_not_have_is_refused_with_one_that_is_close() -> None:
    data = table(lila_row("fox", FOX))
    with pytest.raises(
        InputError, match=r"no data set 'Channel Island Camera Traps', .*: did you mean 'channel islands"
    ):
        parse_taxonomy(data, "lila.csv", {"islands": "Channel Island Camera Traps"})

"""Which labels make which class: by name, data set and taxon, what is excluded, and what may have been meant."""

import logging
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.taxonomy import Taxonomy, parse_taxonomy
from animl_kedro.pipelines.dataset_split.classes import MAX_WARNINGS, classes_of_labels

TAXONOMY = parse_taxonomy(
    b"dataset,label,class,family,genus\n"
    b"idfg,deer,mammalia,cervidae,odocoileus\n"
    b"idfg,elk,mammalia,cervidae,cervus\n"
    b"idfg,turkey,aves,phasianidae,meleagris\n"
    b"idfg,jay,aves,corvidae,\n"
    b"rspb,jay,aves,corvidae,garrulus\n"
    b",red deer,mammalia,cervidae,cervus\n",
    "taxa.csv",
)
LABELS = [("idfg", "Deer"), ("idfg", "elk"), ("idfg", "turkey"), ("idfg", "jay"), ("rspb", "jay"), ("rspb", "red deer")]


def classes(content: Any, labels: list[tuple[str, str]] | None = None) -> dict[tuple[str, str], str]:
    return classes_of_labels(LABELS if labels is None else labels, LabelMap.of(content), TAXONOMY)


def test_labels_by_name_are_those_of_every_data_set() -> None:
    assert classes({"corvid": ["jay"]}) == {("idfg", "jay"): "corvid", ("rspb", "jay"): "corvid"}


def test_labels_by_data_set_are_those_of_that_one() -> None:
    assert classes({"corvid": {"dataset_labels": {"RSPB": ["jay"]}}}) == {("rspb", "jay"): "corvid"}


def test_labels_by_taxon_are_those_below_it_in_every_data_set() -> None:
    assert classes({"cervid": {"taxa": [{"level": "Family", "name": "Cervidae"}]}}) == {
        ("idfg", "Deer"): "cervid",
        ("idfg", "elk"): "cervid",
        ("rspb", "red deer"): "cervid",
    }


def test_labels_by_taxon_of_some_data_sets_are_theirs_alone() -> None:
    rule = {"level": "family", "name": "cervidae", "datasets": ["idfg"]}
    assert set(classes({"cervid": {"taxa": [rule]}})) == {("idfg", "Deer"), ("idfg", "elk")}


def test_labels_that_are_excluded_by_taxon_or_by_name_are_in_no_class() -> None:
    birds: dict[str, Any] = {"taxa": [{"level": "class", "name": "aves"}]}
    no_turkeys = birds | {"exclude": {"taxa": [{"level": "genus", "name": "meleagris"}]}}
    assert set(classes({"bird": no_turkeys})) == {("idfg", "jay"), ("rspb", "jay")}
    one_jay = birds | {"exclude": {"labels": ["turkey"], "dataset_labels": {"rspb": ["jay"]}}}
    assert set(classes({"bird": one_jay})) == {("idfg", "jay")}


@pytest.mark.parametrize(
    ("content", "label"),
    [
        ({"a": ["jay"], "b": ["jay"]}, "jay"),
        ({"a": ["jay"], "b": {"dataset_labels": {"idfg": ["jay"]}}}, "jay"),
        ({"a": ["elk"], "b": {"taxa": [{"level": "genus", "name": "cervus"}]}}, "elk"),
        (
            {
                "a": {"taxa": [{"level": "genus", "name": "cervus"}]},
                "b": {"taxa": [{"level": "class", "name": "mammalia"}]},
            },
            "elk",
        ),
    ],
)
def test_label_in_two_classes_is_refused_with_both(content: Any, label: str) -> None:
    with pytest.raises(InputError, match=rf"gives the label '{label}' of idfg to 'a' and to 'b': choose one"):
        classes(content)


def test_label_in_two_classes_is_refused_before_its_first_crop() -> None:
    taxa = {"a": ["elk"], "b": {"taxa": [{"level": "genus", "name": "cervus"}]}}
    with pytest.raises(InputError, match="gives the label 'elk'"):
        classes(taxa, [("idfg", "turkey")])
    with pytest.raises(InputError, match="gives the label 'unicorn'"):
        classes({"a": ["unicorn"], "b": ["unicorn"]})


def test_label_named_twice_by_one_class_is_no_conflict() -> None:
    rules = {
        "labels": ["elk", "elk"],
        "dataset_labels": {"idfg": ["elk"]},
        "taxa": [{"level": "genus", "name": "cervus"}],
    }
    assert classes({"a": rules}, [("idfg", "elk")]) == {("idfg", "elk"): "a"}


def test_overlap_that_is_excluded_is_no_conflict() -> None:
    content = {
        "elk": ["elk"],
        "cervid": {"taxa": [{"level": "family", "name": "cervidae"}], "exclude": {"labels": ["elk"]}},
    }
    assert classes(content)["idfg", "elk"] == "elk"
    assert classes(content)["idfg", "Deer"] == "cervid"


def test_taxon_without_a_taxonomy_is_refused_with_what_to_set() -> None:
    for part in ({"taxa": [{"level": "genus", "name": "cervus"}]}, {"labels": ["elk"]}):
        content = {"elk": part | {"exclude": {"taxa": [{"level": "genus", "name": "cervus"}]}}}
        with pytest.raises(InputError, match=r"'elk' by a taxon, the genus cervus, .* Set `filepath:` of .* taxonomy"):
            classes_of_labels(LABELS, LabelMap.of(content), Taxonomy())


def by_taxon(level: str, name: str) -> dict[str, Any]:
    return {"taxa": [{"level": level, "name": name}]}


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (["jya"], "the label 'jya' of 'a', which no crop has: did you mean 'jay'?"),
        (["deer"], "the label 'deer' of 'a', which no crop has: did you mean 'Deer'"),
        (["xyz"], "the label 'xyz' of 'a', which no crop has"),
        (
            {"dataset_labels": {"rspb": ["red der"]}},
            "'red der' of rspb for 'a', which no crop has: did you mean 'red d",
        ),
        ({"dataset_labels": {"idgf": ["elk"]}}, "the data set 'idgf', of which there is no crop: did you mean 'idfg'?"),
        ({"labels": ["jay"], "exclude": {"labels": ["tukrey"]}}, "'tukrey' of 'a', which no crop has: did you mean 't"),
        (by_taxon("family", "cervide"), "the family cervide for 'a', which the taxonomy has not: did you mean the fam"),
        (by_taxon("order", "cervidae"), "the order cervidae for 'a', which the taxonomy has not: did you mean the fam"),
        (by_taxon("genus", "xyz"), "the genus xyz for 'a', which the taxonomy has not"),
        (
            by_taxon("class", "aves") | {"exclude": by_taxon("class", "aves")},
            "the class 'a', of which there is no crop",
        ),
    ],
)
def test_name_that_fits_nothing_is_a_warning_with_what_is_close(
    caplog: pytest.LogCaptureFixture, rule: Any, fault: str
) -> None:
    classes({"a": rule})
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert fault in caplog.text


def test_name_that_fits_nothing_is_not_said_to_mean_what_is_little_like_it(caplog: pytest.LogCaptureFixture) -> None:
    classes({"lizard": ["lizard"], "bird": ["bird"]}, [("idfg", "bird")])
    assert "no crop has" in caplog.text
    assert "did you mean" not in caplog.text


def test_names_that_fit_are_no_warning(caplog: pytest.LogCaptureFixture) -> None:
    classes({"corvid": ["jay"], "cervid": {"taxa": [{"level": "family", "name": "cervidae", "datasets": ["RSPB"]}]}})
    assert not caplog.records


def test_many_names_that_fit_nothing_do_not_drown_the_rest(caplog: pytest.LogCaptureFixture) -> None:
    classes({"a": ["jay", *(f"label {n}" for n in range(500))]})
    assert len(caplog.records) == MAX_WARNINGS + 1
    assert "names 480 more that fit nothing" in caplog.text
    caplog.clear()
    classes({"a": {"dataset_labels": {"elsewhere": [f"label {n}" for n in range(500)]}}})
    assert len(caplog.records) == 1


def test_letters_that_look_alike_are_alike(caplog: pytest.LogCaptureFixture) -> None:
    one, two = "pequen\u0303o", "peque\u00f1o"
    assert classes({"zorro": [one]}, [("idfg", two)]) == {("idfg", two): "zorro"}
    assert classes({"zorro": {"dataset_labels": {"idfg": [two]}}}, [("idfg", one)]) == {("idfg", one): "zorro"}
    assert not caplog.records


words = st.sampled_from(["NA", "None", "007", "nan", "", " ", "fox", "Fox", "狐", "a,b", "é", "!x", "null"])


@given(st.lists(words.filter(bool), unique=True, min_size=1), st.lists(words, unique=True), st.randoms())
def test_labels_of_any_name_get_the_class_that_lists_them(listed: list[str], labels: list[str], random: Random) -> None:
    class_of = {label: f"class {random.randrange(3)}" for label in listed}
    content = {name: [label for label in listed if class_of[label] == name] for name in set(class_of.values())}
    found = classes(content, [("idfg", label) for label in labels])
    assert found == {("idfg", label): class_of[label] for label in labels if label in class_of}

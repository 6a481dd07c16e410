"""Label maps of every form: read alike, told apart by their content, and refused with the place of a fault."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from animl_kedro.errors import InputError
from animl_kedro.formats.label_specification import ClassRule, LabelMap, parse_label_map
from animl_kedro.formats.taxonomy import Taxon

# The examples of CameraTraps' README and of its csv_to_json.py
SPECIFICATION: Mapping[str, Any] = {
    "cervid": {
        "taxa": [{"level": "family", "name": "cervidae", "datasets": ["idfg", "idfg_swwlf_2019"]}],
        "dataset_labels": {"idfg": ["deer", "elk", "prong"], "idfg_swwlf_2019": ["elk", "muledeer"]},
        "max_count": 50000,
        "prioritize": [["idfg_swwlf_2019"], ["idfg"]],
    },
    "bird": {
        "taxa": [{"level": "class", "name": "aves"}],
        "dataset_labels": {"idfg_swwlf_2019": ["bird"]},
        "exclude": {
            "taxa": [{"level": "genus", "name": "meleagris"}],
            "dataset_labels": {"idfg_swwlf_2019": ["turkey"]},
        },
    },
}
CSV = """
# comment lines are allowed, and "quotes in them
output_label,type,content
cervid,row,idfg|deer
cervid,row,idfg|elk
cervid,row, idfg | prong
cervid,row,idfg_swwlf_2019|elk

cervid,row,idfg_swwlf_2019|muledeer
cervid,max_count,50000
cervid,datasettaxon,idfg|family|cervidae
cervid,datasettaxon,idfg_swwlf_2019|family|cervidae
cervid,prioritize,"[['idfg_swwlf_2019'], ['idfg']]"
bird,row,idfg_swwlf_2019|bird
bird,class,aves
!bird,row,idfg_swwlf_2019|turkey
!bird,genus,meleagris
"""


def parsed(text: str) -> Mapping[str, ClassRule]:
    return parse_label_map(text.encode(), "map").classes


def test_json_specification_of_cameratraps_is_read_whole() -> None:
    rules = parsed(json.dumps(SPECIFICATION))
    assert list(rules) == ["cervid", "bird"]
    assert rules["cervid"].taxa[0].taxon == Taxon("family", "cervidae")
    assert rules["cervid"].taxa[0].datasets == ("idfg", "idfg_swwlf_2019")
    assert rules["cervid"].dataset_labels["idfg"] == ("deer", "elk", "prong")
    assert rules["cervid"].max_count == 50000
    assert rules["bird"].exclude.taxa[0].taxon == Taxon("genus", "meleagris")
    assert rules["bird"].exclude.dataset_labels == {"idfg_swwlf_2019": ("turkey",)}


def test_csv_specification_says_what_the_json_says() -> None:
    from_csv, from_json = parsed(CSV), parsed(json.dumps(SPECIFICATION))
    assert from_csv["bird"] == from_json["bird"]
    assert from_csv["cervid"].dataset_labels == from_json["cervid"].dataset_labels
    assert [rule.datasets for rule in from_csv["cervid"].taxa] == [("idfg",), ("idfg_swwlf_2019",)]
    assert from_csv["cervid"].max_count == 50000
    assert from_csv["cervid"].prioritize == from_json["cervid"].prioritize


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_saved_by_excel_is_read_alike(newline: str, mark: str) -> None:
    assert parsed(mark + CSV.replace("\n", newline)) == parsed(CSV)


def test_specification_in_yaml_is_read_as_in_json() -> None:
    assert parsed(yaml.safe_dump(SPECIFICATION)) == parsed(json.dumps(SPECIFICATION))


def test_both_forms_in_one_file_are_read() -> None:
    rules = parsed("fox: [fox, kit fox]\nbird: {labels: [jay], taxa: [{level: Class, name: Aves}]}")
    assert rules["fox"].labels == ("fox", "kit fox")
    assert rules["bird"].labels == ("jay",)
    assert rules["bird"].taxa[0].taxon == Taxon("class", "aves")


def test_counts_as_text_are_read_as_cameratraps_examples_write_them() -> None:
    assert parsed('{"a": {"labels": ["b"], "max_count": "50000"}}')["a"].max_count == 50000


def test_priority_of_a_data_set_that_is_not_named_is_the_last() -> None:
    rule = parsed(json.dumps(SPECIFICATION))["cervid"]
    assert [rule.priority(dataset) for dataset in ("idfg_swwlf_2019", "IDFG", "else")] == [0, 1, 2]
    assert parsed("a: [b]")["a"].priority("any") == 0


# but those with line breaks of YAML's own, which it does not write as it reads them
printable = st.characters(exclude_categories=["C", "Zl", "Zp"])
names = st.text(printable, min_size=1, max_size=12).filter(str.strip) | st.sampled_from(
    ["NA", "None", "007", "no", "1e5", "é", "~"]
)
maps = st.dictionaries(names, st.lists(names, min_size=1, max_size=4), min_size=1, max_size=5)


@given(maps)
def test_simple_map_of_any_names_comes_back_from_yaml_and_json(content: dict[str, list[str]]) -> None:
    for text in (yaml.safe_dump(content, allow_unicode=True), yaml.safe_dump(content), json.dumps(content)):
        rules = parsed(text)
        assert {name: list(rule.labels) for name, rule in rules.items()} == content


cells = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='|,"#!'), min_size=1)
cells |= st.sampled_from(["NA", "None", "007", "ardilla gris", "狐"])


@given(st.dictionaries(cells, st.tuples(cells, cells), min_size=1, max_size=5))
def test_csv_rows_of_any_names_are_kept_as_text(content: dict[str, tuple[str, str]]) -> None:
    lines = [f"{name},row,{dataset}|{label}" for name, (dataset, label) in content.items()]
    rules = parsed("\n".join(["output_label,type,content", *lines]))
    assert {name: rule.dataset_labels for name, rule in rules.items()} == {
        name: {dataset: (label,)} for name, (dataset, label) in content.items()
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "map is None. Expected is"),
        ("[]", r"map is \[\]. Expected is"),
        ("{}", "map is {}. Expected is"),
        ("fox", "map is 'fox'. Expected is"),
        ("fox: fox", "map has 'fox': 'fox', expected a list of labels, or rules"),
        ("fox:", "map has 'fox': None"),
        ("fox: []", "map, fox: it names no label and no taxon"),
        ("fox: {exclude: {labels: [fox]}}", "map, fox: it names no label"),
        ("fox: [1]", "map, fox.labels.0: Input should be a valid string, got 1. YAML reads"),
        ("fox: ['']", "map, fox.labels.0: .* at least 1 character"),
        ("no: [fox]", "map has a class named False, expected text. YAML reads no"),
        ("007: [fox]", "map has a class named 7, expected text"),
        ("null: [fox]", "map has a class named None"),
        ("' ': [fox]", "map has a class named ' '"),
        ("fox: [fox]\nfox: [kit fox]", "map has 'fox' twice"),
        ('{"fox": ["fox"], "fox": ["kit fox"]}', "map has 'fox' twice"),
        ("fox: {taxon: [x]}", "map, fox: unknown key 'taxon': did you mean 'taxa'?"),
        ("fox: {taxa: [{level: genus}]}", "map, fox.taxa.0.name: Field required"),
        ("fox: {taxa: [{level: genus, name: x, datasets: []}]}", "map, fox.taxa.0.datasets: .* at least 1 item"),
        ("fox: {dataset_labels: {island: fox}}", "map, fox.dataset_labels.island: Input should be a list, got 'fox'"),
        ("fox: {dataset_labels: [fox]}", "map, fox.dataset_labels: "),
        ("fox: {labels: [fox], max_count: 0}", "map, fox.max_count: .* greater than or equal to 1, got 0"),
        ("fox: {labels: [fox], max_count: yes}", "map, fox.max_count: Input should be a number, got True"),
        ("fox: {labels: [fox], prioritize: [[island]]}", "prioritize is of use only with a max_count"),
        ("fox: {labels: [fox], exclude: {max_count: 3}}", "unknown key 'max_count'"),
        ('{"fox": ["fox"', "map is not JSON: .* line 1 column"),
        ("fox: 'fox", "map is not YAML: "),
        ("fox: !!python/object/apply:os.getcwd []", "map is not YAML: could not determine a constructor"),
        ("fox: &fox [*fox]", "map, fox.labels.0"),
        ('{"a":' * 100_000, "map is nested too deeply"),
        ("[" * 100_000, "map is n"),
    ],
)
def test_label_map_with_a_fault_is_refused_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        parsed(text)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("fox,row,island", "fewer than 2 parts"),
        ("fox,row,|fox", "fewer than 2 parts"),
        ("fox,datasettaxon,island|genus", "fewer than 3 parts"),
        ("fox,genus", "expected 3 cells"),
        ("fox,genus,", "expected 3 cells"),
        ("fox,row,island|fox,grey", "expected 3 cells"),
        ("!fox,max_count,3", "max_count cannot be excluded"),
        ("fox,max_count,many", "its content cannot be read"),
        ("fox,prioritize,__import__('os').getcwd()", "its content cannot be read"),
        ('fox,row,"island|fox', "unexpected end of data"),
    ],
)
def test_csv_row_with_a_fault_is_refused_with_its_line(row: str, fault: str) -> None:
    with pytest.raises(InputError, match=rf"map, line 4: .*{fault}.*Expected are class,row"):
        parsed(f"# a comment\noutput_label,type,content\n\n{row}\n")


@pytest.mark.parametrize("row", ["!fox,genus,vulpes", "fox,max_count,3", "fox,max_count,-3\nfox,genus,vulpes", ""])
def test_csv_of_nothing_to_take_is_refused(row: str) -> None:
    with pytest.raises(InputError):
        parsed(f"output_label,type,content\n{row}\n")


def test_label_map_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InputError, match=r"map is not UTF-8 .*: save it as UTF-8"):
        parse_label_map("zorro: [zorro pequeño]".encode("latin-1"), "map")


def test_label_map_of_content_has_a_name_for_messages() -> None:
    with pytest.raises(InputError, match="the label map is None"):
        LabelMap.of(None)

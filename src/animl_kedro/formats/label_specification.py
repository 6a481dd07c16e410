"""Label maps: which labels of the data sets make which class.

Three forms, told apart by their content:

- a simple one, YAML or JSON: ``{class: [label, …]}``, the labels of whatever data set;
- CameraTraps' label specification, JSON, or the same in YAML: ``{class: {taxa: [{level, name, datasets}, …],
  dataset_labels: {dataset: [label, …]}, exclude: {…}, max_count, prioritize}}``; here a class may also have
  ``labels: [label, …]``, of whatever data set, and one file may use both forms;
- the same as CSV, with the columns ``output_label,type,content``.

Source: agentmorris/MegaDetector (before: microsoft/CameraTraps), megadetector/classification/README.md,
"MegaClassifier label specification syntax".
"""

import ast
import csv
import json
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from animl_kedro.errors import InputError
from animl_kedro.formats.taxonomy import Taxon
from animl_kedro.formats.text import decoded_table, shown
from animl_kedro.parameters import StrictParams

FORMS = (
    "Expected is {class: [label, …]} in YAML or JSON, or CameraTraps' label specification as JSON, or as CSV with the "
    "columns output_label,type,content: see docs/splitting.md."
)
QUOTES = "YAML reads no, yes, null and numbers as something else than text: put them in quotes."
CSV_HEADER = ["output_label", "type", "content"]
CSV_ROWS = (
    "Expected are class,row,data set|label and class,datasettaxon,data set|rank|taxon and class,rank,taxon, each with "
    "'!' before the class to exclude it, and class,max_count,number and class,prioritize,\"[['data set'], …]\"."
)
EXCLUSION = "!"

Name = Annotated[str, Field(min_length=1)]


class TaxonRule(StrictParams):
    """All labels of a taxon, in these data sets or, where there are none named, in all."""

    level: Name
    name: Name
    datasets: tuple[Name, ...] | None = Field(None, min_length=1)

    @property
    def taxon(self) -> Taxon:
        """The taxon."""
        return Taxon.of(self.level, self.name)


class Selection(StrictParams):
    """Labels of data sets: by taxon, by data set and name, and by name alone."""

    taxa: tuple[TaxonRule, ...] = ()
    dataset_labels: dict[Name, tuple[Name, ...]] = Field(default_factory=dict)
    labels: tuple[Name, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether it names nothing."""
        return not (self.taxa or self.labels or any(self.dataset_labels.values()))


class ClassRule(Selection):
    """The labels that make a class, but for those that are excluded."""

    exclude: Selection = Selection()

    max_count: int | None = Field(None, ge=1)
    """So many images of the class, not crops, are taken."""

    prioritize: tuple[tuple[Name, ...], ...] = ()
    """Where there are more: data sets whose images come first, then those that come second; all others are last."""

    def priority(self, dataset: str) -> int:
        """When a data set's images come: 0 is first."""
        is_named = [dataset.casefold() in map(str.casefold, names) for names in self.prioritize]
        return is_named.index(True) if any(is_named) else len(is_named)

    @model_validator(mode="before")
    @classmethod
    def _of_the_simple_form(cls, values: Any) -> Any:
        return {"labels": values} if isinstance(values, list) else values

    @field_validator("max_count", mode="before")
    @classmethod
    def _is_no_truth(cls, value: Any) -> Any:
        if isinstance(value, bool):  # which pydantic takes for 0 or 1
            raise ValueError("Input should be a number")  # noqa: TRY004 - pydantic's way
        return value

    @model_validator(mode="after")
    def _chooses(self) -> Self:
        if self.is_empty:
            raise ValueError("it names no label and no taxon")
        if self.prioritize and self.max_count is None:
            raise ValueError("prioritize is of use only with a max_count")
        return self


@dataclass(frozen=True)
class LabelMap:
    """The rules of the classes, by the classes' names. ``source`` is where they were read, for messages."""

    classes: Mapping[str, ClassRule]
    source: str = "the label map"

    @classmethod
    def of(cls, content: Any, source: str = "the label map") -> "LabelMap":
        """The label map that a YAML or JSON file holds. Raises InputError where it is none."""
        if not isinstance(content, Mapping) or not content:
            raise InputError(f"{source} is {shown(content)}. {FORMS}")
        return cls({_class_name(name, source): _rule(name, rule, source) for name, rule in content.items()}, source)


def parse_label_map(data: bytes, source: str) -> LabelMap:
    """Read a label map of any form. Raises InputError where it is of none, or names a class twice."""
    text = decoded_table(data, source)
    if _is_csv(text):
        return LabelMap.of(_read_csv(text, source), source)
    try:
        content = json.loads(text, object_pairs_hook=_without_duplicates)
    except json.JSONDecodeError as json_error:
        content = _read_yaml(text, source, json_error)
    except RecursionError as error:
        raise InputError(f"{source} is nested too deeply. {FORMS}") from error
    except _DuplicateError as error:
        raise InputError(f"{source} has {error} twice: write one list of all of its labels.") from error
    return LabelMap.of(content, source)


def _class_name(name: Any, source: str) -> str:
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"{source} has a class named {shown(name)}, expected text. {QUOTES}")
    return name


def _rule(name: Any, rule: Any, source: str) -> ClassRule:
    if not isinstance(rule, Mapping | list):
        raise InputError(f"{source} has {shown(name)}: {shown(rule)}, expected a list of labels, or rules. {FORMS}")
    try:
        return ClassRule.model_validate(rule)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(map(str, (name, *fault["loc"])))
        message = fault["msg"].removeprefix("Value error, ")
        for pydantics, ours in (("unknown parameter", "unknown key"), ("a valid tuple", "a list")):
            message = message.replace(pydantics, ours)
        message += f", got {shown(fault['input'])}." if fault["loc"] else "" if message.endswith("?") else "."
        advice = QUOTES if fault["type"] == "string_type" else "See docs/splitting.md."
        raise InputError(f"{source}, {place}: {message} {advice}") from error


class _DuplicateError(Exception):
    """A key that is there twice, of which Python would keep the last without a word."""


def _without_duplicates(pairs: Iterable[tuple[Hashable, Any]]) -> dict[Hashable, Any]:
    found: dict[Hashable, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _DuplicateError(shown(key))
        found[key] = value
    return found


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which also refuses a key that is there twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node. Raises _DuplicateError."""
        own = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        _without_duplicates((self.construct_object(key, deep=True), None) for key in own)
        return super().construct_mapping(node, deep)


def _read_yaml(text: str, source: str, json_error: json.JSONDecodeError) -> Any:
    try:
        return yaml.load(text, Loader=_UniqueKeyLoader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        looks_like_json = text.lstrip().startswith(("{", "["))
        fault = f"is not JSON: {json_error}" if looks_like_json else f"is not YAML: {' '.join(str(error).split())}"
        raise InputError(f"{source} {fault}. {FORMS}") from error
    except _DuplicateError as error:
        raise InputError(f"{source} has {error} twice: write one list of all of its labels.") from error


def _is_csv(text: str) -> bool:
    lines = (line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return [cell.strip(' "') for cell in next(lines, "").split(",")] == CSV_HEADER


def _read_csv(text: str, source: str) -> dict[str, dict[str, Any]]:
    """CameraTraps' CSV in the form of its JSON. Raises InputError with the line where it cannot be read."""
    content: dict[str, dict[str, Any]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            cells = [cell.strip() for cell in next(csv.reader([line], strict=True))]
            if cells == CSV_HEADER:
                continue
            if len(cells) != len(CSV_HEADER) or not all(cells):
                raise ValueError(f"expected {len(CSV_HEADER)} cells with something in them")
            name, kind, value = cells
            rule = content.setdefault(name.removeprefix(EXCLUSION).strip(), {})
            _add_row(rule, name.startswith(EXCLUSION), kind, value)
        except (ValueError, csv.Error) as error:
            raise InputError(f"{source}, line {number}: {shown(line)}: {error}. {CSV_ROWS}") from error
    return content


def _add_row(rule: dict[str, Any], is_exclusion: bool, kind: str, value: str) -> None:
    """Add a row of a CSV to the rule of its class. Raises ValueError with what is wrong with it."""
    if kind in ("max_count", "prioritize"):
        if is_exclusion:
            raise ValueError(f"{kind} cannot be excluded")
        rule[kind] = _literal(value)
        return
    selection = rule.setdefault("exclude", {}) if is_exclusion else rule
    if kind == "row":
        dataset, label = _parts(value, 2)
        selection.setdefault("dataset_labels", {}).setdefault(dataset, []).append(label)
    elif kind == "datasettaxon":
        dataset, level, name = _parts(value, 3)
        selection.setdefault("taxa", []).append({"level": level, "name": name, "datasets": [dataset]})
    else:
        selection.setdefault("taxa", []).append({"level": kind, "name": value})


def _parts(value: str, number: int) -> list[str]:
    parts = [part.strip() for part in value.split("|", number - 1)]
    if len(parts) < number or not all(parts):
        raise ValueError(f"its content has fewer than {number} parts")
    return parts


def _literal(value: str) -> Any:
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError("its content cannot be read") from None

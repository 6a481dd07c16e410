"""Every parameter as Markdown: name, type, allowed values, default, the sample island's value, and its docstring."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from animl_kedro.parameters import StrictParams
from animl_kedro.pipelines.dataset_split.parameters import DatasetSplitParams
from animl_kedro.pipelines.detection_cropping.parameters import DetectionCroppingParams
from animl_kedro.pipelines.inference.parameters import InferenceParams
from animl_kedro.pipelines.ingestion.parameters import IngestionParams
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.reporting.parameters import ReportingParams

MODELS: Mapping[str, type[StrictParams]] = {
    "ingestion": IngestionParams,
    "detection_cropping": DetectionCroppingParams,
    "dataset_split": DatasetSplitParams,
    "modeling": ModelingParams,
    "reporting": ReportingParams,
    "inference": InferenceParams,
}
"""The parameters of each pipeline, in the order of the data."""

KINDS = {
    "int": "whole number",
    "float": "number",
    "str": "text",
    "bool": "true or false",
    "date": "day (2024-01-31)",
    "NoneType": "null",
}
"""What types of Python are called in YAML, where parameters are written."""

BOUNDS = {
    "ge": "at least {}",
    "gt": "above {}",
    "le": "at most {}",
    "lt": "below {}",
    "min_length": "of length {} or more",
    "pattern": "as `{}`",
}
"""How the constraints of pydantic's fields are told."""


def parameters_markdown(configuration: Path) -> str:
    """All parameters, a section a group, beside the values that `configuration`, ``conf/base``, has of them."""
    sample = _sample(configuration)
    groups = (group for name, model in MODELS.items() for group in _groups(name, model(), sample[name]))
    return "\n".join(_section(*group) for group in groups)


def _sample(configuration: Path) -> dict[str, StrictParams]:
    """The parameters of each pipeline as the sample island has them."""
    texts = (path.read_text(encoding="utf-8") for path in (configuration / "parameters").glob("*.yml"))
    return {
        name: MODELS[name].model_validate(values) for text in texts for name, values in yaml.safe_load(text).items()
    }


def _groups(name: str, defaults: BaseModel, sample: BaseModel) -> Iterator[tuple[str, BaseModel, BaseModel]]:
    """A group of parameters by its whole name, with its defaults and the sample's values; behind it those within it."""
    yield name, defaults, sample
    for field, inner in defaults:
        if isinstance(inner, BaseModel):
            yield from _groups(f"{name}.{field}", inner, getattr(sample, field))


def _section(group: str, defaults: BaseModel, sample: BaseModel) -> str:
    fields, docstrings = type(defaults).model_fields, _docstrings(type(defaults))
    told = [
        _entry(f"{group}.{name}", fields[name], docstrings.get(name, ""), default, getattr(sample, name))
        for name, default in defaults
        if not isinstance(default, BaseModel)
    ]
    level = "###" if "." in group else "##"
    return f"{level} {group}\n\n{_text(inspect.getdoc(type(defaults)) or '')}\n\n{''.join(told)}"


def _docstrings(model: type[BaseModel]) -> dict[str, str]:
    """The docstring behind each field. pydantic can read them too, but whenever the model is imported."""
    tree = ast.parse(inspect.getsource(model))
    (body,) = (definition.body for definition in tree.body if isinstance(definition, ast.ClassDef))
    return {
        field.target.id: inspect.cleandoc(text.value.value)
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


def _entry(name: str, info: FieldInfo, docstring: str, default: Any, sample: Any) -> str:
    """A parameter as an item of a definition list, with an anchor of its whole name."""
    facts = f"*{_kind(info)}*, default `{_yaml(default)}`"
    if sample != default:
        facts += f", sample island `{_yaml(sample)}`"
    return f"`{name.rpartition('.')[2]}`{{ #{name} }}\n:   {facts}\n\n    {_text(docstring)}\n\n"


def _kind(info: FieldInfo) -> str:
    constraints = [
        words.format(value)
        for attribute, words in BOUNDS.items()
        for constraint in info.metadata
        if (value := getattr(constraint, attribute, None)) is not None
    ]
    return ", ".join([_kind_of(info.annotation), *constraints])


def _kind_of(annotation: Any) -> str:
    """A type in words: the choices of a literal or an enumeration, what a list or a mapping holds, or alternatives."""
    inner = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Literal:
            return " or ".join(f"`{choice}`" for choice in inner)
        case origin if origin is tuple:
            return f"list of {_kind_of(inner[0])}"
        case origin if origin is dict:
            return f"mapping of {_kind_of(inner[0])} to {_kind_of(inner[1])}"
        case None:
            return _kind_of_class(annotation)
    return " or ".join(_kind_of(option) for option in sorted(inner, key=lambda option: option is NoneType))


def _kind_of_class(kind: type) -> str:
    if issubclass(kind, BaseModel):
        return " or ".join(f"`{name}`" for name in kind.model_fields)
    if members := getattr(kind, "__members__", None):
        return " or ".join(f"`{member.value}`" for member in members.values())
    return KINDS[kind.__name__]


def _yaml(value: Any) -> str:
    """A value on one line, as it is written in YAML."""
    plain = to_jsonable_python(value)
    text = yaml.safe_dump(plain, default_flow_style=True, allow_unicode=True, width=2**31)
    return text.removesuffix("\n").removesuffix("\n...")


def _text(docstring: str) -> str:
    """A docstring in one paragraph a paragraph, with what is None in Python as it is called in YAML."""
    paragraphs = (" ".join(part.split()) for part in docstring.split("\n\n"))
    return re.sub(r"\bNone\b", "null", "\n\n".join(paragraphs)).replace("``", "`")

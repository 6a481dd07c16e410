"""The catalog's tables as Markdown: what is a row, and the type and the allowed values of every column."""

import inspect
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pandera.api.pandas.components import Column

from animl_kedro import tables
from animl_kedro.reference.parameters import MODELS

KINDS = {"str": "text", "float": "number", "int": "whole number", "bool": "true or false", "date": "date and time"}
"""What the types of columns are called, by how their names begin."""

CHECKS = {
    "distinct": "each once",
    "greater_than_or_equal_to": "at least {min_value}",
    "greater_than": "above {min_value}",
    "less_than_or_equal_to": "at most {max_value}",
    "less_than": "below {max_value}",
}
"""How the checks of pandera's columns are told."""


def tables_markdown(configuration: Path) -> str:
    """All tables of the catalog of `configuration`, ``conf/base``, in the order of the data, a section a schema."""
    by_schema: dict[str, dict[str, dict[str, Any]]] = {}
    for name, entry in _catalog(configuration):
        if schema := entry.get("validator", "").rpartition(".")[2]:
            by_schema.setdefault(schema, {})[name] = entry
    return "\n".join(_section(getattr(tables, schema), entries) for schema, entries in by_schema.items())


def _catalog(configuration: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for pipeline in MODELS:
        text = (configuration / "catalog" / f"{pipeline}.yml").read_text(encoding="utf-8")
        yield from yaml.safe_load(text).items()


def _section(schema: type[tables.Table], entries: Mapping[str, Mapping[str, Any]]) -> str:
    told = "\n".join(_told(entry) for entry in entries.values())
    rows = "\n".join(_row(name, column) for name, column in schema.to_schema().columns.items())
    meaning = (inspect.getdoc(schema) or "").replace("``", "`")
    return f"### {', '.join(entries)}\n\n{told}\n\n{meaning}\n\n| column | type | values |\n|---|---|---|\n{rows}\n"


def _told(entry: Mapping[str, Any]) -> str:
    """Where an entry lies, and what it is, as an item of a list."""
    path = entry["filepath"].replace("${globals:data}", "data")
    name = path.rpartition("/")[2]
    place = f"{path}/<version>/{name}" if entry.get("versioned") else path
    return f"- `{place}`: {entry['metadata']['description']}"


def _row(name: str, column: Column) -> str:
    kind = next(words for prefix, words in KINDS.items() if str(column.dtype).lower().startswith(prefix))
    values = [_check(check.name, check.statistics) for check in column.checks]
    if column.nullable:
        values.append("may be missing")
    shown = f"{name.removeprefix('^').removesuffix('.+')}<class>" if column.regex else name
    return f"| `{shown}` | {kind} | {'; '.join(values)} |"


def _check(name: str, statistics: Mapping[str, Any]) -> str:
    if name == "isin":
        return ", ".join(f"`{value}`" for value in statistics["allowed_values"])
    return CHECKS[name].format(**statistics)

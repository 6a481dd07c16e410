"""The pages that are made of the code tell of every parameter and of every table."""

import re
from collections.abc import Iterator

from pydantic import BaseModel

from animl_kedro.pipeline_registry import NAMES
from animl_kedro.reference.parameters import MODELS, parameters_markdown
from animl_kedro.reference.tables import tables_markdown
from animl_kedro.tables import Crops
from projects import ROOT

BASE = ROOT / "conf" / "base"


def names_of(name: str, model: type[BaseModel]) -> Iterator[str]:
    for field, info in model.model_fields.items():
        kind = info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from names_of(f"{name}.{field}", kind)
        else:
            yield f"{name}.{field}"


def test_every_pipeline_has_its_parameters_told() -> None:
    assert list(MODELS) == list(NAMES)


def test_every_parameter_is_told_with_a_description() -> None:
    items = re.findall(r"^`\w+`\{ #([\w.]+) \}\n:   (.+)\n\n    (.*)$", parameters_markdown(BASE), re.MULTILINE)
    assert sorted(name for name, _, _ in items) == sorted(
        name for pipeline, model in MODELS.items() for name in names_of(pipeline, model)
    )
    assert not [name for name, _, meaning in items if len(meaning.split()) < 2]


def test_parameter_is_told_with_type_limits_default_and_the_value_of_the_sample() -> None:
    told = parameters_markdown(BASE)
    assert "*whole number or null, at least 32, at most 1024*, default `null`, sample island `96`" in told
    assert "*`rmsprop` or `adamw`*, default `rmsprop`, sample island `adamw`" in told
    assert "*number, above 0*, default `60`\n" in told  # the sample has 60 as well
    assert "*list of `train` or `val` or `test`*, default `[test, val]`" in told
    assert "`precision`{ #reporting.thresholds.default.precision }" in told


def test_every_table_of_the_catalog_is_told_with_its_columns() -> None:
    told = tables_markdown(BASE)
    texts = [path.read_text(encoding="utf-8") for path in (BASE / "catalog").glob("*.yml")]
    entries = re.findall(r"^(\w+):\n(?:  .*\n)*?  validator: ", "\n".join(texts), re.MULTILINE)
    titles = {name for title in re.findall(r"^### (.+)$", told, re.MULTILINE) for name in title.split(", ")}
    assert titles == set(entries)
    (crops,) = re.findall(r"^### crops\n(.*?)^### ", told, re.MULTILINE | re.DOTALL)
    assert re.findall(r"^\| `(\w+)`", crops, re.MULTILINE) == list(Crops.to_schema().columns)
    assert "| `confidence` | number | at least 0; at most 1 |" in crops
    assert "| `probability_<class>` | number | at least 0; at most 1 |" in told

"""Blocks of code in README and the documentation, and what is named there, are of what there is."""

import ast
import json
import re
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.project import pipelines, settings
from kedro.framework.startup import bootstrap_project
from kedro.io import AbstractDataset, CatalogConfigResolver
from pydantic import BaseModel

from animl_kedro.reference.parameters import MODELS
from markdown_pages import Found, blocks, links, words
from projects import ROOT

LOADED = re.compile(r"catalog\.load\(\"(\w+)\"\)")


def ids(found: Found) -> str:
    return f"{found.where}: {found.text.strip().splitlines()[0][:60]}"


@pytest.fixture(autouse=True)
def bootstrapped() -> None:
    bootstrap_project(ROOT)


@cache
def catalog() -> CatalogConfigResolver:
    arguments = settings.CONFIG_LOADER_ARGS | {"default_run_env": "base"}
    return CatalogConfigResolver(OmegaConfigLoader(str(ROOT / "conf"), env="base", **arguments)["catalog"])


def is_entry(name: str) -> bool:
    """Whether the configuration has it: what it has not is data in memory for Kedro."""
    return str(catalog().resolve_pattern(name)["type"]).startswith("animl_kedro.")


def test_entries_are_told_from_what_there_is_not() -> None:
    assert is_entry("crops")
    assert is_entry("reliability_figure")
    assert not is_entry("cropz")


@pytest.mark.parametrize("found", [*blocks("python")], ids=ids)
def test_python_is_python_of_names_that_there_are(found: Found) -> None:
    tree = ast.parse("\n".join(line for line in found.text.splitlines() if not line.startswith("%")))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            module = import_module(node.module or "")
            assert all(hasattr(module, alias.name) for alias in node.names)
    assert all(is_entry(name) for name in LOADED.findall(found.text))


@pytest.mark.parametrize("found", [*blocks("json")], ids=ids)
def test_json_is_json(found: Found) -> None:
    json.loads(found.text)


@pytest.mark.parametrize("found", [*blocks("yaml")], ids=ids)
def test_yaml_is_of_entries_and_parameters_that_can_be_read(found: Found) -> None:
    node = yaml.compose(found.text)
    assert isinstance(node, yaml.MappingNode)
    for key, value in node.value:  # one by one, since a block may show an entry in two ways
        name, content = key.value, without_credentials(yaml.safe_load(yaml.serialize(value)))
        if name in MODELS:
            MODELS[name].model_validate(content)
        elif isinstance(content, dict) and "type" in content:
            assert is_entry(name)
            AbstractDataset.from_config(name, content)


def without_credentials(content: Any) -> Any:
    """Settings without the names of credentials, which Kedro replaces before a dataset sees them."""
    if not isinstance(content, dict):
        return content
    return {name: without_credentials(value) for name, value in content.items() if name != "credentials"}


def test_parameters_and_nodes_that_are_named_exist() -> None:
    nodes = {node.name for pipeline in pipelines.values() for node in pipeline.nodes}
    whole_name = re.compile(rf"({'|'.join(MODELS)})(\.\w+)+")
    named = [found for found in words() if whole_name.fullmatch(found.text) and not found.text.endswith(".py")]
    assert len(named) > 20
    assert not [found for found in named if found.text not in nodes and not is_parameter(found.text)]


def is_parameter(name: str) -> bool:
    pipeline, *fields = name.split(".")
    model: Any = MODELS[pipeline]
    for field in fields:
        if not (isinstance(model, type) and issubclass(model, BaseModel)) or field not in model.model_fields:
            return False
        model = model.model_fields[field].annotation
    return True


def test_files_and_entries_that_are_named_exist() -> None:
    of_the_repository = re.compile(r"(conf|docs|notebooks|benchmarks|src/animl_kedro|tests)/[\w./-]+\.\w+")
    files = [found for found in words() if of_the_repository.fullmatch(found.text) and not is_yours(found.text)]
    assert len(files) > 5
    assert not [found for found in files if not (ROOT / found.text).exists()]
    assert all(is_entry(name) for found in words() for name in LOADED.findall(found.text))


def test_links_between_files_lead_to_files() -> None:
    found = links()
    assert len(found) > 50
    assert not [link for link in found if not (ROOT / link.where).parent.joinpath(link.text).exists()]


def is_yours(path: str) -> bool:
    """Whether a file is one that a person writes, and no part of the repository."""
    return path.startswith("conf/local/") or Path(path).name == "credentials.yml"

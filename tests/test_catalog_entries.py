"""Every entry of the catalog in every environment: complete, checked, versioned, described, and used."""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
import yaml
from kedro.config import OmegaConfigLoader
from kedro.framework.project import pipelines, settings
from kedro.framework.startup import bootstrap_project
from kedro.io import AbstractDataset, AbstractVersionedDataset, CatalogConfigResolver
from kedro.io.core import parse_dataset_definition

from animl_kedro import tables
from projects import ROOT

CONF = ROOT / "conf"
ENVIRONMENTS = sorted(path.name for path in CONF.iterdir() if path.is_dir() and path.name != "local")
LAYERS = ("raw", "intermediate", "primary", "feature", "model_input", "models", "model_output", "reporting")
TABLES = ("ParquetDataset", "CSVDataset")

UNUSED = {"run_manifest": "a hook writes it at the end of every run"}
"""Entries that no pipeline reads or writes, and why they are there."""

READ_IN_VERSIONS = {"classifier_card": "a part of the classifier, by its versions"}
"""Entries that no pipeline makes, and why they are versioned all the same."""

MADE_BEFORE_THE_SPLITS = ("ingestion", "detection_cropping")
"""Pipelines whose results need no versions: images and crops are named by their origin, and tables follow them."""

WORKED_IN = ("image_folder", "working_folder", "detector_cache", "inference_progress")
"""Modules of datasets that name a folder in which nodes work, instead of a file that is saved."""


@pytest.fixture(autouse=True)
def bootstrapped() -> None:
    bootstrap_project(ROOT)


@cache
def written(env: str) -> Mapping[str, dict[str, Any]]:
    """The entries of an environment as Kedro reads them, over those of conf/base, and its dataset factories."""
    arguments = settings.CONFIG_LOADER_ARGS | {"default_run_env": env}
    entries: Mapping[str, dict[str, Any]] = OmegaConfigLoader(str(CONF), env=env, **arguments)["catalog"]
    return entries


@cache
def catalog_of(env: str) -> Mapping[str, dict[str, Any]]:
    """The entries of an environment, with what factories make for the pipelines in the place of these."""
    resolver = CatalogConfigResolver({**written(env)})
    made = {name for name in used() if resolver.match_dataset_pattern(name)}
    entries = {name for name in written(env) if not resolver.is_pattern(name)}
    return {name: resolver.resolve_pattern(name) for name in entries | made}


def used() -> set[str]:
    """The names of all datasets of the pipelines."""
    return {name for name in pipelines for name in pipelines[name].datasets() if not name.startswith("param")}


def dataset_of(name: str, env: str) -> AbstractDataset[Any, Any]:
    """The dataset of an entry, made as Kedro makes it, but without credentials, which a new clone has not."""
    return AbstractDataset.from_config(name, {**catalog_of(env)[name]})


def test_environments_are_those_that_are_known() -> None:
    assert ENVIRONMENTS == ["animl", "base", "cluster", "lila"]


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_pipelines_use_every_entry_and_nothing_else(env: str) -> None:
    assert used() | set(UNUSED) == set(catalog_of(env))
    assert not used() & set(UNUSED)


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_factory_makes_several_entries(env: str) -> None:
    resolver = CatalogConfigResolver({**written(env)})
    made = Counter(resolver.match_dataset_pattern(name) for name in used() - set(written(env)))
    assert set(made) == {name for name in written(env) if resolver.is_pattern(name)}
    assert min(made.values()) > 1


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_entry_is_a_dataset_with_a_layer_and_a_description(env: str) -> None:
    for name, entry in catalog_of(env).items():
        dataset_type, _ = parse_dataset_definition({**entry})
        assert dataset_type.__module__.startswith("animl_kedro."), f"{name}: made to write whole files"
        metadata = dataset_of(name, env).metadata  # type: ignore[attr-defined] # each has it
        assert metadata["kedro-viz"]["layer"] in LAYERS, name
        assert len(metadata["description"]) > 10, name


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_table_has_a_schema(env: str) -> None:
    for name, entry in catalog_of(env).items():
        if not entry["type"].endswith(TABLES):
            assert "validator" not in entry, name
            continue
        module, _, schema = entry["validator"].rpartition(".")
        assert module == tables.__name__, name
        assert getattr(tables, schema).to_schema().columns, name


@pytest.mark.parametrize("env", ENVIRONMENTS)
def test_every_entry_from_the_splits_on_is_versioned_and_no_other_is(env: str) -> None:
    late = [name for name in pipelines if name not in (*MADE_BEFORE_THE_SPLITS, "__default__")]
    made = {output for name in late for output in pipelines[name].all_outputs()}
    for name, entry in catalog_of(env).items():
        assert entry.get("versioned", False) is (name in {*made, *UNUSED, *READ_IN_VERSIONS}), name
        if entry.get("versioned"):
            assert isinstance(dataset_of(name, env), AbstractVersionedDataset), name


def test_every_entry_lies_below_the_place_that_the_globals_name() -> None:
    """What is worked in lies below `folders`, everything else that is made below `data`; inputs lie where they are."""
    made = {output for pipeline in pipelines.values() for output in pipeline.all_outputs()} | set(UNUSED)
    text = "\n".join(path.read_text(encoding="utf-8") for path in (CONF / "base" / "catalog").glob("*.yml"))
    for name, entry in yaml.safe_load(text).items():
        if name in made or "{" in name:
            assert entry["filepath"].startswith("${globals:data}/0"), name
        elif entry["type"].split(".")[-2] in WORKED_IN and name != "inference_images":
            assert entry["path"].startswith("${globals:folders}/0"), name

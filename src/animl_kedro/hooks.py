"""What the project does around a run: check that inputs are there, and say at the end where the results are."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path, PurePath
from typing import Any, cast

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import AbstractVersionedDataset, DataCatalog, DatasetError, MemoryDataset, Version
from kedro.pipeline import Pipeline
from rich.console import Console

from animl_kedro.errors import InputError
from animl_kedro.run_manifest.hook import ENTRY as RUN_MANIFEST

logger = logging.getLogger(__name__)

DEFAULT = "__default__"
KEDROS_CATALOG = "kedro.io.data_catalog"
PARAMETER_PREFIXES = ("params:", "parameters")

SHOWN_VERSIONS = 3

ORIGINS = {
    "animl_export": "An export of labels comes from Animl as COCO.",
    "inference_detections": "Results come from MegaDetector, for the images of inference_images.",
    "earlier_predictions": "Without anything to compare with, set no filepath there.",
}
"""Where what no pipeline makes comes from."""


class ParameterNamesHook:
    """Refuses a group of parameters that belongs to no pipeline: it would change nothing, silently."""

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Check the names of the groups. Raises InputError with the name that was probably meant."""
        names = [name for name in pipelines if name != DEFAULT]
        if unknown := sorted(set(context.params) - set(names)):
            close = get_close_matches(unknown[0], names, n=1)
            meant = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(names)}."
            raise InputError(f"The parameters {unknown[0]!r} belong to no pipeline. {meant}")


class DryRunHook:
    """Keeps what a dry run makes in memory, so that it touches nothing."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Take the outputs out of the catalog. Raises InputError where more than the ingestion is to run."""
        del run_params
        if "params:ingestion" not in pipeline.inputs() or not catalog.load("params:ingestion").dry_run:
            return
        if {node.namespace for node in pipeline.nodes} != {"ingestion"}:
            raise InputError(
                "A dry run is of the ingestion alone: kedro run --pipeline=ingestion --params=ingestion.dry_run=true"
            )
        logger.info("dry run: nothing is written")
        with _silenced(KEDROS_CATALOG):  # which warns of each dataset that is replaced
            for name in {*pipeline.all_outputs(), RUN_MANIFEST}:
                catalog[name] = MemoryDataset()


@contextmanager
def _silenced(name: str) -> Iterator[None]:
    silenced = logging.getLogger(name)
    before, silenced.disabled = silenced.disabled, True
    try:
        yield
    finally:
        silenced.disabled = before


CAME_WITH_PREDICTIONS = ("training_history", "classifier_card")
"""What the report tells of how predictions came about."""


class OldVersionHook:
    """Goes back to what there was when a version of the predictions was new, where that version is reported again."""

    @hook_impl
    def after_catalog_created(self, catalog: DataCatalog, load_versions: dict[str, str] | None) -> None:
        """Choose the version before it to compare with, and the training that it came from.

        Of the latter that is the newest version that is not newer, unless one is asked for.
        """
        versions = load_versions or {}
        reported = versions.get("predictions")
        if not reported:
            return
        if "earlier_predictions" in catalog:
            from animl_kedro.datasets.earlier_predictions import EarlierPredictionsDataset  # noqa: PLC0415 - only here

            if isinstance(earlier := catalog["earlier_predictions"], EarlierPredictionsDataset):
                earlier.report_version(reported)
        for name in CAME_WITH_PREDICTIONS:
            if name in catalog and name not in versions:
                _go_back(catalog[name], reported)


def _go_back(dataset: object, version: str) -> None:
    """Load the newest version of a dataset that is not newer than this one, if there is one."""
    if isinstance(dataset, AbstractVersionedDataset) and dataset._version:
        found = (PurePath(path).parent.name for path in dataset._get_versions())
        if then := max((each for each in found if each <= version), default=None):
            dataset._version = Version(then, dataset._version.save)


class MissingInputsHook:
    """Refuses a run whose inputs are not there, and names the pipeline that makes them."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Check every input that the run does not make itself.

        Raises InputError with the inputs that are absent and the commands that make them, or with the version that is
        asked for and is not there.
        """
        absent = _absent_inputs(pipeline, catalog)
        _check_versions(absent, run_params.get("load_versions") or {}, catalog)
        if absent:
            commands = [f"kedro run --pipeline={name}" for name in _pipelines_to_run(absent, catalog)]
            advice = f"Run first: {', then '.join(commands)}" if commands else _advice_for_sources(catalog, absent)
            raise InputError(f"This run needs {', '.join(absent)}, which the catalog does not hold yet. {advice}")


def _absent_inputs(pipeline: Pipeline, catalog: DataCatalog) -> list[str]:
    inputs = sorted(name for name in pipeline.inputs() if not name.startswith(PARAMETER_PREFIXES))
    return [name for name in inputs if not catalog.exists(name)]


def _check_versions(absent: list[str], asked: Mapping[str, str], catalog: DataCatalog) -> None:
    """Raises InputError where what is absent is a version that `--load-versions` names."""
    for name in absent:
        dataset = catalog[name]
        if name in asked and isinstance(dataset, AbstractVersionedDataset):
            try:
                versions = dataset.list_versions(full_path=False)[:SHOWN_VERSIONS]
            except DatasetError:  # there is none
                return
            raise InputError(f"{name} has no version {asked[name]!r}. The newest are {', '.join(versions)}.")


def _pipelines_to_run(absent: list[str], catalog: DataCatalog) -> list[str]:
    """The pipelines that make what is absent, and what is absent for these in turn, in the order of the data."""
    needed: set[str] = set()
    while absent:
        makers = {name for name in pipelines if name != DEFAULT and pipelines[name].all_outputs() & set(absent)}
        absent = [dataset for name in makers - needed for dataset in _absent_inputs(pipelines[name], catalog)]
        needed |= makers
    return [name for name in pipelines if name in needed]


def _advice_for_sources(catalog: DataCatalog, absent: list[str]) -> str:
    places = [f"{name} at {catalog[name]._describe().get('filepath')}" for name in absent]
    return (
        f"Expected is {', '.join(places)}: put the file there, or set another path in conf/local/catalog.yml. "
        f"({ORIGINS.get(absent[0], ORIGINS['animl_export'])})"
    )


RESULTS = {
    "report": "Report",
    "metrics": "All metrics",
    "label_errors": "Labels to look at",
    "animl_thresholds": "Thresholds for Animl",
    "promotion": "Verdict for programs",
}
"""What a person looks for after a run, and what it is called."""


class FinalWordsHook:
    """Says at the end of a run what came out and where it is."""

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the average precision where it was measured, the verdict, and the paths of what was written."""
        del run_params
        outputs = pipeline.all_outputs()
        console = Console()
        if "average_precision" in outputs:
            from animl_kedro.pipelines.reporting.terminal import terminal_table  # noqa: PLC0415 - only where shown

            level = catalog.load("params:reporting").confidence_level
            console.print(terminal_table(catalog.load("average_precision"), level))
        if "promotion" in outputs:
            from animl_kedro.pipelines.reporting.terminal import terminal_verdict  # noqa: PLC0415 - only where shown

            console.print(terminal_verdict(catalog.load("promotion")))
        for name, title in RESULTS.items():
            if name in outputs:
                console.print(
                    f"{title + ':':22}{_address(catalog, name)}", soft_wrap=True, markup=False, highlight=False
                )


def _address(catalog: DataCatalog, name: str) -> str:
    """What a person can open: the URL of the report on this machine, the path of a table, or the address in a store."""
    dataset = cast("AbstractVersionedDataset[Any, Any]", catalog[name])
    path, protocol = dataset._get_load_path(), dataset._describe()["protocol"]
    if protocol != "file":
        return f"{protocol}://{path}"
    resolved = Path(path).resolve()
    if name == "report":
        return resolved.as_uri()
    return str(resolved.relative_to(Path.cwd()) if resolved.is_relative_to(Path.cwd()) else resolved)

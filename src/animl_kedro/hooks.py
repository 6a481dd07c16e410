"""What the project does around a run: check that inputs are there, and say at the end where the results are."""

import logging
from pathlib import Path
from typing import Any, cast

from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import AbstractVersionedDataset, DataCatalog
from kedro.pipeline import Pipeline
from rich.console import Console

from animl_kedro.errors import InputError

logger = logging.getLogger(__name__)

PARAMETER_PREFIXES = ("params:", "parameters")


class MissingInputsHook:
    """Refuses a run whose inputs are not there, and names the pipeline that makes them."""

    @hook_impl
    def before_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Check every input that the run does not make itself.

        Raises InputError with the inputs that are absent and the commands that make them.
        """
        del run_params
        inputs = sorted(name for name in pipeline.inputs() if not name.startswith(PARAMETER_PREFIXES))
        absent = [name for name in inputs if not catalog.exists(name)]
        if absent:
            makers = {name: _maker_of(name) for name in absent}
            commands = [f"kedro run --pipeline={maker}" for maker in dict.fromkeys(filter(None, makers.values()))]
            advice = f"Run first: {', then '.join(commands)}" if commands else _advice_for_sources(catalog, absent)
            raise InputError(f"This run needs {', '.join(absent)}, which the catalog does not hold yet. {advice}")


def _maker_of(dataset: str) -> str | None:
    """The pipeline that makes a dataset, if one does."""
    named = ((name, pipeline) for name, pipeline in pipelines.items() if name != "__default__")
    return next((name for name, pipeline in named if dataset in pipeline.all_outputs()), None)


def _advice_for_sources(catalog: DataCatalog, absent: list[str]) -> str:
    places = [f"{name} at {catalog[name]._describe().get('filepath')}" for name in absent]
    return (
        f"Expected is {', '.join(places)}: put the file there (Animl exports it as COCO), or set another path in "
        "conf/local/catalog.yml."
    )


class FinalWordsHook:
    """Says at the end of a run what came out and where it is."""

    @hook_impl
    def after_pipeline_run(self, run_params: dict[str, Any], pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Print the average precision where it was measured, and the path of the report where one was written."""
        del run_params
        outputs = pipeline.all_outputs()
        console = Console()
        if "average_precision" in outputs:
            from animl_kedro.pipelines.reporting.terminal import terminal_table  # noqa: PLC0415 - only where shown

            console.print(terminal_table(catalog.load("average_precision")))
        if "report" in outputs:
            report = cast("AbstractVersionedDataset[str, str]", catalog["report"])
            path = Path(report._get_load_path())
            console.print(f"Report: {path.resolve().as_uri()}", soft_wrap=True)

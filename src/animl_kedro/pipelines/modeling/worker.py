"""The part of a further host in a training on several: ``python -m animl_kedro.pipelines.modeling.worker --host=1``.

It loads the same crops and parameters as the node on the first host, trains with it, and saves nothing.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import click
from kedro.framework.cli.project import run
from kedro.framework.session import KedroSession
from kedro.framework.startup import bootstrap_project
from kedro.io import DatasetError
from kedro.validation.exceptions import ParameterValidationError

from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.nodes import classify_folds, train_classifier
from animl_kedro.pipelines.modeling.pipeline import create_pipeline
from animl_kedro.tables import with_splits

logger = logging.getLogger(__name__)

INPUTS = ("labeled_crops", "splits", "sample_weights", "label_index", "crop_images", "training_checkpoints")


def main(arguments: Sequence[str] | None = None) -> int:
    """Train as one of several hosts; what is wrong with the input is told in a line, and the exit code is then 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", type=int, required=True, help="the number of this host, from 1; the node's is 0")
    parser.add_argument("--env", help="the environment of the configuration, the same as on the first host")
    parser.add_argument("--params", type=_as_kedro_run, help="as kedro run has them, the same as on the first host")
    options = parser.parse_args(arguments)
    try:
        work(Path.cwd(), options.env, options.host, options.params)
    except (InputError, ParameterValidationError, DatasetError) as error:
        logger.error("%s", error)  # noqa: TRY400 - the message says all that a person can do
        return 1
    return 0


def _as_kedro_run(text: str) -> dict[str, Any]:
    """Parameters as `kedro run --params` takes them: name=value, and commas between them."""
    (option,) = (option for option in run.params if option.name == "params")
    try:
        parsed: dict[str, Any] = option.process_value(click.Context(run), text)
    except click.UsageError as error:
        raise argparse.ArgumentTypeError(error.message) from error
    return parsed


def work(project: Path, env: str | None, host: int, runtime_params: dict[str, Any] | None = None) -> None:
    """Train with the host 0. Raises InputError where the configuration knows no such host, or training does."""
    bootstrap_project(project)
    with KedroSession.create(project, env=env, runtime_params=runtime_params) as session:
        context = cast(KedroSession, session).load_context()  # Kedro's annotation has less
        params: Any = context.params["modeling"]
        if not 0 < host < params.hosts:
            raise InputError(
                f"This is to be host {host}, and modeling.hosts is {params.hosts}: expected a number from 1 to "
                f"{params.hosts - 1}. Set modeling.hosts, or --host."
            )
        labeled_crops, splits, sample_weights, label_index, crop_images, checkpoints = map(context.catalog.load, INPUTS)
    prepare_torch()
    from animl_kedro.pipelines.modeling.folds import classify_out_of_fold  # noqa: PLC0415 - torch takes seconds
    from animl_kedro.pipelines.modeling.train import train  # noqa: PLC0415 - as above

    crops = with_splits(labeled_crops, splits)
    for node in create_pipeline().nodes:  # in the order in which the first host trains
        if node.func is train_classifier:
            train(crops, sample_weights, label_index, crop_images, params, host=host)
        elif node.func is classify_folds and params.folds:
            classify_out_of_fold(crops, label_index, crop_images, params, checkpoints, host)


if __name__ == "__main__":
    sys.exit(main())

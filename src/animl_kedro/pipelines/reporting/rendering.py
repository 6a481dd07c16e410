"""The report: one page that needs nothing but itself.

Whatever comes from outside reaches the page through the template alone, which escapes it.
"""

from collections.abc import Mapping
from functools import cache

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL.Image import Image

from animl_kedro import __version__
from animl_kedro.pipelines.reporting import charts, sections, wording
from animl_kedro.pipelines.reporting.galleries import collect_galleries
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.scores import located
from animl_kedro.pipelines.reporting.training import summarize_training

NAMES = {"test": "Test", "val": "Validation", "train": "Training", "all": "All"}
"""What the splits are called on the page."""


def render_report(
    average_precision: pd.DataFrame,
    precision_recall_curves: pd.DataFrame,
    confusion_matrix: pd.DataFrame,
    training_history: pd.DataFrame,
    predictions: pd.DataFrame,
    crops: pd.DataFrame,
    crop_images: Mapping[str, Image],
    params: ReportingParams,
) -> str:
    """The report as one HTML page. Raises InputError where predictions and crops do not belong together."""
    rows = located(predictions, crops)
    classes = sections.score_rows(average_precision, "class")
    means = sections.score_rows(average_precision, "mean")
    return _template().render(
        title=params.title,
        headline=sections.headline(classes, means),
        classes=classes,
        means=means,
        curves=sections.curves(precision_recall_curves, classes),
        confusion=sections.confusion_rows(confusion_matrix),
        training=summarize_training(training_history),
        galleries=collect_galleries(predictions, crops, crop_images, params.examples_per_class),
        counts=sections.split_counts(rows),
        shared_locations=sections.shared_locations(rows),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__, ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": wording.score,
        "counted": wording.counted,
        "count": "{:,}".format,
        "percent": "{:.0%}".format,
    }
    environment.globals |= {
        "names": NAMES,
        "splits": [split.value for split in wording.SPLITS],
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "version": __version__,
    }
    return environment.get_template("report.html.jinja")

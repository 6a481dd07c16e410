"""The report: one page that needs nothing but itself.

Whatever comes from outside reaches the page through the template alone, which escapes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from PIL.Image import Image

from animl_kedro import __version__
from animl_kedro.pipelines.reporting import charts, findings, sections, wording
from animl_kedro.pipelines.reporting.galleries import collect_galleries
from animl_kedro.pipelines.reporting.model_card import flattened, read_card
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.pipelines.reporting.scores import located
from animl_kedro.pipelines.reporting.training import summarize_training
from animl_kedro.tables import GroupKind

NAMES = {"test": "Test", "val": "Validation", "train": "Training", "all": "All"}
"""What the splits are called on the page."""

GROUP_NAMES = {
    GroupKind.LOCATION: "By location",
    GroupKind.LIGHT: "By day and night",
    GroupKind.SIZE: "By size",
    GroupKind.CONFIDENCE: "By confidence of the detection",
    GroupKind.MONTH: "By month",
}


@dataclass(frozen=True)
class Results:
    """The tables that a report tells of."""

    average_precision: pd.DataFrame
    class_scores: pd.DataFrame
    metrics: Mapping[str, Any]
    precision_recall_curves: pd.DataFrame
    reliability: pd.DataFrame
    confusion_matrix: pd.DataFrame
    performance_by_group: pd.DataFrame
    label_errors: pd.DataFrame
    recommended_thresholds: pd.DataFrame
    sequence_average_precision: pd.DataFrame
    comparison: pd.DataFrame
    promotion: Mapping[str, Any]
    training_history: pd.DataFrame
    classifier_card: Mapping[str, Any]


def render_report(
    results: Results,
    predictions: pd.DataFrame,
    crops: pd.DataFrame,
    crop_images: Mapping[str, Image],
    params: ReportingParams,
) -> str:
    """The report as one HTML page. Raises InputError where predictions and crops do not belong together."""
    located_rows = located(predictions, crops)
    classes = sections.score_rows(results.average_precision, "class")
    means = sections.score_rows(results.average_precision, "mean")
    return _template().render(
        title=params.title,
        intended_use=params.intended_use,
        limits=params.limits,
        level=f"{params.confidence_level:.0%}".replace("%", " %"),
        headline=sections.headline(classes, means),
        classes=classes,
        means=means,
        decided_of=sections.decided_of(results.class_scores),
        promotion=results.promotion,
        comparison=findings.compared(results.comparison),
        curves=sections.curves(results.precision_recall_curves, classes),
        measures=findings.measures(results.metrics),
        bins=findings.reliability_bins(results.reliability),
        confusion=sections.confusion_rows(results.confusion_matrix),
        groups=findings.group_tables(results.performance_by_group),
        galleries=collect_galleries(predictions, crops, crop_images, params.examples_per_class),
        suspects=findings.likeliest_label_errors(results.label_errors),
        thresholds=findings.thresholds(results.recommended_thresholds),
        sequences=sections.score_rows(results.sequence_average_precision, "class"),
        sequence_means=sections.score_rows(results.sequence_average_precision, "mean"),
        score_of={(rows is means, row.label): row.scores[0] for rows in (classes, means) for row in rows},
        counts=sections.split_counts(located_rows),
        shared_locations=sections.shared_locations(located_rows),
        training=summarize_training(results.training_history),
        card=read_card(results.classifier_card, predictions),
        parameters=flattened(params.model_dump(mode="json", exclude={"title", "intended_use", "limits"})),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader(__package__, "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "score": wording.score,
        "interval": wording.interval,
        "origin": wording.origin,
        "change": wording.change,
        "counted": wording.counted,
        "count": "{:,}".format,
        "percent": "{:.0%}".format,
    }
    environment.globals |= {
        "names": NAMES,
        "group_names": GROUP_NAMES,
        "verdicts": wording.VERDICTS,
        "splits": [split.value for split in wording.SPLITS],
        "width": charts.WIDTH,
        "height": charts.HEIGHT,
        "version": __version__,
    }
    return environment.get_template("report.html.jinja")

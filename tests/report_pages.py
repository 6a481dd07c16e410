"""Reports made from small tables by the pipeline itself, and a strict reader of their HTML."""

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.formats.earlier_predictions import NO_EARLIER_PREDICTIONS
from animl_kedro.pipelines.reporting import create_pipeline
from reporting_factories import PARAMS, make_crops, make_history, make_predictions

VOID = {"meta", "img", "br", "hr", "link", "input", "path", "use"}


class Page(HTMLParser):
    """The page's elements, attributes and text; elements that are not closed in order are an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.pieces).split())

    def values(self, *names: str) -> list[str]:
        return [value for name, value in self.attributes if name in names]


def make_inputs(predictions: pd.DataFrame | None = None, **others: Any) -> dict[str, Any]:
    """What the reporting pipeline takes; `params` are its parameters' differences from `PARAMS`."""
    predictions = make_predictions() if predictions is None else predictions
    params = PARAMS.model_copy(update=others.pop("params", {}))
    return {
        "predictions": predictions,
        "crops": others["crops"] if "crops" in others else make_crops(predictions),
        "crop_images": ImageFolder(Path("there-is-no-such-folder")),
        "training_history": make_history(),
        "classifier_card": {},
        "earlier_predictions": NO_EARLIER_PREDICTIONS,
        "params:reporting": params,
    } | others


def make_results(inputs: dict[str, Any]) -> dict[str, Any]:
    """The inputs, and what all nodes before the report make of them."""
    results = dict(inputs)
    for node in create_pipeline().to_outputs("report").nodes[:-1]:
        results |= node.run({name: results[name] for name in node.inputs})
    return results


def write_report(results: dict[str, Any]) -> str:
    """The page, by the pipeline's own node."""
    (node,) = create_pipeline().only_nodes("reporting.write_report").nodes
    report = node.run({name: results[name] for name in node.inputs})["report"]
    assert isinstance(report, str)
    return report


def make_report(predictions: pd.DataFrame | None = None, **others: Any) -> str:
    """The page from the inputs of the pipeline: see `make_inputs`."""
    return write_report(make_results(make_inputs(predictions, **others)))

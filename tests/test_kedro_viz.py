"""The graph in kedro-viz: complete, in layers, with previews, and shown by a browser."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from kedro.framework.project import pipelines

from browsers import Browser, browser, needs_chromium
from projects import Project
from viz_pages import VizBuild, served

LAYERS = ["raw", "intermediate", "primary", "model_input", "models", "model_output", "reporting"]

PREVIEWS = {
    "crops": "TablePreview",
    "rejected_boxes": "TablePreview",
    "average_precision": "TablePreview",
    "predictions": "TablePreview",
    "average_precision_json": "JSONPreview",
    "split_scores": "JSONPreview",
    "label_map": "JSONPreview",
    "classifier": "JSONPreview",
    "split_plot": "ImagePreview",
    "training_plot": "ImagePreview",
    "precision_recall_plot": "ImagePreview",
    "precision_recall_figure": "PlotlyPreview",
    "crop_samples": "ImagePreview",
    "image_store": "ImagePreview",
    "crop_images": "ImagePreview",
    "report": "HTMLPreview",
}
"""One or more of tables, metrics, plots, contact sheets, galleries, and the report."""


@pytest.fixture(scope="module")
def built(walked: Project) -> VizBuild:
    """The whole graph of a project that has been run, previews included, as `kedro viz build` writes it."""
    command = [sys.executable, "-m", "kedro", "viz", "build", "--include-previews"]
    result = subprocess.run(command, cwd=walked.folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "could not be previewed" not in result.stdout + result.stderr
    return VizBuild(walked.folder / "build")


def test_graph_has_every_pipeline_with_its_nodes(built: VizBuild) -> None:
    assert [pipeline["id"] for pipeline in built.graph["pipelines"]] == list(pipelines)
    tasks = {node["full_name"] for node in built.graph["nodes"] if node["type"] == "task"}
    assert tasks == {node.name for node in pipelines["__default__"].nodes}


def test_graph_is_in_layers_of_which_every_dataset_is_in_one(built: VizBuild) -> None:
    assert built.graph["layers"] == LAYERS
    datasets = [node for node in built.graph["nodes"] if node["type"] == "data"]
    without = {node["name"] for node in datasets if node["layer"] not in LAYERS}
    assert without <= {"animl_export", "image_archive"}  # those of conf/local, as a person writes them


def test_every_node_of_the_graph_shows_what_it_does(built: VizBuild) -> None:
    for node in built.graph["nodes"]:
        if node["type"] == "task":
            code = built.details(node["name"])["code"]
            assert code.partition('"""')[2].partition("\n")[0].rstrip('"').endswith("."), node["name"]


@pytest.mark.parametrize("name", PREVIEWS)
def test_dataset_has_a_preview_of_its_kind(built: VizBuild, name: str) -> None:
    details = built.details(name)
    assert details["preview_type"] == PREVIEWS[name]
    assert details["preview"]


# In a browser


@pytest.fixture(scope="module")
def page(built: VizBuild, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The graph in a browser, with all its pipelines open."""
    profile: Path = tmp_path_factory.mktemp("profile")
    with served(built.folder) as address, browser(profile) as opened:
        opened.send("Emulation.setDeviceMetricsOverride", width=1600, height=1000, deviceScaleFactor=1, mobile=False)
        opened.visit(f"{address}/?pid=__default__&expandAllPipelines=true")
        yield opened


@needs_chromium
def test_browser_shows_the_five_pipelines_and_their_layers(page: Browser) -> None:
    page.wait_for("document.querySelectorAll('.pipeline-node').length > 80")
    shown = page.value_of("document.body.innerText")
    for name in ("ingestion", "detection_cropping", "dataset_split", "modeling", "reporting", *LAYERS):
        assert name in shown


@pytest.mark.parametrize(
    ("name", "selector"),
    [
        ("average_precision", ".preview-table"),
        ("split_plot", "img[src^='data:image/png;base64,']"),
        ("precision_recall_figure", ".js-plotly-plot"),
    ],
)
@needs_chromium
def test_browser_shows_a_preview_beside_the_graph(page: Browser, built: VizBuild, name: str, selector: str) -> None:
    address = page.value_of("location.origin")
    page.visit(f"{address}/?pid=__default__&expandAllPipelines=true&sid={built.nodes[name]['id']}")
    page.wait_for(f'document.querySelector(".pipeline-metadata {selector}")')

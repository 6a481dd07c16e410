"""The pipeline as a whole, its catalog entries and its parameters."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from kedro.io import CatalogConfigResolver, DataCatalog
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.pipelines.reporting import create_pipeline
from animl_kedro.pipelines.reporting.parameters import ReportingParams
from factories import catalog_entries
from report_pages import make_inputs
from reporting_factories import HOSTILE_LABELS, make_predictions, without

CONF = Path(__file__).parents[3] / "conf" / "base"


def make_catalog(folder: Path) -> DataCatalog:
    """The catalog entries of the project, with their files below another folder."""
    entries = catalog_entries("reporting")
    return DataCatalog.from_config(
        {name: entry | {"filepath": str(folder / entry["filepath"])} for name, entry in entries.items()}
    )


def run(folder: Path, predictions: pd.DataFrame) -> DataCatalog:
    catalog = make_catalog(folder)
    for name, value in make_inputs(predictions, crop_images=ImageFolder(folder)).items():
        if name not in catalog:
            catalog[name] = value
    SequentialRunner().run(create_pipeline(), catalog)
    return catalog


def test_pipeline_outputs_are_all_versioned_entries_of_the_catalog() -> None:
    resolver, outputs = CatalogConfigResolver(catalog_entries("reporting")), create_pipeline().all_outputs()
    named = {name for name in catalog_entries("reporting") if not resolver.is_pattern(name)}
    assert {"report", "earlier_predictions"} <= named <= outputs | {"earlier_predictions"}
    for name in outputs:
        entry = resolver.resolve_pattern(name)
        assert entry["versioned"] is True
        assert entry["filepath"].startswith("data/08_reporting/")
        assert entry["metadata"]["kedro-viz"] == {"layer": "reporting"}
        assert entry["metadata"]["description"]


@pytest.mark.filterwarnings("ignore:Glyph .* missing from font")
def test_pipeline_run_writes_files_that_load_as_they_were(tmp_path: Path) -> None:
    predictions = without(make_predictions(HOSTILE_LABELS, crops=600), "test", "NA")
    catalog = run(tmp_path, predictions)
    table = catalog.load("average_precision")
    by_split = catalog.load("average_precision_json")
    assert table.loc[table["split"] == "test", "label"].tolist()[: len(HOSTILE_LABELS)] == sorted(HOSTILE_LABELS)
    for row in table[table["kind"] == "class"].itertuples():
        value = by_split[row.split]["classes"][row.label]["average_precision"]
        assert value == row.average_precision or (value is None and pd.isna(row.average_precision))
    assert by_split["test"]["not_measurable"] == ["NA"]
    assert len(catalog.load("confusion_matrix")) == 3 * len(HOSTILE_LABELS) ** 2
    assert set(catalog.load("precision_recall_curves")["label"]) == set(HOSTILE_LABELS)
    assert catalog.load("report").startswith("<!doctype html>")
    for name in ("precision_recall_plot", "reliability_plot", "confusion_matrix_plot"):
        (picture,) = tmp_path.glob(f"data/08_reporting/{name}.png/*/*.png")
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_parameters_of_the_project_are_valid() -> None:
    parameters = yaml.safe_load((CONF / "parameters" / "reporting.yml").read_text())
    assert list(parameters) == ["reporting"]
    assert ReportingParams.model_validate(parameters["reporting"]) == ReportingParams()


@pytest.mark.parametrize("fault", [{"titel": "x"}, {"title": ""}, {"examples_per_class": -1}])
def test_parameters_with_a_fault_name_it(fault: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(fault))):
        ReportingParams.model_validate(fault)


def test_import_of_the_pipeline_stays_light() -> None:
    heavy = {"matplotlib", "plotly", "jinja2", "sklearn", "torch"}
    code = f"import sys, animl_kedro.pipelines.reporting; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"

"""The notebooks are committed without outputs, use the catalog and public functions alone, and run.

So does the Python of README and the documentation.
"""

import ast
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

from animl_kedro.boxes import RelativeBox
from markdown_pages import blocks
from projects import ROOT, Project

PICTURES = {"01_explore_images": 6, "02_inspect_crops_and_splits": 5, "03_results": 4}
"""How many pictures each notebook shows."""


def read(name: str) -> Any:
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
    return nbformat.reads(text, as_version=4)  # type: ignore[no-untyped-call]


def code_of(name: str) -> str:
    cells = [cell["source"] for cell in read(name).cells if cell["cell_type"] == "code"]
    return "\n".join(line for cell in cells for line in cell.splitlines() if not line.startswith("%"))


def test_every_notebook_is_tested() -> None:
    assert {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")} == set(PICTURES)


@pytest.mark.parametrize("name", PICTURES)
def test_notebook_is_committed_without_outputs(name: str) -> None:
    for cell in read(name).cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
        assert cell["metadata"] == {}


@pytest.mark.parametrize("name", PICTURES)
def test_notebook_uses_the_catalog_and_public_functions_alone(name: str) -> None:
    tree = ast.parse(code_of(name))
    imported = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    for node in imported:
        assert isinstance(node, ast.ImportFrom)
        module = node.module or ""
        assert module.startswith("animl_kedro.")
        assert not any(part.startswith("_") for alias in node.names for part in [*module.split("."), alias.name])
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not {attribute for attribute in attributes if attribute.startswith(("_", "read_"))}
    assert len(code_of(name).splitlines()) < 40


@pytest.mark.parametrize("name", PICTURES)
def test_notebook_runs_from_top_to_bottom(walked: Project, name: str) -> None:
    notebook = read(name)
    NotebookClient(notebook, resources={"metadata": {"path": str(walked.folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == PICTURES[name]
    assert not [output for output in outputs if output["output_type"] in ("error", "stream")]


PAGES = {found.where.split(":")[0] for found in blocks("python")}


@pytest.mark.parametrize("page", sorted(PAGES))
def test_python_of_a_page_runs(walked: Project, page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its top to its bottom, as in a notebook; what the reader would put in is here."""
    catalog = walked.catalog
    picture = next(iter(catalog.load("crop_images").values()))
    for name in ("crop.jpg", "photograph.jpg", "photo.jpg", "a.jpg", "b.png", "1.jpg", "2.jpg"):
        picture.save(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    names = {"catalog": catalog, "Image": Image, "array": np.asarray(picture), "RelativeBox": RelativeBox}
    names |= {"box": [0.1, 0.2, 0.3, 0.4], "ymin": 0.1, "xmin": 0.2, "ymax": 0.5, "xmax": 0.6}
    for found in blocks("python"):
        if found.where.startswith(f"{page}:"):
            lines = ["" if line.startswith("%") else line for line in found.text.splitlines()]
            exec(compile("\n".join(lines), found.where, "exec"), names)

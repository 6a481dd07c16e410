"""What docs/cameratraps.md gives to be typed makes files that are CameraTraps' own."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from efficientnet_pytorch import EfficientNet

from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.weight_files import read_state
from animl_kedro.formats.earlier_predictions import read_earlier_predictions
from markdown_pages import blocks

PREDICTIONS = pd.DataFrame(
    {
        "crop_id": ["island/a.jpg___crop00.jpg", "island/b.jpg___crop00.jpg"],
        "split": ["train", "test"],
        "label": ["fox", "bird"],
        "probability_bird": [0.25, 0.75],
        "probability_fox": [0.75, 0.25],
        "logit_bird": [0.0, 1.0],
        "logit_fox": [1.0, 0.0],
    }
)


def typed(about: str, entry: Any) -> None:
    """Run the block of the page with this in it, where every entry of the catalog is `entry`."""
    (code,) = [
        found.text for found in blocks("python") if found.where.startswith("docs/cameratraps") and about in found.text
    ]
    exec(code, {"catalog": SimpleNamespace(load=lambda name: entry)})


def test_outputs_of_a_split_are_read_as_those_of_evaluate_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    typed("outputs_test.csv.gz", PREDICTIONS)
    read = read_earlier_predictions(tmp_path / "outputs_test.csv.gz", "outputs").table
    assert read.to_dict("records") == [
        {
            "crop_id": "island/b.jpg___crop00.jpg",
            "split": "test",
            "label": "bird",
            "probability_bird": 0.75,
            "probability_fox": 0.25,
        }
    ]


def test_checkpoint_fits_the_network_of_efficientnet_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    typed("checkpoint.pt", SimpleNamespace(network=build_network("efficientnet-b0", 3, 64)))
    network = EfficientNet.from_name("efficientnet-b0", num_classes=3)
    network.load_state_dict(read_state(tmp_path / "checkpoint.pt"))

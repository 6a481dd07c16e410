"""A second host, as a person starts it: on this machine, at the address of loopback."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.errors import InputError
from animl_kedro.formats.calibration import AS_IT_IS
from animl_kedro.pipelines.dataset_split.nodes import weigh_crops
from animl_kedro.pipelines.modeling.worker import main
from crop_factories import make_crops, make_labeled_crops, split_crops, split_params, write_crops
from hosts import free_address
from projects import TINY_TRAINING, Project


def make_project(folder: Path, address: str, *, folds: bool = False) -> Project:
    """One that is ready to train on two hosts."""
    project = Project(folder)
    hosts = {"hosts": 2, "processes": 1, "main_address": address, "device": "cpu"}
    project.configure("parameters", {"modeling": TINY_TRAINING | hosts | {"folds": folds}})
    crops = make_crops(crops=45)
    write_crops(crops, folder / "data" / "03_primary" / "crops")
    labeled = make_labeled_crops(crops)
    splits = split_crops(labeled, split_params())
    tables = {
        "labeled_crops": labeled,
        "splits": splits,
        "sample_weights": weigh_crops(labeled, splits, AS_IT_IS),
        "label_index": {str(number): label for number, label in enumerate(sorted(set(labeled["label"])))},
        "crop_settings": CroppingParams().model_dump(mode="json"),
    }
    catalog = project.catalog
    for name, table in tables.items():
        catalog.save(name, table)
    return project


def test_worker_trains_with_the_first_host_on_a_copy_of_the_data_and_saves_nothing(tmp_path: Path) -> None:
    project = make_project(tmp_path / "first", free_address())
    second = shutil.copytree(project.folder, tmp_path / "second", copy_function=shutil.copy)
    command = [sys.executable, "-m", "animl_kedro.pipelines.modeling.worker", "--host=1"]
    with subprocess.Popen(command, cwd=second, stderr=subprocess.PIPE, text=True) as worker:
        try:
            project.run("modeling")
            _, told = worker.communicate()
        finally:
            worker.kill()
    assert worker.returncode == 0, told
    assert not (second / "data" / "06_models").exists()
    catalog = project.catalog
    assert catalog.load("classifier").provenance["training"]["processes"] == 2
    splits, predictions = catalog.load("splits"), catalog.load("predictions")
    assert predictions["crop_id"].tolist() == sorted(splits["crop_id"])
    val = catalog.load("training_history").query("split == 'val'").iloc[0]
    assert round(val["images_per_second"] * val["seconds"]) == (splits["split"] == "val").sum()


def test_worker_begins_with_what_the_first_host_begins_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Folds and the classifier itself are trained in Kedro's order of the nodes."""

    def refuse(name: str) -> Callable[..., NoReturn]:
        def training(*_: object, **__: object) -> NoReturn:
            raise InputError(f"begun with {name}")

        return training

    for module, name in (("train", "train"), ("folds", "classify_out_of_fold")):
        monkeypatch.setattr(f"animl_kedro.pipelines.modeling.{module}.{name}", refuse(name))
    project = make_project(tmp_path, "localhost:1", folds=True)
    with pytest.raises(InputError, match="begun with") as told:
        project.run("modeling")
    monkeypatch.chdir(project.folder)
    assert main(["--host=1"]) == 1
    assert str(told.value) in caplog.messages


def test_worker_takes_the_parameters_that_the_run_of_the_first_host_was_given(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(make_project(tmp_path, "localhost:1").folder)
    assert main(["--host=7"]) == 1
    assert "modeling.hosts is 2" in caplog.messages[-1]
    assert main(["--host=7", "--params=modeling.hosts=4,modeling.epochs=3"]) == 1
    assert "modeling.hosts is 4" in caplog.messages[-1]
    assert main(["--host=1", "--params=modeling.epoch=3"]) == 1
    assert "did you mean 'epochs'?" in caplog.messages[-1]
    with pytest.raises(SystemExit):
        main(["--host=1", "--params=modeling.epochs"])
    assert "separated by `=`" in capsys.readouterr().err

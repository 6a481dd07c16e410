"""Cropping that is interrupted, or loses its workers, here or on a cluster, ends with the same crops."""

import multiprocessing
import os
import random
import signal
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from animl_kedro import executors
from animl_kedro.files import TEMPORARY_NAME
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping import crops as crops_module
from animl_kedro.pipelines.detection_cropping.cropping import Crop, CropTask, Rejected, crop_image
from animl_kedro.pipelines.detection_cropping.parameters import CroppingParams
from crop_scenes import Scene, scene
from factories import cropping_params, make_annotations

IMAGES = 40
KILLS = 6
forkserver = multiprocessing.get_context("forkserver")
forkserver.set_forkserver_preload(["crop_scenes"])


def large_scene(folder: Path) -> Scene:
    """Images with an animal or two."""
    labels = ({"image": n // 2, "box": (n, n, 30, 20)} for n in range(2 * IMAGES - 10))
    return scene(folder, make_annotations(*labels), images=IMAGES)


def files_of(here: Scene) -> dict[str, bytes]:
    return {crop_id: here.crops.read(crop_id) for crop_id in here.crops}


def leftovers(folder: ImageFolder) -> list[Path]:
    return [path for path in folder.root.rglob("*") if TEMPORARY_NAME.fullmatch(path.name)]


def crop_in_this_process(here: Scene) -> None:
    here.make()


def test_cropping_that_is_killed_at_any_moment_ends_with_the_same_crops(tmp_path: Path) -> None:
    whole = large_scene(tmp_path / "whole")
    expected = whole.make()
    rng = random.Random(5)
    interrupted = 0
    for number in range(KILLS):
        here = Scene(whole.images, whole.annotations, whole.store, ImageFolder(tmp_path / f"crops {number}"))
        process = forkserver.Process(target=crop_in_this_process, args=(here,))
        process.start()
        last = rng.randint(1, len(expected.crops))
        while process.is_alive() and len(here.crops) < last:
            process.join(0.001)
        process.kill()
        process.join()
        there = len(here.crops)
        interrupted += 0 < there < len(expected.crops)
        again = here.make()
        assert (again.made, again.crops, again.rejected) == (len(expected.crops) - there, expected.crops, [])
        assert files_of(here) == files_of(whole)
    assert interrupted > KILLS // 4


def test_cropping_after_a_kill_removes_what_was_left_half_written(tmp_path: Path) -> None:
    here = large_scene(tmp_path)
    here.make()
    half = here.crops.path_of("island/camera").joinpath(".0123456789ab.part")
    half.write_bytes(b"half")
    here.make()
    assert leftovers(here.crops) == []


# Workers that are lost


def crop_or_die(task: CropTask, *, mark: Path, always: str, **options: Any) -> list[Crop | Rejected]:
    """Crop an image, but end the process at the first image of all, and at one image always."""
    try:
        mark.touch(exist_ok=False)
    except FileExistsError:
        pass
    else:
        os.kill(os.getpid(), signal.SIGKILL)
    if task.image == always:
        os.kill(os.getpid(), signal.SIGKILL)
    return crop_image(task, **options)


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use processes for few images as well."""
    monkeypatch.setattr(executors, "FEW_TASKS", 2)


def tables(made: Any) -> tuple[Any, Any]:
    return made.crops, made.rejected


@pytest.mark.usefixtures("few_are_many")
def test_cropping_whose_worker_dies_once_ends_with_the_same_crops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = large_scene(tmp_path / "expected").make()
    here = large_scene(tmp_path / "here")
    monkeypatch.setattr(crops_module, "crop_image", partial(crop_or_die, mark=tmp_path / "died", always=""))
    assert tables(here.make(processes=2)) == tables(expected)
    assert (tmp_path / "died").exists()


@pytest.mark.usefixtures("few_are_many")
def test_image_that_ends_its_process_each_time_is_rejected_and_the_others_are_cropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = large_scene(tmp_path / "here")
    always = "island/camera/0007.jpg"
    monkeypatch.setattr(crops_module, "crop_image", partial(crop_or_die, mark=tmp_path / "died", always=always))
    made = here.make(processes=2)
    assert {row["reason"] for row in made.rejected} == {"worker_lost"}
    assert {row["image_id"] for row in made.rejected} == {"island:0007"}
    assert len(made.crops) + len(made.rejected) == len(here.annotations)


def test_cropping_on_a_cluster_whose_worker_is_killed_gives_the_same_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distributed = pytest.importorskip("distributed")
    expected = large_scene(tmp_path / "expected").make()
    here = large_scene(tmp_path / "here")
    monkeypatch.setattr(crops_module, "crop_image", partial(crop_or_die, mark=tmp_path / "died", always=""))
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=":0"
    )
    with cluster:
        made = here.run_nodes(cropping_params(executor=cluster.scheduler_address))
    assert (tmp_path / "died").exists()
    local = large_scene(tmp_path / "local").run_nodes()
    pd.testing.assert_frame_equal(made.crops, local.crops)
    assert made.crops["crop_id"].tolist() == [row["crop_id"] for row in expected.crops]
    assert CroppingParams(max_side=None).checksum() == made.crops["settings"][0]

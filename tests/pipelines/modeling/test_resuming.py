"""A training that was killed goes on as if nothing had been."""

import logging
import multiprocessing
import random
import time
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from animl_kedro.classifier.changes import CHANGED_SQUARE
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling import fingerprints
from animl_kedro.pipelines.modeling.checkpoints import Checkpoints
from animl_kedro.pipelines.modeling.fingerprints import differences, fingerprint_of
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.training import Outcome
from crop_factories import make_crops, make_labeled_crops, write_crops
from tiny_training import FINGERPRINT, tiny_params, tiny_training, train_and_write, train_or_go_on

ALWAYS = 1e-9
"""Minutes between checkpoints with which there is one after every step."""

EVERYTHING: dict[str, Any] = {
    "ema_decay": 0.9,
    "mixup": 0.2,
    "cutmix": 1.0,
    "accumulate": 2,
    "head_only_epochs": 1,
    "label_smoothing": 0.1,
    "focal_gamma": 1.0,
}


def without_times(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name not in ("seconds", "images_per_second")} for row in history
    ]


def assert_same(one: Outcome, weights: dict[str, torch.Tensor], history: list[dict[str, Any]]) -> None:
    assert without_times(one.history) == without_times(history)
    assert one.weights.keys() == weights.keys()
    for name, tensor in one.weights.items():
        assert torch.equal(tensor, weights[name]), name


def test_training_killed_three_times_ends_with_the_same_weights_and_history(tmp_path: Path) -> None:
    """Kill it with -9 at three random moments; its parent has torch loaded, so that each start is quick."""
    params = tiny_params(epochs=15, checkpoint_minutes=ALWAYS, **EVERYTHING)
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiny_training"])
    kills, rng = 0, random.Random(time.time_ns())
    while not (tmp_path / "outcome.pt").is_file():
        process = context.Process(target=train_and_write, args=(tmp_path, params))
        process.start()
        if kills < 3:
            wait_for(tmp_path / "training.pt", process)
            process.join(rng.uniform(0.01, 0.3))
            kills += process.is_alive()
            process.kill()
        process.join(120)
        assert process.exitcode in (0, -9)
    assert kills == 3
    outcome = torch.load(tmp_path / "outcome.pt", weights_only=True)
    torch.set_num_threads(1)
    assert_same(train_or_go_on(tmp_path / "other", params), outcome["weights"], outcome["history"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "outcome.pt"]


def wait_for(file: Path, process: Any) -> None:
    deadline = time.monotonic() + 60
    while not file.is_file() and process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize("options", [{}, EVERYTHING, {"optimizer": "rmsprop"}])
def test_training_interrupted_within_an_epoch_ends_the_same(tmp_path: Path, options: dict[str, Any]) -> None:
    params = tiny_params(epochs=2, checkpoint_minutes=ALWAYS, **options)
    states: list[Any] = []
    whole = tiny_training(params, save=lambda state: states.append(torch_copy(state))).run()
    for state in states[2], states[len(states) // 2], states[-1]:
        training = tiny_training(params)
        training.load(state)
        resumed = training.run()
        assert_same(whole, resumed.weights, resumed.history)


def torch_copy(state: Any) -> Any:
    """What the state is after it was written and read."""
    file = BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_checkpoint_of_changed_parameters_is_left_and_the_log_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save({"epoch": 3}, {"modeling.seed": "0", "the crops": "abc"})
    assert checkpoints.load({"modeling.seed": "1", "the crops": "def"}) is None
    assert "training starts anew" in caplog.text
    assert "modeling.seed (it was 0, and is 1), the crops" in caplog.text
    assert checkpoints.load({"modeling.seed": "0", "the crops": "abc"}) == {"epoch": 3}


def test_checkpoint_that_is_damaged_is_left(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "training.pt").write_bytes(b"not a checkpoint")
    assert Checkpoints(tmp_path).load(FINGERPRINT) is None
    assert "is no checkpoint that can be read" in caplog.text


def test_checkpoint_with_code_in_it_is_not_executed(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return Path.touch, (tmp_path / "executed",)

    torch.save({"format": 1, "fingerprint": FINGERPRINT, "state": Evil()}, tmp_path / "training.pt")
    assert Checkpoints(tmp_path).load(FINGERPRINT) is None
    assert not (tmp_path / "executed").exists()


def test_checkpoints_without_a_folder_keep_nothing() -> None:
    checkpoints = Checkpoints(None)
    checkpoints.save({}, {})
    checkpoints.remove()
    assert checkpoints.load({}) is None


def test_training_saves_after_every_epoch_and_seldom_within() -> None:
    states: list[Any] = []
    tiny_training(tiny_params(epochs=2), save=states.append).run()
    assert len(states) == 2


def make_crop_table(folder: Path) -> tuple[pd.DataFrame, ImageFolder]:
    crops = make_crops(crops=12)
    images = write_crops(crops, folder)
    return make_labeled_crops(crops).assign(split="train"), images


def test_fingerprint_tells_what_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crops, images = make_crop_table(tmp_path)
    weights, labels, params = np.ones(12), ("bird", "fox", "lizard"), tiny_params()
    before = fingerprint_of(crops, weights, labels, images, params)

    def changes(
        crops: pd.DataFrame = crops, weights: np.ndarray = weights, params: ModelingParams = params
    ) -> list[str]:
        return differences(before, fingerprint_of(crops, weights, labels, images, params))

    assert changes() == []
    assert changes(params=tiny_params(loader_workers=1, checkpoint_minutes=1, tensorboard=True)) == []
    assert changes(params=tiny_params(seed=1)) == ["modeling.seed (it was 0, and is 1)"]
    assert changes(crops=crops.assign(label="fox")) == ["their labels"]
    assert changes(crops=crops.assign(split="val")) == ["their splits"]
    assert changes(weights=weights * 2) == ["how often each is drawn"]
    assert "the crops" in changes(crops=crops.iloc[1:])
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "CHANGED_SQUARE", None if CHANGED_SQUARE else print)
        assert changes() == ["what makes the pixels that are learned from"]
    images.path_of(crops["crop_id"].iloc[0]).write_bytes(b"another crop")
    assert changes() == ["the crop files", "when the crop files were written"]


def test_fingerprint_knows_another_file_of_weights_under_the_same_name(tmp_path: Path) -> None:
    crops, images = make_crop_table(tmp_path / "crops")
    params = tiny_params(weights=str(tmp_path / "weights.pt"))
    prints = []
    for content in (b"one", b"two"):
        (tmp_path / "weights.pt").write_bytes(content)
        prints.append(fingerprint_of(crops, None, ("bird",), images, params))
    assert differences(*prints) == ["the file of weights"]

"""TensorBoard logs, as TensorBoard itself reads them."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from animl_kedro.pipelines.modeling.tensorboard import open_logs
from tiny_training import tiny_params


def write_epoch(folder: Path, epoch: int, *, resumed: bool) -> None:
    with open_logs(folder, "training", tiny_params(tensorboard=True), resumed=resumed) as report:
        common = {"epoch": epoch, "learning_rate": 0.1, "best": True}
        report(common | {"split": "train", "loss": 0.5}, common | {"split": "val", "loss": 0.25 * epoch})


def read_logs(folder: Path) -> dict[str, dict[int, float]]:
    """Values by step, of every name."""
    logs = EventAccumulator(str(folder / "tensorboard" / "training")).Reload()
    return {
        name: {event.step: round(event.value, 6) for event in logs.Scalars(name)} for name in logs.Tags()["scalars"]
    }


def test_logs_hold_every_measure_of_both_splits_and_go_on_with_a_training_that_was_killed(tmp_path: Path) -> None:
    write_epoch(tmp_path, 1, resumed=False)
    write_epoch(tmp_path, 2, resumed=True)
    assert read_logs(tmp_path) == {
        "train/learning_rate": {1: 0.1, 2: 0.1},
        "train/loss": {1: 0.5, 2: 0.5},
        "val/learning_rate": {1: 0.1, 2: 0.1},
        "val/loss": {1: 0.25, 2: 0.5},
    }


def test_logs_of_another_training_are_gone(tmp_path: Path) -> None:
    write_epoch(tmp_path, 7, resumed=False)
    write_epoch(tmp_path, 1, resumed=False)
    assert set(read_logs(tmp_path)["val/loss"]) == {1}


def test_logs_that_are_not_wanted_are_not_made(tmp_path: Path) -> None:
    with open_logs(tmp_path, "training", tiny_params(), resumed=False) as report:
        report({"epoch": 1, "split": "train"}, {"epoch": 1, "split": "val"})
    assert not list(tmp_path.iterdir())

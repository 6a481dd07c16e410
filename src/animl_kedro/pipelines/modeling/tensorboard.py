"""The history of training as TensorBoard logs, for those who look at it while it runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.parameters import ModelingParams

NO_MEASURES = ("epoch", "split", "best")
"""What a row of the history has besides numbers to draw."""


@contextmanager
def open_logs(
    folder: Path | None, name: str, params: ModelingParams, *, resumed: bool
) -> Iterator[Callable[[Mapping[str, Any], Mapping[str, Any]], None]]:
    """Give what takes an epoch's rows of the history; it does nothing where no logs are wanted.

    They lie in `tensorboard/<name>` below the folder of checkpoints; those of another training are removed first.
    Raises InputError where TensorBoard is not installed.
    """
    if folder is None or not params.tensorboard:
        yield lambda *_: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise InputError(
            "modeling.tensorboard is true, and TensorBoard is not installed: pip install 'animl-kedro[tensorboard]'"
        ) from error
    logs = folder / "tensorboard" / name
    if not resumed and logs.is_dir():
        for old in logs.glob("events.out.tfevents.*"):
            old.unlink()
    with SummaryWriter(str(logs)) as writer:
        yield lambda *rows: write_rows(writer, rows)


def write_rows(writer: Any, rows: tuple[Mapping[str, Any], ...]) -> None:
    """Write every measure of the rows, named split/measure."""
    for row in rows:
        for measure, value in row.items():
            if measure not in NO_MEASURES:
                writer.add_scalar(f"{row['split']}/{measure}", value, row["epoch"])
    writer.flush()

"""What a killed training goes on from: one file, written whole, that executes nothing when it is read."""

import logging
import os
from pathlib import Path
from typing import Any

import torch

from animl_kedro.files import TEMPORARY_NAME, written_whole
from animl_kedro.pipelines.modeling.fingerprints import Fingerprint, differences

logger = logging.getLogger(__name__)

State = dict[str, Any]
"""Tensors, numbers and text, in dictionaries and lists."""

FORMAT = 1
"""To be counted up whenever the state has other parts."""

TOLD = 3
"""Changes that a message names."""


class Checkpoints:
    """The newest state of one training in a file. Without a folder nothing is kept."""

    def __init__(self, folder: Path | None, name: str = "training") -> None:
        self._file = None if folder is None else folder / f"{name}.pt"

    def save(self, state: State, fingerprint: Fingerprint) -> None:
        """Write the state in place of the one before; it survives a failure of power as well."""
        if self._file is None:
            return
        content = {"format": FORMAT, "fingerprint": fingerprint, "state": state}
        with written_whole(self._file) as temporary, temporary.open("wb") as file:
            torch.save(content, file)
            file.flush()
            os.fsync(file.fileno())

    def load(self, fingerprint: Fingerprint) -> State | None:
        """Give the state to go on from; None, and in the log why, where it is of another training or cannot be read."""
        if self._file is None or not self._file.parent.is_dir():
            return None
        _remove_leftovers(self._file.parent)
        if not self._file.is_file():
            return None
        try:
            content = torch.load(self._file, map_location="cpu", weights_only=True)
            changes = (
                ["its format"] if content["format"] != FORMAT else differences(content["fingerprint"], fingerprint)
            )
        except Exception as error:
            logger.warning("training starts anew: %s is no checkpoint that can be read (%s)", self._file, error)
            return None
        if changes:
            more = f", and {len(changes) - TOLD} more" if len(changes) > TOLD else ""
            told = ", ".join(changes[:TOLD]) + more
            logger.info("training starts anew: since the checkpoint %s these have changed: %s", self._file, told)
            return None
        state: State = content["state"]
        return state

    def remove(self) -> None:
        """Remove the state of a training that has ended."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


def _remove_leftovers(folder: Path) -> None:
    """Remove what a killed run left half written: it is as large as a checkpoint."""
    for path in folder.iterdir():
        if TEMPORARY_NAME.fullmatch(path.name):
            path.unlink(missing_ok=True)

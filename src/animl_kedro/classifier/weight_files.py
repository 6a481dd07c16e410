"""Files and folders that weights are read from. No pickle is executed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from animl_kedro.classifier.folder import CARD, WEIGHTS
from animl_kedro.errors import InputError

PARALLEL = "module."
"""What torch's DataParallel puts before every name."""


@dataclass(frozen=True)
class Start:
    """A state dict, and where it is from; an earlier classifier's has its labels and backbone with it."""

    state: dict[str, torch.Tensor]
    from_where: str
    labels: tuple[str, ...] | None = None
    backbone: str | None = None


def read_start(path: Path) -> Start:
    """Read a file of weights, or a classifier's folder: see `start_from`. Raises InputError where it is neither."""
    return _read_classifier(path) if path.is_dir() else Start(read_state(path), str(path))


def _read_classifier(path: Path) -> Start:
    folder = newest_classifier(path)
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        labels, backbone = tuple(card["labels"]), str(card["backbone"])
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{folder / CARD} is not the description of a classifier: {error!r}") from error
    return Start(read_state(folder / WEIGHTS), f"the classifier in {folder}", labels, backbone)


def newest_classifier(path: Path) -> Path:
    """The folder with a classifier's two files: the one at `path`, or in its newest version, as Kedro names them.

    Raises InputError where there is none.
    """
    depths = ("", "*/", "*/*/")  # itself; classifier.json's folder in a version; that in a version in the dataset
    complete = [card.parent for depth in depths for card in path.glob(f"{depth}{CARD}")]
    complete = [folder for folder in complete if (folder / WEIGHTS).is_file()]
    if not complete:
        raise InputError(f"{path} holds no classifier: expected are {CARD} and {WEIGHTS}, or folders of its versions.")
    return max(complete, key=lambda folder: folder.relative_to(path).parts)


def read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a state dict or a checkpoint of CameraTraps. Raises InputError where a file is neither."""
    content = _read(path)
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not state or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f'{path} holds neither a state dict nor {{"model": state dict}}.')
    if all(name.startswith(PARALLEL) for name in state):
        state = {name.removeprefix(PARALLEL): tensor for name, tensor in state.items()}
    return state


def _read(path: Path) -> Any:
    from safetensors.torch import load_file  # noqa: PLC0415 - only where weights are read

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever a strange file makes the readers raise, it is the file that is wrong.
        raise InputError(f"{path} is not a file of weights that can be read safely: {error}") from error

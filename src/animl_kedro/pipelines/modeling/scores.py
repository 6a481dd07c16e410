"""How well a network does on the crops of one pass over a split."""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from animl_kedro.average_precision import mean_average_precisions

MERGE_EVERY = 64
"""Batches after which logits are moved from the device: a GPU would wait for each single one."""


class Scores:
    """Collects the (n, n_classes) logits and (n,) targets of a pass, which a checkpoint can keep.

    Loss is the plain cross-entropy, whatever training minimises, so that it can be compared between runs and splits.
    """

    def __init__(self) -> None:
        self._logits: list[torch.Tensor] = []
        self._targets: list[torch.Tensor] = []
        self._earlier_seconds = 0.0
        self._started = time.monotonic()

    def add(self, logits: torch.Tensor, targets: torch.Tensor) -> None:
        """Count a batch."""
        self._logits.append(logits.detach().float())
        self._targets.append(targets)
        if len(self._logits) >= MERGE_EVERY:
            self._merge()

    def state(self) -> dict[str, Any]:
        """What `load` takes, on the CPU."""
        if self._logits:
            self._merge()
        return {"logits": list(self._logits), "targets": list(self._targets), "seconds": self.seconds}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; the time between does not count."""
        self._logits, self._targets = list(state["logits"]), list(state["targets"])
        self._earlier_seconds, self._started = state["seconds"], time.monotonic()

    @property
    def seconds(self) -> float:
        """Wall time of the pass so far."""
        return self._earlier_seconds + time.monotonic() - self._started

    def all(self) -> tuple[torch.Tensor, torch.Tensor]:
        """All logits and targets, on the CPU."""
        self._merge()
        return self._logits[0], self._targets[0]

    def _merge(self) -> None:
        self._logits = [torch.cat([logits.cpu() for logits in _joined(self._logits)])]
        self._targets = [torch.cat([targets.cpu() for targets in _joined(self._targets)])]


def _joined(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """The tensors of each device as one, those of the CPU first: they are the earlier ones."""
    by_device: dict[torch.device, list[torch.Tensor]] = {}
    for tensor in tensors:
        by_device.setdefault(tensor.device, []).append(tensor)
    return [torch.cat(group) for group in by_device.values()]


def summarize(logits: torch.Tensor, targets: torch.Tensor, seconds: float) -> dict[str, float]:
    """Loss, accuracies, macro average precision over the classes that occur, seconds and images a second."""
    top = logits.topk(min(3, logits.shape[1]), dim=1).indices
    return {
        "loss": functional.cross_entropy(logits, targets).item(),
        "accuracy": (logits.argmax(dim=1) == targets).double().mean().item(),
        "top3_accuracy": (top == targets[:, None]).any(dim=1).double().mean().item(),
        "macro_average_precision": macro_average_precision(logits.double().softmax(dim=1).numpy(), targets.numpy()),
        "seconds": seconds,
        "images_per_second": len(targets) / max(seconds, 1e-9),
    }


def macro_average_precision(probabilities: np.ndarray, targets: np.ndarray) -> float:
    """Mean average precision of the classes that occur in `targets`; 0 where none does."""
    is_positive = targets[:, None] == np.arange(probabilities.shape[1])
    return float(np.nan_to_num(mean_average_precisions(is_positive, probabilities)["macro"]))


def score_of(row: Mapping[str, Any], metric: str) -> tuple[float, float]:
    """What is higher for the better of two epochs: the metric, and of equals the lower loss."""
    value = -row["loss"] if metric == "loss" else row[metric]
    return (value if math.isfinite(value) else -math.inf), -row["loss"]

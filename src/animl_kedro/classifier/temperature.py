"""Calibration: one number, the temperature, that makes probabilities mean what they say.

Networks are surer of themselves than they are right. Their logits are divided by a temperature, so that of the crops
with a probability of 0.9 about nine in ten are what they are taken for; which class is the likeliest does not change.

Source: Guo et al. 2017, On Calibration of Modern Neural Networks.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

COLDEST, HOTTEST = 0.05, 20.0
"""The bounds of temperatures."""

STEPS = 60
"""Halvings of the stretch between the bounds: to the last digits of a float."""


@dataclass(frozen=True)
class Calibration:
    """A temperature, and what it does to the mean log-loss of the crops that it was found on.

    ``remark`` tells, where it is not None, why it is not simply the temperature with the lowest log-loss.
    """

    temperature: float
    crops: int
    log_loss_before: float | None
    log_loss_after: float | None
    remark: str | None = None


def probabilities_of(logits: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """(n, n_classes) probabilities of logits at a temperature; rows sum to 1."""
    scaled = logits.astype(np.float64) / temperature
    powers: NDArray[np.float64] = np.exp(scaled - scaled.max(axis=1, keepdims=True, initial=-np.inf))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers


def log_loss(logits: NDArray[np.floating], targets: NDArray[np.integer], temperature: float = 1.0) -> float:
    """The mean of minus the logarithm of the right class's probability; targets are (n,) class indices."""
    scaled = logits.astype(np.float64) / temperature
    right = scaled[np.arange(len(targets)), targets]
    return float((np.logaddexp.reduce(scaled, axis=1) - right).mean())


def fit_temperature(logits: NDArray[np.floating], targets: NDArray[np.integer]) -> Calibration:
    """Find the temperature with the lowest log-loss for (n, n_classes) logits and (n,) targets.

    Where every crop is taken for what it is, there is none: the colder, the lower the log-loss, down to certainty.
    Then the targets are softened as if of n + 2 such crops one were of any class (Platt 1999): n crops prove no more.
    Without crops, or with one class only, the temperature is 1.
    """
    n_crops, n_classes = logits.shape
    if not n_crops or n_classes < 2:
        reason = "there is no crop to calibrate on" if not n_crops else "there is one class only"
        return Calibration(1.0, n_crops, None, None, f"{reason}: probabilities are the network's own")
    separable = bool((logits.argmax(axis=1) == targets).all())
    temperature = _flattest(logits.astype(np.float64), targets, 1 / (n_crops + 2) if separable else 0.0)
    before, after = log_loss(logits, targets), log_loss(logits, targets, temperature)
    remark = None
    if separable:
        remark = f"all {n_crops} crops were taken for what they are: the temperature allows for one in {n_crops + 2}"
    elif np.isclose(temperature, (COLDEST, HOTTEST), rtol=1e-9).any():
        remark = f"the log-loss has no minimum between the temperatures {COLDEST} and {HOTTEST}"
    return Calibration(temperature, n_crops, before, after, remark)


def _flattest(logits: NDArray[np.float64], targets: NDArray[np.integer], softening: float) -> float:
    """Where the slope of the log-loss changes its sign: it is convex in 1 / temperature, so there is one such place."""
    wanted = (1 - softening) * logits[np.arange(len(targets)), targets] + softening * logits.mean(axis=1)
    coldest, hottest = np.log(COLDEST), np.log(HOTTEST)
    for _ in range(STEPS):
        middle = (coldest + hottest) / 2
        expected = (probabilities_of(logits, float(np.exp(middle))) * logits).sum(axis=1)
        if (expected - wanted).mean() > 0:  # surer than it is right
            coldest = middle
        else:
            hottest = middle
    return float(np.exp(hottest))

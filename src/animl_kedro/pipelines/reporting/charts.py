"""The geometry of the report's charts: SVG paths and ticks, which the template draws."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 300, 150
"""The drawing area of a line chart, in its own units; that of a curve is 100 by 100."""


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in units of the drawing area, and what is written there."""

    place: float
    text: str


@dataclass(frozen=True)
class Line:
    """A named line of a chart."""

    name: str
    path: str


@dataclass(frozen=True)
class LineChart:
    """Values by epoch. ``best`` is the tick of the best epoch, if one is marked."""

    title: str
    lines: Sequence[Line]
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    best: Tick | None


def step_path(recall: Iterable[float], precision: Iterable[float]) -> str:
    """The path of a precision-recall curve in 100 by 100: each precision is continued to the recall before it."""
    steps = [f"{100 * (1 - height):.1f}H{100 * place:.1f}" for place, height in zip(recall, precision, strict=True)]
    return "M0," + "V".join(steps) if steps else ""


def line_chart(
    title: str, lines: dict[str, dict[int, float]], best_epoch: int | None, top: float | None = None
) -> LineChart:
    """Lay out {name: {epoch: value}}; values that are not finite are gaps.

    ``top`` is the end of the vertical axis, if it is fixed.
    """
    epochs = sorted({epoch for values in lines.values() for epoch in values}) or [0]
    finite = [value for values in lines.values() for value in values.values() if math.isfinite(value)]
    y_ticks = ticks(0, top or max(finite, default=0) or 1.0, steps=4)
    first, span = epochs[0], max(epochs[-1] - epochs[0], 1)

    def x(epoch: float) -> float:
        return WIDTH * (epoch - first) / span

    def y(value: float) -> float:
        return HEIGHT * (1 - value / y_ticks[-1])

    x_ticks = [epoch for epoch in ticks(first, epochs[-1], steps=6, whole=True) if first <= epoch <= epochs[-1]]
    return LineChart(
        title,
        [
            Line(name, _path([(x(epoch), y(value)) for epoch, value in sorted(values.items())]))
            for name, values in lines.items()
        ],
        [Tick(x(epoch), f"{epoch:g}") for epoch in x_ticks],
        [Tick(y(value), f"{value:g}") for value in y_ticks],
        None if best_epoch is None else Tick(x(best_epoch), str(best_epoch)),
    )


def ticks(low: float, high: float, steps: int, whole: bool = False) -> list[float]:
    """Round numbers, 1, 2 or 5 times a power of ten apart, from at or below `low` to at or above `high`."""
    rough = (high - low) / steps or 1.0
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
    step = max(step, 1) if whole else step
    start, stop = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(start, max(stop, start + 1) + 1)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    """Straight lines from point to point; after one that is not finite the line begins anew, with a dot."""
    parts = []
    begun = False
    for x, y in points:
        if math.isfinite(y):
            parts.append(f"L{x:.1f},{y:.1f}" if begun else f"M{x:.1f},{y:.1f}h0")
        begun = math.isfinite(y)
    return "".join(parts)

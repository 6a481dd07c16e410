"""The geometry of the report's charts."""

import math
import re

import pytest

from animl_kedro.pipelines.reporting.charts import HEIGHT, WIDTH, line_chart, step_path, ticks


def test_step_path_of_a_curve_encloses_its_average_precision() -> None:
    # the curve of right, wrong, right: average precision (1 + 2/3) / 2
    path = step_path([0.5, 0.5, 1.0], [1.0, 0.5, 2 / 3])
    assert path == "M0,0.0H50.0V50.0H50.0V33.3H100.0"


def test_step_path_of_no_points_is_empty() -> None:
    assert step_path([], []) == ""


@pytest.mark.parametrize(
    ("low", "high", "steps", "expected"),
    [
        (0, 1, 4, [0, 0.5, 1]),
        (0, 3.1, 4, [0, 1, 2, 3, 4]),
        (0, 0.07, 4, [0, 0.02, 0.04, 0.06, 0.08]),
        (0, 700, 4, [0, 200, 400, 600, 800]),
        (5, 5, 4, [5, 6]),
    ],
)
def test_ticks_are_round_and_enclose_the_values(low: float, high: float, steps: int, expected: list[float]) -> None:
    assert ticks(low, high, steps) == pytest.approx(expected)


def test_ticks_of_whole_numbers_are_whole() -> None:
    assert ticks(0, 3, steps=6, whole=True) == [0, 1, 2, 3]


def test_line_chart_places_epochs_and_values() -> None:
    chart = line_chart("Loss", {"train": {0: 2.0, 1: 1.0, 2: 0.0}}, best_epoch=1)
    assert chart.lines[0].path == f"M0.0,0.0h0L{WIDTH / 2},{HEIGHT / 2}L{WIDTH:.1f},{HEIGHT:.1f}"
    assert [tick.text for tick in chart.x_ticks] == ["0", "1", "2"]
    assert chart.best is not None
    assert (chart.best.place, chart.best.text) == (WIDTH / 2, "1")


@pytest.mark.parametrize("gap", [math.nan, math.inf])
def test_line_chart_with_a_value_that_is_not_finite_has_a_gap(gap: float) -> None:
    path = line_chart("Loss", {"val": {0: 1.0, 1: gap, 2: 1.0}}, None).lines[0].path
    assert path.count("M") == 2
    assert "L" not in path
    assert "nan" not in path


@pytest.mark.parametrize("values", [{}, {0: math.nan}, {7: 0.3}, {3: 0.0}])
def test_line_chart_of_hardly_anything_stays_within_its_area(values: dict[int, float]) -> None:
    chart = line_chart("Loss", {"val": values}, None)
    numbers = [float(number) for line in chart.lines for number in re.findall(r"[\d.]+", line.path)]
    assert all(0 <= number <= WIDTH for number in numbers)
    assert len(chart.x_ticks) == 1


def test_line_chart_with_epochs_left_out_connects_the_others() -> None:
    assert line_chart("Loss", {"val": {0: 1.0, 5: 0.5, 10: 0.2}}, None).lines[0].path.count("L") == 2

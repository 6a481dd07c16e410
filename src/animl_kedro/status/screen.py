"""The state of the project on one screen."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from animl_kedro.status.assessment import Assessment, State

STYLES = {
    State.ABSENT: "dim",
    State.INCOMPLETE: "yellow",
    State.UNREADABLE: "red",
    State.OUT_OF_DATE: "yellow",
    State.CURRENT: "green",
}

UNITS = (
    ("day", timedelta(days=1)),
    ("hour", timedelta(hours=1)),
    ("minute", timedelta(minutes=1)),
)


def show(console: Console, assessments: Sequence[Assessment], now: datetime) -> None:
    """Print a row a pipeline: its state, what is there, and since when, in local time."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("pipeline", "state", "what is there", "made"):
        table.add_column(heading)
    for one in assessments:
        state = Text(f"{one.state}: {one.reason}" if one.reason else one.state, STYLES[one.state])
        made = f"{age(now - one.made)}, {one.made.astimezone():%Y-%m-%d %H:%M}" if one.made else ""
        table.add_row(Text(one.stage.name), state, Text(", ".join(one.contents)), made)
    console.print(table)


def age(passed: timedelta) -> str:
    """How long ago, in the largest unit of which there is a whole one."""
    for unit, length in UNITS:
        count = passed // length
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)

"""Which pipelines have run, which are out of date, and what to run next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from animl_kedro.datasets.input_file import InputFile
from animl_kedro.errors import InputError
from animl_kedro.status.contents import UnreadableError, describe
from animl_kedro.status.stages import STAGES, Stage
from animl_kedro.status.stock import Holding, absolute, holding_of


class State(StrEnum):
    """What can be said of a pipeline's results."""

    ABSENT = "not run yet"
    INCOMPLETE = "incomplete"
    UNREADABLE = "cannot be read"
    OUT_OF_DATE = "out of date"
    CURRENT = "up to date"


@dataclass
class Assessment:
    """A pipeline's results: what they are in words, when they were made, their state and the reason for it."""

    stage: Stage
    state: State
    contents: list[str] = field(default_factory=list)
    made: datetime | None = None
    reason: str = ""


def assess_all(catalog: Mapping[str, Any], project: Path) -> list[Assessment]:
    """Assess every pipeline from its entries; an optional one only where something of it is there.

    `catalog` is the configuration of the catalog. Results that are made of results that are not as they must be are
    out of date as well.
    """
    held = _Held(catalog, project)
    assessed: list[Assessment] = []
    for stage in STAGES:
        assessment = _assess(stage, held)
        if assessment.state is State.CURRENT:
            _follow(assessment, assessed)
        if assessment.state is not State.ABSENT or not stage.optional:
            assessed.append(assessment)
    return assessed


class _Held:
    """What the entries hold, each looked up once."""

    def __init__(self, catalog: Mapping[str, Any], project: Path) -> None:
        self._catalog, self._project = catalog, project
        self._found: dict[str, Holding | None] = {}

    def __getitem__(self, name: str) -> Holding | None:
        """Raises UnreadableError where it cannot be told."""
        if name not in self._found:
            try:
                self._found[name] = holding_of(self._catalog.get(name) or {}, self._project)
            except (InputError, OSError) as error:
                raise UnreadableError(str(error)) from error
        return self._found[name]


def _assess(stage: Stage, held: _Held) -> Assessment:
    try:
        outputs = {name: held[name] for name in stage.outputs}
        present = {name: holding for name, holding in outputs.items() if holding}
        if not present:
            return Assessment(stage, State.ABSENT)
        made = max(holding.made for holding in present.values())
        assessment = Assessment(stage, State.CURRENT, made=made)
    except UnreadableError as error:
        return Assessment(stage, State.UNREADABLE, reason=str(error))
    for name, holding in present.items():
        try:
            assessment.contents.append(describe(name, holding))
        except (UnreadableError, InputError) as error:
            assessment.state, assessment.reason = State.UNREADABLE, str(error)
    if assessment.state is State.CURRENT and len(present) < len(outputs):
        absent = next(name for name in outputs if name not in present)
        assessment.state, assessment.reason = State.INCOMPLETE, f"{absent} is absent"
    if assessment.state is State.CURRENT:
        _compare(assessment, present, held)
    return assessment


def _compare(assessment: Assessment, present: Mapping[str, Holding], held: _Held) -> None:
    """Mark results that are older than what they were made of."""
    oldest = min(present, key=lambda name: present[name].written)
    for name in assessment.stage.inputs:
        try:
            source = held[name]
        except UnreadableError:
            continue  # told where it is made
        if source and source.written > present[oldest].written:
            assessment.state, assessment.reason = State.OUT_OF_DATE, f"{name} is newer than {oldest}"
            return


def _follow(assessment: Assessment, before: list[Assessment]) -> None:
    """Mark results of a pipeline as out of date whose inputs have to be made anew."""
    wanted = [one.stage.name for one in before if one.state is not State.CURRENT and not one.stage.optional]
    if wanted:
        assessment.state, assessment.reason = State.OUT_OF_DATE, f"{wanted[0]} comes first"


def advice(assessments: list[Assessment], catalog: Mapping[str, Any], project: Path, env: str | None) -> list[str]:
    """What to do next: commands, after what has to be there for them; none where there is nothing to do."""
    suffix = f" --env={env}" if env else ""
    due = [one.stage.name for one in assessments if one.state is not State.CURRENT]
    if not due:
        return []
    if due[0] != STAGES[0].name:
        return [f"kedro run --pipelines={','.join(due)}{suffix}"]
    return [*_missing_exports(catalog.get("animl_export") or {}, project), f"kedro run{suffix}"]


def _missing_exports(export: Mapping[str, Any], project: Path) -> Iterator[str]:
    """What to do about the files, or folders of packages, where exports are expected and are not."""
    datasets = export.get("datasets")
    sources = datasets.values() if isinstance(datasets, Mapping) else ()
    for source in sources:
        path = str(source.get("filepath")) if isinstance(source, Mapping) else ""
        try:
            if path and not InputFile(absolute(path, project)).exists():
                yield f"put the export of labels at {path}"
        except InputError as error:
            yield str(error)

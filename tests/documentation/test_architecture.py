"""docs/architecture.md tells of every part of the package, and of none that is not there."""

import re

from markdown_pages import words
from projects import ROOT

PACKAGE = ROOT / "src" / "animl_kedro"
NAMED = [found.text for found in words() if found.where.startswith("docs/architecture.md")]


def test_every_part_of_the_package_has_its_place_in_the_house() -> None:
    parts = {path.name + "/" * path.is_dir() for path in PACKAGE.iterdir() if not path.name.startswith("_")}
    parts = {part for part in parts if part.endswith((".py", "/"))} - {"pipelines/"}
    assert parts
    assert parts <= set(NAMED)


def test_every_module_that_is_named_exists() -> None:
    modules = {name for name in NAMED if re.fullmatch(r"[\w/]+\.py", name)}
    assert len(modules) > 30
    assert not [name for name in modules if not [*PACKAGE.rglob(name)]]

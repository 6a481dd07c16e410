"""The messages that docs/troubleshooting.md quotes are those that the code has."""

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from projects import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
QUOTED = re.findall(r"^> (.+)$", PAGE, re.MULTILINE)


@cache
def texts_of_the_code() -> frozenset[str]:
    """Every text of the package, with … where something is put in."""
    paths = (ROOT / "src" / "animl_kedro").rglob("*.py")
    return frozenset(text for path in paths for text in texts_of(ast.parse(path.read_text(encoding="utf-8"))))


def texts_of(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)  # type: ignore[misc]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@pytest.mark.parametrize("message", QUOTED)
def test_quoted_message_is_one_of_the_code(message: str) -> None:
    pattern = re.compile(re.escape(message).replace("…", ".*"))
    assert any(pattern.search(text) for text in texts_of_the_code())


def test_a_message_that_the_code_has_not_is_noticed() -> None:
    assert len(QUOTED) == len(set(QUOTED)) > 30
    assert not any("There is no such message" in text for text in texts_of_the_code())

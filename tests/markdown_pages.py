"""What README and the pages of the documentation hold: blocks of code, commands, and words that are set as code."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from projects import ROOT

PAGES = [ROOT / "README.md", ROOT / "data" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<content>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_PROMPT = re.compile(r"^(?:[\w-]+)?\$ (.*)$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


class Found(NamedTuple):
    """Something on a page; `where` is the page and the line, counted from 1."""

    where: str
    text: str


def blocks(language: str) -> Iterator[Found]:
    """Every block of code in a language, without its indentation."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in _BLOCK.finditer(text):
            if match["language"] == language:
                yield Found(_where(page, text, match.start()), textwrap.dedent(match["content"]))


def commands() -> Iterator[Found]:
    """Every command behind a prompt in a block, and every one within the text that begins as ours do."""
    for where, block in blocks("console"):
        yield from (Found(where, command) for command in _PROMPT.findall(block))
    for where, code in words():
        if re.match(r"(kedro|make|python|pip|[A-Z_]+=\S+ kedro) [^<]", code):
            yield Found(where, code)


def words() -> Iterator[Found]:
    """Everything within the text that is set as code."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        prose = _BLOCK.sub(lambda match: "\n" * match[0].count("\n"), text)
        yield from (Found(_where(page, prose, match.start()), match[1]) for match in _CODE.finditer(prose))


def links() -> list[Found]:
    """The path of every link and picture that leads to a file, as it is written; `where` is the page alone."""
    return [
        Found(str(page.relative_to(ROOT)), path)
        for page in PAGES
        for path in re.findall(r"\]\(((?!\w+:)[^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    ]


def _where(page: Path, text: str, position: int) -> str:
    return f"{page.relative_to(ROOT)}:{text.count(chr(10), 0, position) + 1}"

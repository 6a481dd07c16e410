"""The hook of MkDocs that `make docs` builds the documentation with."""

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Any

from animl_kedro.reference.parameters import parameters_markdown
from animl_kedro.reference.tables import tables_markdown

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.pages import Page

MADE = {"<!-- every parameter -->": parameters_markdown, "<!-- every table -->": tables_markdown}
"""What a page says where something is put that is made of the configuration."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(((?![a-z]+:|#)[^)#\s]+)(#[^)\s]*)?\)")
"""A link to a file, by its text and path."""


def on_page_markdown(markdown: str, *, page: "Page", config: "MkDocsConfig", **_: Any) -> str:
    """Complete a page: with what is made, and without links to files of the repository that are no pages."""
    configuration = Path(config.config_file_path).parent / "conf" / "base"
    for mark, made in MADE.items():
        if mark in markdown:
            markdown = markdown.replace(mark, made(configuration))
    folder = PurePosixPath(page.file.src_uri).parent
    return LINK.sub(lambda match: match[0] if _is_inside(folder, match[2]) else match[1], markdown)


def _is_inside(folder: PurePosixPath, path: str) -> bool:
    """Whether a path that is relative to a folder of the pages leads to one of them, and not out of them."""
    return not normpath(folder / path).startswith("..")

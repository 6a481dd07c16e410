"""`make docs` builds a site without warnings, and its pages load nothing from elsewhere."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from browsers import browser, needs_chromium
from projects import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site as the Makefile builds it: --strict makes every warning an error, of links and anchors too.

    Not with --quiet, which hides warnings from --strict as well.
    """
    folder = tmp_path_factory.mktemp("site")
    (command,) = re.findall(r"\$\(BIN\)/mkdocs (build --strict.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", *command.split(), f"--site-dir={folder}"],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert {line.split()[0] for line in (result.stdout + result.stderr).splitlines()} == {"INFO"}
    return folder


class Page(HTMLParser):
    """What a page loads by itself, and where it leads."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.leads: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.loads += [value for name in ("src", "srcset", "data", "poster") if (value := values.get(name))]
        if (address := values.get("href")) and tag == "a":
            self.leads.append(address)
        elif address and tag == "link" and values.get("rel") != "canonical":
            self.loads.append(address)


def test_every_page_is_built_and_complete(site: Path) -> None:
    for page in (ROOT / "docs").glob("*.md"):
        text = (site / page.with_suffix(".html").name).read_text(encoding="utf-8")
        assert "<!-- every" not in text
    assert 'id="modeling.epochs"' in (site / "parameters.html").read_text(encoding="utf-8")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    pages = [Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html")]
    assert sum(len(page.loads) for page in pages) > 50
    assert not [address for page in pages for address in page.loads if re.match(r"\w+:|//", address)]
    styles = "".join(path.read_text(encoding="utf-8") for path in site.rglob("*.css"))
    assert not re.findall(r"url\([\"']?(?:https?:|//)[^)]*\)|@import", styles)


def test_every_link_leads_to_a_file_of_the_site_or_is_a_whole_address(site: Path) -> None:
    for path in site.rglob("*.html"):
        for address in Page(path.read_text(encoding="utf-8")).leads:
            if ":" in address.split("/")[0]:
                assert re.fullmatch(r"https://[\w.-]+\.\w+(/[^\s<>\"]*)?", address)
            elif path.name != "404.html" and (file := address.partition("#")[0]):
                assert (path.parent / file).resolve().exists(), f"{path.name} leads to {address}"


SEARCH = """
const field = document.querySelector("input.md-search__input");
field.focus();
field.value = "temperature";
field.dispatchEvent(new Event("keyup"));
"""


@needs_chromium
def test_site_is_searched_and_fits_a_telephone_where_it_lies(site: Path, tmp_path: Path) -> None:
    with browser(tmp_path) as tab:
        for page in ("index.html", "parameters.html", "cameratraps.html", "architecture.html"):
            tab.open(site / page, 390)
            assert tab.value_of("document.documentElement.scrollWidth") == 390, page
        tab.value_of(SEARCH)
        tab.wait_for("document.querySelectorAll('.md-search-result__item').length > 2")
        assert not tab.complaints

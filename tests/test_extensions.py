"""What is written in C is built wherever it can be: a fault of it must not hide behind Pillow, which does its work."""

import importlib
import shutil
import subprocess
import sysconfig

import pytest

from projects import ROOT

HEADERS = {
    "animl_kedro._jpeg_region": ("stdio.h", "jpeglib.h"),
    "animl_kedro.classifier._changed_square": ("stdint.h",),
}
"""What each extension includes beside Python.h."""


def lacks(headers: tuple[str, ...]) -> str:
    """Why nothing with these headers can be compiled here; empty where it can."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return "there is no C compiler"
    command = [compiler, f"-I{sysconfig.get_paths()['include']}", "-fsyntax-only", "-x", "c", "-"]
    text = "".join(f"#include <{header}>\n" for header in ("Python.h", *headers))
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else f"headers are absent: {done.stderr[:200]}"


def test_every_extension_is_looked_for() -> None:
    sources = {path.relative_to(ROOT / "src").with_suffix("") for path in (ROOT / "src").rglob("*.c")}
    assert {".".join(source.parts) for source in sources} == set(HEADERS)


@pytest.mark.parametrize("name", HEADERS)
def test_extension_is_built_where_it_can_be(name: str) -> None:
    """Where this fails, the extension does not compile, or the project was installed before there was a compiler."""
    if reason := lacks(HEADERS[name]):
        pytest.skip(f"{name} cannot be built, and Pillow does its work: {reason}")
    importlib.import_module(name)

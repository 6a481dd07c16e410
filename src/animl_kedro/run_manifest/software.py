"""Which software ran: the commit of the project, and the versions of what it depends on."""

import platform
import re
import subprocess
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

import animl_kedro

DISTRIBUTION = "animl-kedro"

GIT_TIMEOUT_S = 10.0
"""Far beyond what is needed, but for a repository on a file system that hangs."""

_FOR_DEVELOPERS = re.compile(r"""extra == ['"](dev|benchmarks)['"]""")
"""Extras that no result depends on."""

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


def package_versions() -> dict[str, str]:
    """The versions of the packages that the project asks for, of those that are installed, by name."""
    try:
        required = requires(DISTRIBUTION) or ()
    except PackageNotFoundError:  # the source is on the path, and nothing installed
        required = ()
    used = [requirement for requirement in required if not _FOR_DEVELOPERS.search(requirement)]
    names = {match.group() for match in map(_NAME.match, used) if match} - {DISTRIBUTION}
    found = {name: _version_of(name) for name in sorted(names)}
    return {DISTRIBUTION: animl_kedro.__version__} | {name: number for name, number in found.items() if number}


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def system() -> dict[str, str]:
    """Python's version, the operating system and the kind of processor; nothing that tells machines of a kind apart."""
    return {"python": platform.python_version(), "system": platform.system(), "processor": platform.machine()}


def source_commit(source: Path = Path(animl_kedro.__file__)) -> dict[str, Any] | None:
    """The commit of the repository that a file of the source belongs to, and whether it was changed since.

    None where the file is in none, as that of an installed wheel, even if it lies in the folder of one.
    """
    folder = source.resolve().parent
    if _git(folder, "ls-files", "--error-unmatch", source.name) is None:
        return None
    commit = _git(folder, "rev-parse", "HEAD")
    changes = _git(folder, "status", "--porcelain", ":/")
    return commit and {"commit": commit, "dirty": None if changes is None else bool(changes)}  # type: ignore[return-value]


def _git(folder: Path, *arguments: str) -> str | None:
    """What git prints, or None where there is no git, or it refuses."""
    command = ["git", "--no-optional-locks", *arguments]
    try:
        result = subprocess.run(  # noqa: S603 - no argument comes from outside
            command, cwd=folder, capture_output=True, text=True, check=True, timeout=GIT_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()

"""The published MegaDetectors: their names, versions and files, and the versions that results of others name."""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from animl_kedro.errors import InputError

RELEASES = "https://github.com/agentmorris/MegaDetector/releases/download"


class Release(NamedTuple):
    """A file of weights as it was published; MD5 is what its publishers tell of it."""

    url: str
    md5: str

    @property
    def file_name(self) -> str:
        """The name of the file, which is best kept."""
        return self.url.rpartition("/")[2]


class DetectorModel(NamedTuple):
    """A published MegaDetector. `version` is what caches and crops are named after; releases are the same network."""

    name: str
    version: str
    releases: tuple[Release, ...]


def _v1000(tree: str, md5: str) -> DetectorModel:
    release = Release(f"{RELEASES}/v1000.0/md_v1000.0.0-{tree}.pt", md5)
    return DetectorModel(f"v1000-{tree}", f"1000.0.0-{tree}", (release,))


# Source: the table known_models in megadetector.detection.run_detector, megadetector 10.0.28.
MODELS = (
    DetectorModel(
        "v5a",
        "5.0a",
        (
            Release(f"{RELEASES}/v5.0/md_v5a.0.1.pt", "60f8e7ec1308554df258ed1f4040bc4f"),
            Release(f"{RELEASES}/v5.0/md_v5a.0.0.pt", "ec1d7603ec8cf642d6e0cd008ba2be8c"),
        ),
    ),
    DetectorModel(
        "v5b",
        "5.0b",
        (
            Release(f"{RELEASES}/v5.0/md_v5b.0.1.pt", "f17ed6fedfac2e403606a08c89984905"),
            Release(f"{RELEASES}/v5.0/md_v5b.0.0.pt", "bc235e73f53c5c95e66ea0d1b2cbf542"),
        ),
    ),
    _v1000("redwood", "74474b3aec9cf1a990da38b37ddf9197"),
    _v1000("cedar", "3d6472c9b95ba687b59ebe255f7c576b"),
    _v1000("larch", "cab94ebd190c2278e12fb70ffd548b6d"),
    _v1000("sorrel", "4339a2c8af7a381f18ded7ac2a4df03e"),
    _v1000("spruce", "1c9d1d2b3ba54931881471fdd508e6f2"),
)

_KNOWN = re.compile(
    r"(?:megadetector|md)?[ _-]*v?"
    r"(?:5(?:\.\d+)*(?P<letter>[ab])(?:\.\d+)*(?:_rebuild.*)?"  # "md_v5a.0.0_rebuild_pt-1.12", as in LILA's results
    r"|(?:1000(?:\.\d+)*-)?(?P<tree>redwood|cedar|larch|sorrel|spruce))"
)
_OLD = re.compile(r"(?:megadetector|md)[ _-]*v(?P<version>\d+(?:\.\d+)*)")
_SUFFIX = re.compile(r"\.(pt|pth|pb|onnx|zip)$")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
MAX_NAME = 37
"""With the longest name of an image and what else is in that of its hundredth crop, these are 255 bytes."""
UNKNOWN = "unknown"


def find_model(name: str) -> DetectorModel | None:
    """The published model of a name, or None: "v5b", "MDV5B", "5.0b", "md_v5b.0.0.pt" are one."""
    match = _KNOWN.fullmatch(_SUFFIX.sub("", name.strip().lower()))
    if not match:
        return None
    wanted = f"5.0{match['letter']}" if match["letter"] else f"1000.0.0-{match['tree']}"
    return next(model for model in MODELS if model.version == wanted)


def known_model(name: str) -> DetectorModel:
    """The published model of a name. Raises InputError with the choices where there is none."""
    if model := find_model(name):
        return model
    names = [model.name for model in MODELS]
    close = get_close_matches(name.strip().lower(), names, n=1)
    meant = f" (did you mean {close[0]!r}?)" if close else ""
    raise InputError(
        f"There is no detector {name!r}{meant}: expected one of {', '.join(names)}, or any name with the file of its "
        "`weights:`."
    )


def version_of_results(info: Mapping[str, Any]) -> str:
    """The version of the detector that results of others name in their ``info``, fit to be part of a file's name."""
    metadata = info.get("detector_metadata")
    named = info.get("detector") or (metadata.get("megadetector_version") if isinstance(metadata, Mapping) else None)
    if not isinstance(named, str):
        return UNKNOWN
    file_name = re.split(r"[/\\]", named.strip())[-1]
    if model := find_model(file_name):
        return model.version
    stem = _SUFFIX.sub("", file_name)
    old = _OLD.fullmatch(stem.lower())
    return old["version"] if old else safe_name(stem)


def safe_name(name: str, max_length: int = MAX_NAME) -> str:
    """A name that can be part of a file's name everywhere."""
    return _UNSAFE.sub("-", name)[:max_length].strip("-._") or UNKNOWN

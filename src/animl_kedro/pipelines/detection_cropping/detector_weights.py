"""The file of a detector's weights: which one it is, where it lies, and whether it is what it should be."""

import hashlib
import logging
import shutil
import urllib.request
from http.client import HTTPException
from pathlib import Path

from animl_kedro.errors import InputError
from animl_kedro.files import written_whole
from animl_kedro.pipelines.detection_cropping.detector_models import (
    MAX_NAME,
    MODELS,
    DetectorModel,
    Release,
    find_model,
    known_model,
    safe_name,
)
from animl_kedro.pipelines.detection_cropping.parameters import DetectorParams

logger = logging.getLogger(__name__)

TIMEOUT_S = 60
"""Without a byte for so long, a download is given up."""


def detector_version(params: DetectorParams) -> str:
    """The version of the detector, without a network and without loading it: "5.0b", "1000.0.0-redwood".

    A file that nobody published gets its name from the parameters and eight digits of its SHA-256, so that what one
    network found is never taken for the findings of another. Raises InputError where the name is unknown or the file
    is absent.
    """
    if params.weights is None:
        return known_model(params.model).version
    path = Path(params.weights)
    if model := _published(_hash(path, "md5")):
        return model.version
    named = find_model(params.model)
    suffix = f"-{_hash(path, 'sha256')[:8]}"
    return (named.version if named else safe_name(params.model, MAX_NAME - len(suffix))) + suffix


def find_weights(params: DetectorParams) -> Path:
    """The file of the weights; a published one is downloaded where it is absent.

    A published file in the folder is used only if its checksum is right: weights are pickles, which may run anything.
    Raises InputError where it is not, or where the file cannot be had.
    """
    if params.weights is not None:
        return Path(params.weights)
    model, folder = known_model(params.model), Path(params.weights_folder)
    for release in model.releases:
        path = folder / release.file_name
        if path.is_file():
            _check(path, path, release)
            return path
    return _download(model, folder)


def _published(md5: str) -> DetectorModel | None:
    return next((model for model in MODELS if md5 in [release.md5 for release in model.releases]), None)


def _hash(path: Path, algorithm: str) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.new(algorithm, usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise InputError(
            f"The detector's weights {path} cannot be read ({error.strerror}): put the file there, or name another one "
            "by `weights:` under `detector:`."
        ) from error


def _check(file: Path, named: Path, release: Release) -> None:
    """Raises InputError where a file, which the message calls `named`, is not the published one."""
    if (md5 := _hash(file, "md5")) != release.md5:
        raise InputError(
            f"{named} is not the file of {release.url}: its MD5 is {md5}, expected {release.md5}. Remove it and fetch "
            "it again; weights of your own are named by `weights:`."
        )


def _download(model: DetectorModel, folder: Path) -> Path:
    """Fetch the newest release of a model's weights. Raises InputError with what to fetch and where to put it."""
    release = model.releases[0]
    path = folder / release.file_name
    logger.info("downloading the weights of MegaDetector %s from %s to %s", model.version, release.url, path)
    try:
        with written_whole(path) as temporary:
            with urllib.request.urlopen(release.url, timeout=TIMEOUT_S) as source, temporary.open("wb") as target:  # noqa: S310 - a fixed https address
                shutil.copyfileobj(source, target)
            _check(temporary, path, release)
    except (OSError, HTTPException) as error:
        raise InputError(
            f"The weights of MegaDetector {model.version} are not in {folder}, and cannot be downloaded ({error}). "
            f"Fetch {release.url} and put it there as {path}, or name a file of weights by `weights:` under "
            "`detector:`."
        ) from error
    return path

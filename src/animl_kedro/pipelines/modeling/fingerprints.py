"""What a training run depends on, so that a checkpoint is gone on with only where nothing of it has changed."""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b, file_digest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import PIL
import torch

from animl_kedro.classifier.changes import CHANGED_SQUARE
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.places import FileStat

Fingerprint = dict[str, str]
"""By what it is of: a parameter as JSON, or a checksum."""

WITHOUT_EFFECT = frozenset(
    {"loader_workers", "checkpoint_minutes", "tensorboard", "folds", "main_address", "halve_batch_on_oom"}
)
"""Parameters that what was trained so far does not depend on."""

FILE_SIZES = "the crop files"
FILE_TIMES = "when the crop files were written"
PIXELS = "what makes the pixels that are learned from"


def fingerprint_of(
    crops: pd.DataFrame,
    weights: np.ndarray | None,
    labels: Sequence[str],
    crop_images: ImageFolder,
    params: ModelingParams,
) -> Fingerprint:
    """The fingerprint of training on `LabeledCrops` with a column split; `weights` are those of the training crops."""
    parameters = {
        f"modeling.{name}": json.dumps(value)
        for name, value in params.model_dump(mode="json").items()
        if name not in WITHOUT_EFFECT
    }
    stats = _file_stats(crops, crop_images)
    return parameters | {
        "the crops": checksum_of(crops["crop_id"]),
        "their labels": checksum_of(crops["label"]),
        "their splits": checksum_of(crops["split"]),
        "how often each is drawn": checksum_of(pd.Series([] if weights is None else weights, dtype=float)),
        "the classes": json.dumps(list(labels)),
        FILE_SIZES: checksum_of(stats["bytes"]),
        FILE_TIMES: checksum_of(stats["modified_ns"]),
        "the file of weights": _checksum_of_file(Path(params.weights)),
        PIXELS: f"Pillow {PIL.__version__}" + (" and the extension" if CHANGED_SQUARE else ""),
        "the version of torch": str(torch.__version__),  # a class of its own, which no checkpoint may hold
    }


def differences(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """What has changed, in words: a parameter with both values, anything else by its name."""
    changed = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return [
        f"{name} (it was {old.get(name, 'absent')}, and is {new.get(name, 'absent')})"
        if name.startswith("modeling.")
        else name
        for name in changed
    ]


def difference_between(mine: Fingerprint, theirs: Fingerprint, host: int) -> str | None:
    """Why host 0 cannot train with another host, or None if it can.

    When files were written may differ, since hosts may have copies of them, and so may pixels by a level.
    """
    changes = [change for change in differences(mine, theirs) if change not in (FILE_TIMES, PIXELS)]
    if not changes:
        return None
    return (
        f"Host {host} is about to train on something else than host 0. These differ: {', '.join(changes)}. Give all "
        "hosts the same data, configuration and versions, and start again on each."
    )


def _file_stats(crops: pd.DataFrame, crop_images: ImageFolder) -> pd.DataFrame:
    """Sizes and times of the crops' files, by one walk; a file that is absent has none."""
    stats, absent = crop_images.stats(), FileStat(-1, 0)
    found = np.array([stats.get(crop_id, absent) for crop_id in crops["crop_id"]], dtype=np.int64)
    return pd.DataFrame(found.reshape(-1, 2), columns=list(FileStat._fields))


def checksum_of(column: pd.Series | pd.DataFrame) -> str:
    """A checksum of a column or a table, in its order."""
    hashes: Any = pd.util.hash_pandas_object(column, index=False)
    return blake2b(hashes.to_numpy().tobytes(), digest_size=16).hexdigest()


def _checksum_of_file(path: Path) -> str:
    """That of a file, or of all in a folder, as an earlier classifier is; nothing where it is neither."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    digest = blake2b(digest_size=16)
    for file in filter(Path.is_file, files):
        with file.open("rb") as content:
            digest.update(file_digest(content, "sha256").digest())
    return digest.hexdigest()

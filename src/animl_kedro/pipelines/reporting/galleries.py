"""Pictures for the report: of every class the surest mistakes and the hits that were least sure."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from PIL.Image import Image

from animl_kedro.images import UnreadableImageError
from animl_kedro.pipelines.reporting.scores import crops_of, scores_by_split
from animl_kedro.pipelines.reporting.wording import dates
from animl_kedro.tables import Split

THUMBNAIL_PIXELS = 224
"""The longer side at the most: twice what the page shows, for fine screens."""

ORIGIN = ["dataset", "image_id", "image_path", "location", "datetime"]


@dataclass(frozen=True)
class Example:
    """A crop that was tested, with what it was taken for.

    ``file`` is the photograph's path below the folder of its data set; ``location`` and ``date`` are empty where they
    are not known. ``picture`` is the address of a JPEG within the page, or missing with the ``fault``.
    """

    crop_id: str
    image_id: str
    file: str
    location: str
    date: str
    predicted: str
    probability: float
    picture: str | None
    fault: str


@dataclass(frozen=True)
class Gallery:
    """The examples of one class; the counts are of all its crops in the test split."""

    label: str
    crops: int
    wrong: int
    mistakes: Sequence[Example]
    hits: Sequence[Example]


def collect_galleries(
    predictions: pd.DataFrame, crops: pd.DataFrame, images: Mapping[str, Image], examples: int
) -> list[Gallery]:
    """A gallery of every class that has a crop in the test split: so many mistakes and hits at the most.

    A mistake is surest where the class that it was taken for is most probable, a hit least sure where its own class is
    least probable. A picture that cannot be read is left out with its fault.
    """
    tested = _tested(predictions, crops)
    if not examples:
        return []
    galleries = []
    for label, rows in tested.groupby("label"):
        wrong = rows["predicted"] != label
        mistakes = rows[wrong].sort_values(["probability", "crop_id"], ascending=[False, True])
        hits = rows[~wrong].sort_values(["probability", "crop_id"])
        galleries.append(
            Gallery(
                str(label),
                crops=len(rows),
                wrong=len(mistakes),
                mistakes=_shown(mistakes.head(examples), images),
                hits=_shown(hits.head(examples), images),
            )
        )
    return galleries


def _tested(predictions: pd.DataFrame, crops: pd.DataFrame) -> pd.DataFrame:
    """The crops of the test split with their class, what they were taken for, and where they come from."""
    scores = dict(scores_by_split(predictions)).get(Split.TEST)
    tested = predictions.loc[predictions["split"] == Split.TEST.value, ["crop_id", "label"]]
    if scores is None:
        return tested
    origins = crops_of(tested, crops, ORIGIN)
    tested = tested.reset_index(drop=True).assign(
        predicted=[scores.labels[index] for index in scores.predicted], probability=scores.probabilities.max(axis=1)
    )
    return pd.concat([tested, origins], axis="columns")


def _shown(rows: pd.DataFrame, images: Mapping[str, Image]) -> list[Example]:
    pictures = [_picture(images, crop_id) for crop_id in rows["crop_id"]]
    files = zip(rows["dataset"], rows["image_path"], strict=True)
    columns = (
        *(rows[name].tolist() for name in ("crop_id", "image_id")),
        [path.removeprefix(f"{dataset}/") for dataset, path in files],
        rows["location"].fillna("").tolist(),
        dates(rows["datetime"]),
        *(rows[name].tolist() for name in ("predicted", "probability")),
        [picture for picture, _ in pictures],
        [fault for _, fault in pictures],
    )
    return [Example(*row) for row in zip(*columns, strict=True)]


def _picture(images: Mapping[str, Image], crop_id: str) -> tuple[str | None, str]:
    """A thumbnail as a data address, or the fault that there is none for."""
    try:
        thumbnail = images[crop_id].convert("RGB")
    except KeyError:
        return None, "the file is missing"
    except (UnreadableImageError, ValueError) as error:
        return None, str(error)
    thumbnail.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    file = io.BytesIO()
    thumbnail.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode(), ""

"""Pictures for the report: of every class the surest mistakes and the surest hits."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from PIL.Image import Image

from animl_kedro.images import UnreadableImageError
from animl_kedro.pipelines.reporting.scores import scores_by_split
from animl_kedro.tables import Split

THUMBNAIL_PIXELS = 224
"""The longer side at the most: twice what the page shows, for fine screens."""


@dataclass(frozen=True)
class Example:
    """A crop that was tested. ``picture`` is the address of a JPEG within the page, or missing with the ``fault``."""

    crop_id: str
    place: str
    predicted: str
    probability: float
    picture: str | None
    fault: str = ""


@dataclass(frozen=True)
class Gallery:
    """The examples of one class; the counts are of all its crops in the test split."""

    label: str
    crops: int
    wrong: int
    mistakes: Sequence[Example]
    hits: Sequence[Example]


def collect_galleries(
    predictions: pd.DataFrame, places: Mapping[str, str], images: Mapping[str, Image], examples: int
) -> list[Gallery]:
    """A gallery of every class that has a crop in the test split.

    ``places`` is {crop_id: where it was taken}; a picture that cannot be read is left out with its fault.
    """
    scores = scores_by_split(predictions).get(Split.TEST)
    if scores is None or not examples:
        return []
    tested = predictions.loc[predictions["split"] == Split.TEST.value, ["crop_id", "label"]].assign(
        predicted=[scores.labels[index] for index in scores.predicted], probability=scores.probabilities.max(axis=1)
    )
    tested = tested.sort_values(["probability", "crop_id"], ascending=[False, True])

    def shown(rows: pd.DataFrame) -> list[Example]:
        return [
            Example(crop_id, places.get(crop_id, ""), predicted, probability, *_picture(images, crop_id))
            for crop_id, predicted, probability in zip(
                *(rows.head(examples)[column] for column in ("crop_id", "predicted", "probability")), strict=True
            )
        ]

    galleries = []
    for label, rows in tested.groupby("label"):
        wrong = rows["predicted"] != label
        galleries.append(Gallery(str(label), len(rows), int(wrong.sum()), shown(rows[wrong]), shown(rows[~wrong])))
    return galleries


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

"""Which of the images with labels to take: by label, date and location, and at most so many of a label."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches

from animl_kedro.formats.coco_camera_traps import EMPTY_LABEL
from animl_kedro.pipelines.ingestion.parameters import SelectionParams
from animl_kedro.pipelines.ingestion.records import Records
from animl_kedro.pipelines.ingestion.rejections import Reason, RejectedError, RejectedRow
from animl_kedro.pipelines.ingestion.rows import ImageRow

logger = logging.getLogger(__name__)


def select(records: Records, params: SelectionParams) -> Records:
    """The records of the images that are taken; the others and their annotations are rejected, with reasons."""
    _warn_of_unknown_locations({image.location for image in records.images}, params)
    labeled = {row.image_id for row in records.annotations}
    with_animals = {row.image_id for row in records.annotations if row.label != EMPTY_LABEL}
    wanted = labeled if params.keep_empty else with_animals
    chosen, rejected = [], []
    for image in records.images:
        try:
            if image.image_id not in wanted:
                raise _unwanted(image.image_id in labeled)
            _check(image, params)
            chosen.append(image)
        except RejectedError as error:
            rejected.append(_rejected(image, error.reason, str(error)))
    if params.max_images_per_label is not None:
        labels_of = _labels_by_image(records)
        chosen, over = _draw(chosen, labels_of, params.max_images_per_label, params.seed)
        rejected += over
    lost = {row.image_id: row for row in rejected}
    return replace(
        records,
        images=chosen,
        annotations=[row for row in records.annotations if row.image_id not in lost],
        repairs=[(image_id, repair) for image_id, repair in records.repairs if image_id not in lost],
        rejected=records.rejected
        + rejected
        + [
            lost[row.image_id]._replace(
                record="annotation",
                record_id=row.annotation_id,
                reason=Reason.IMAGE_REJECTED,
                detail=f"its image is left out: {lost[row.image_id].reason}",
            )
            for row in records.annotations
            if row.image_id in lost
        ],
    )


def _warn_of_unknown_locations(known: set[str | None], params: SelectionParams) -> None:
    """No error, as an export of one month need not have images of every location."""
    for parameter, asked in (("locations", params.locations or ()), ("exclude_locations", params.exclude_locations)):
        for name in sorted(set(asked) - known):
            close = get_close_matches(name, list(filter(None, known)), n=1)
            meant = f": did you mean {close[0]!r}?" if close else ""
            logger.warning("ingestion.selection.%s names %r, where no image was made%s", parameter, name, meant)


def _labels_by_image(records: Records) -> Mapping[str, set[str]]:
    labels_of: dict[str, set[str]] = defaultdict(set)
    for row in records.annotations:
        labels_of[row.image_id].add(row.label)
    return labels_of


def _rejected(image: ImageRow, reason: Reason, detail: str) -> RejectedRow:
    return RejectedRow(image.dataset, "image", image.image_id, image.image_id, reason, detail)


def _unwanted(is_labeled: bool) -> RejectedError:
    if is_labeled:
        return RejectedError(Reason.EMPTY, "ingestion.selection.keep_empty is false")
    return RejectedError(Reason.NO_LABEL, "it has no label that is kept")


def _check(image: ImageRow, params: SelectionParams) -> None:
    """Raises RejectedError where an image is not to be taken for when or where it was made."""
    if params.first_date or params.last_date:
        _check_date(image, params)
    if params.locations is not None and image.location not in params.locations:
        raise RejectedError(Reason.OUTSIDE_LOCATIONS, "its location is not among ingestion.selection.locations")
    if image.location in params.exclude_locations:
        raise RejectedError(Reason.OUTSIDE_LOCATIONS, "its location is in ingestion.selection.exclude_locations")


def _check_date(image: ImageRow, params: SelectionParams) -> None:
    if image.datetime is None:
        raise RejectedError(Reason.NO_DATE, "it has no date, and a range of dates is selected")
    day = image.datetime.date()
    if (params.first_date and day < params.first_date) or (params.last_date and day > params.last_date):
        limits = f"{params.first_date or 'the beginning'} to {params.last_date or 'the end'}"
        raise RejectedError(Reason.OUTSIDE_DATES, f"its day, {day}, is not from {limits}")


def _draw(
    images: list[ImageRow], labels_of: Mapping[str, set[str]], maximum: int, seed: int
) -> tuple[list[ImageRow], list[RejectedRow]]:
    """Draw images until none fits: those of rare labels first, lest common ones beside them crowd them out."""
    frequency = Counter(label for image in images for label in labels_of[image.image_id])

    def place(image: ImageRow) -> tuple[int, bytes]:
        return min(frequency[label] for label in labels_of[image.image_id]), _chance(image.image_id, seed)

    drawn: Counter[str] = Counter()
    taken, over = [], []
    for image in sorted(images, key=place):
        labels = labels_of[image.image_id]
        if full := sorted(label for label in labels if drawn[label] >= maximum):
            detail = f"{maximum} other images of {full[0]!r} were drawn: ingestion.selection.max_images_per_label"
            over.append(_rejected(image, Reason.OVER_MAXIMUM, detail))
        else:
            drawn.update(labels)
            taken.append(image)
    return taken, over


def _chance(image_id: str, seed: int) -> bytes:
    """An image's place in the draw, which does not depend on the other images."""
    salt = seed.to_bytes(hashlib.blake2b.SALT_SIZE, "little")
    return hashlib.blake2b(image_id.encode(errors="surrogatepass"), digest_size=8, salt=salt).digest()

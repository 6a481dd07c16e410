"""The export: written as Animl writes it, with its flaws."""

import datetime as dt
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from animl_kedro.boxes import PixelBox
from animl_kedro.sample.export import CATEGORIES, make_export, rounded
from animl_kedro.sample.island import Island

IMAGE_FIELDS = {
    "id", "file_name", "original_file_name", "serving_bucket_key", "datetime", "location", "width", "height",
}  # fmt: skip
ANNOTATION_FIELDS = {
    "id", "image_id", "category_id", "sequence_level_annotation", "bbox", "confidence", "validated", "validated_by",
}  # fmt: skip


def label_of(annotation: dict[str, Any]) -> str:
    return CATEGORIES[annotation["category_id"]]


def image_id(export: dict[str, Any], index: int) -> str:
    return str(export["images"][index]["id"])


def test_export_has_the_parts_of_a_cct_file(export: dict[str, Any]) -> None:
    assert list(export) == ["images", "annotations", "categories", "info"]
    assert set(export["info"]) == {"version", "description", "year", "date_created"}


def test_categories_start_with_empty_and_list_unused_labels(export: dict[str, Any]) -> None:
    assert export["categories"][0] == {"id": 0, "name": "empty"}
    listed = {category["name"] for category in export["categories"]}
    used = {label_of(annotation) for annotation in export["annotations"]}
    assert listed - used == {"person", "vehicle", "boar"}
    assert [category["id"] for category in export["categories"]] == list(range(len(CATEGORIES)))


def test_image_records_name_their_files_as_animl_does(export: dict[str, Any]) -> None:
    for image in export["images"]:
        assert set(image) <= IMAGE_FIELDS
        digest = image["id"].removeprefix("sample_island:")
        assert re.fullmatch(r"[0-9a-f]{32}", digest)
        assert re.fullmatch(rf"sample_island/X[0-9A-F]{{8}}/[a-z0-9_]+/sample_island-{digest}\.jpg", image["file_name"])
        assert image["serving_bucket_key"] == f"original/sample_island:{digest}-original.jpg"


@pytest.mark.parametrize("field", ["id", "file_name", "serving_bucket_key"])
def test_image_records_are_unique(export: dict[str, Any], field: str) -> None:
    assert max(Counter(image[field] for image in export["images"]).values()) == 1


def test_annotation_records_are_complete_and_unique(export: dict[str, Any]) -> None:
    images = {image["id"] for image in export["images"]}
    assert {frozenset(annotation) for annotation in export["annotations"]} == {frozenset(ANNOTATION_FIELDS)}
    assert {annotation["image_id"] for annotation in export["annotations"]} == images
    assert len({annotation["id"] for annotation in export["annotations"]}) == len(export["annotations"])
    assert all(re.fullmatch(r"[0-9a-f]{24}", annotation["id"]) for annotation in export["annotations"])


def test_datetimes_carry_the_zone_of_their_season(export: dict[str, Any]) -> None:
    zones: Counter[dt.timedelta | None] = Counter()
    for image in export["images"]:
        if image["datetime"]:
            taken = dt.datetime.fromisoformat(image["datetime"])
            summer = dt.datetime(2024, 3, 10, 2) <= taken.replace(tzinfo=None) < dt.datetime(2024, 11, 3, 2)
            assert taken.utcoffset() == dt.timedelta(hours=-7 if summer else -8)
            zones[taken.utcoffset()] += 1
    assert len(zones) == 2


def test_locations_that_look_like_a_number_or_nothing_are_text(export: dict[str, Any]) -> None:
    locations = {image["location"] for image in export["images"]}
    assert {"42", "NA"} < locations
    assert len(locations) >= 24


def test_empty_images_have_one_annotation_over_the_whole_frame(export: dict[str, Any], island: Island) -> None:
    sizes = {image_id(export, photo.index): photo.location.size for photo in island.photographs}
    empty = [annotation for annotation in export["annotations"] if label_of(annotation) == "empty"]
    labels = Counter(annotation["image_id"] for annotation in export["annotations"])
    assert len(empty) == sum(not photo.animals for photo in island.photographs)
    for annotation in empty:
        assert annotation["bbox"] == [0, 0, *sizes[annotation["image_id"]]]
        assert labels[annotation["image_id"]] == 1


def test_boxes_are_whole_numbers_that_overhang_by_a_pixel_at_most(export: dict[str, Any], island: Island) -> None:
    sizes = {image_id(export, photo.index): photo.location.size for photo in island.photographs}
    overhang: Counter[int] = Counter()
    for annotation in export["annotations"]:
        left, top, width, height = annotation["bbox"]
        assert all(isinstance(number, int) for number in annotation["bbox"])
        assert min(left, top) >= 0
        assert min(width, height) > 0
        over = (left + width - sizes[annotation["image_id"]][0], top + height - sizes[annotation["image_id"]][1])
        overhang[max(over)] += 1
    assert max(overhang) == 1
    assert 1 <= overhang[1] <= 0.1 * len(export["annotations"])


def test_every_animal_of_the_plan_is_labelled(export: dict[str, Any], island: Island) -> None:
    planned = Counter(str(animal.species) for photo in island.photographs for animal in photo.animals)
    labelled = Counter(label_of(annotation) for annotation in export["annotations"] if annotation["validated"])
    assert labelled["empty"] == sum(not photo.animals for photo in island.photographs)
    for species in ("bird", "rodent", "skunk", "lizard"):
        assert labelled[species] == planned[species]
    assert labelled["fox"] == planned["fox"] - len(island.flaws.unreviewed)


def test_unreviewed_labels_are_suggestions_with_a_confidence_and_some_are_wrong(
    export: dict[str, Any], island: Island
) -> None:
    suggested = [annotation for annotation in export["annotations"] if not annotation["validated"]]
    assert {a["image_id"] for a in suggested} == {image_id(export, index) for index in island.flaws.unreviewed}
    assert all(a["validated_by"] is None and 0 < a["confidence"] < 1 for a in suggested)
    assert {label_of(a) for a in suggested} == {"fox", "skunk"}


def test_reviewed_labels_have_a_reviewer_and_no_confidence(export: dict[str, Any]) -> None:
    reviewed = [annotation for annotation in export["annotations"] if annotation["validated"]]
    assert all(a["validated_by"] and a["confidence"] is None for a in reviewed)


def test_flawed_images_lack_their_size_or_their_time(export: dict[str, Any], island: Island) -> None:
    unmeasured = {image["id"] for image in export["images"] if "width" not in image and "height" not in image}
    undated = {image["id"] for image in export["images"] if image["datetime"] is None}
    assert unmeasured == {image_id(export, index) for index in island.flaws.unmeasured}
    assert undated == {image_id(export, index) for index in island.flaws.undated}
    assert len(unmeasured) == 4


def test_animals_that_cannot_be_seen_leave_an_empty_image(island: Island) -> None:
    boxes = {photo.index: tuple(None for _ in photo.animals) for photo in island.photographs}
    annotations = make_export(island, boxes)["annotations"]
    assert {label_of(a) for a in annotations if a["validated"]} == {"empty"}


def test_missing_image_has_a_record_and_no_file(export: dict[str, Any], island: Island, island_folder: Path) -> None:
    keys = {image["serving_bucket_key"] for image in export["images"]}
    files = {path.relative_to(island_folder / "archive").as_posix() for path in island_folder.rglob("*.jpg")}
    assert keys - files == {export["images"][island.flaws.missing]["serving_bucket_key"]}
    assert not files - keys


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (PixelBox(9.5, 19.5, 21, 21), [10, 20, 21, 21]),
        (PixelBox(789.5, 0, 10.5, 4.4), [790, 0, 11, 4]),
        (PixelBox(0, 0, 2.5, 3.5), [0, 0, 3, 4]),
    ],
)
def test_rounding_of_boxes_goes_up_at_halves(box: PixelBox, expected: list[int]) -> None:
    assert rounded(box) == expected

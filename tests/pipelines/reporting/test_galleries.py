"""Which pictures are shown."""

import base64
import io
from collections.abc import Mapping

import pandas as pd
import pytest
from PIL import Image

from animl_kedro.images import UnreadableImageError
from animl_kedro.pipelines.reporting.galleries import THUMBNAIL_PIXELS, Gallery, collect_galleries
from animl_kedro.tables import PROBABILITY_PREFIX
from reporting_factories import make_crops, make_predictions, shuffled

CERTAINTIES = {"a": ("fox", 0.9), "b": ("cat", 0.8), "c": ("cat", 0.95), "d": ("fox", 0.7), "e": ("cat", 0.8)}


def make_foxes(split: str = "test") -> pd.DataFrame:
    """Five crops of foxes; what each is taken for, and how surely, stands in `CERTAINTIES`."""
    return pd.DataFrame(
        {
            "crop_id": list(CERTAINTIES),
            "split": split,
            "label": "fox",
            **{
                PROBABILITY_PREFIX + label: [p if taken == label else 1 - p for taken, p in CERTAINTIES.values()]
                for label in ("cat", "fox")
            },
        }
    )


def make_images(size: tuple[int, int] = (400, 300)) -> dict[str, Image.Image]:
    return {crop_id: Image.new("RGB", size, (200, 10, 10)) for crop_id in CERTAINTIES}


class Damaged(Mapping[str, Image.Image]):
    """Images none of which can be opened."""

    def __getitem__(self, key: str) -> Image.Image:
        raise UnreadableImageError("damaged: truncated")

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(())

    def __len__(self) -> int:
        return 0


def make_fox_crops() -> pd.DataFrame:
    """The foxes at one location, on one day; of one of them neither is known."""
    crops = make_crops(make_foxes().assign(crop_id=[f"island/{crop_id}" for crop_id in CERTAINTIES]))
    unknown = {"location": None, "datetime": pd.NaT}
    crops = crops.assign(crop_id=list(CERTAINTIES), location="Cliff", datetime=pd.Timestamp("2026-01-02 03:04"))
    crops.loc[crops["crop_id"] == "b", list(unknown)] = list(unknown.values())
    return crops


def galleries_of(examples: int = 3, **changes: object) -> list[Gallery]:
    arguments = {"predictions": make_foxes(), "crops": make_fox_crops(), "images": make_images()} | changes
    return collect_galleries(**arguments, examples=examples)  # type: ignore[arg-type]


def test_galleries_show_the_surest_mistakes_the_least_sure_hits_and_of_two_alike_the_lower_id() -> None:
    (gallery,) = galleries_of()
    assert (gallery.label, gallery.crops, gallery.wrong) == ("fox", 5, 3)
    assert [example.crop_id for example in gallery.mistakes] == ["c", "b", "e"]
    assert [example.crop_id for example in gallery.hits] == ["d", "a"]


def test_galleries_tell_what_a_person_needs_to_find_the_photograph() -> None:
    (gallery,) = galleries_of()
    mistake, of_nowhere, _ = gallery.mistakes
    assert (mistake.predicted, mistake.probability) == ("cat", 0.95)
    assert (mistake.image_id, mistake.file) == ("image-1", "1.jpg")
    assert (mistake.location, mistake.date) == ("Cliff", "2026-01-02 03:04")
    assert (of_nowhere.location, of_nowhere.date) == ("", "")


def test_galleries_of_shuffled_rows_are_the_same() -> None:
    assert galleries_of() == galleries_of(predictions=shuffled(make_foxes()), crops=shuffled(make_fox_crops()))


def test_galleries_show_so_many_at_the_most() -> None:
    (gallery,) = galleries_of(examples=1)
    assert [len(gallery.mistakes), len(gallery.hits)] == [1, 1]


@pytest.mark.parametrize("changes", [{"examples": 0}, {"predictions": make_foxes("val")}])
def test_galleries_without_anything_to_show_are_none(changes: dict[str, object]) -> None:
    assert galleries_of(**changes) == []  # type: ignore[arg-type]


def test_galleries_embed_small_pictures_and_leave_the_images_alone() -> None:
    images = make_images()
    (gallery,) = galleries_of(images=images)
    assert gallery.hits[0].picture is not None
    kind, data = gallery.hits[0].picture.split(",")
    assert kind == "data:image/jpeg;base64"
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (THUMBNAIL_PIXELS, THUMBNAIL_PIXELS * 3 // 4)
    assert images["a"].size == (400, 300)


@pytest.mark.parametrize(("images", "fault"), [({}, "missing"), (Damaged(), "truncated")])
def test_galleries_with_pictures_that_cannot_be_read_tell_the_fault(images: object, fault: str) -> None:
    (gallery,) = galleries_of(images=images)
    assert gallery.hits[0].picture is None
    assert fault in gallery.hits[0].fault


def test_galleries_of_several_classes_are_sorted_and_leave_out_what_was_not_tested() -> None:
    predictions = make_predictions(("b", "a", "c"))
    tested = predictions[(predictions["split"] != "test") | (predictions["label"] != "c")]
    assert [gallery.label for gallery in collect_galleries(tested, make_crops(predictions), {}, 1)] == ["a", "b"]

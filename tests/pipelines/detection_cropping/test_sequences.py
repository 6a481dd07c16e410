"""Sequences are the export's, and bursts by location and time where it has none."""

import pandas as pd

from animl_kedro.pipelines.detection_cropping.sequences import sequence_ids
from factories import make_images

START = pd.Timestamp("2024-05-06T07:00:00")


def at(*seconds: float | None) -> list[pd.Timestamp | None]:
    return [None if second is None else START + pd.Timedelta(seconds=second) for second in seconds]


def test_sequences_end_where_the_gap_is_longer_and_at_another_location() -> None:
    images = make_images(6, datetime=at(0, 30, 90, 151, 152, 10), location=["a", "a", "a", "a", "b", "b"])
    assert list(sequence_ids(images, 60)) == [
        "island/a/2024-05-06T07:00:00",
        "island/a/2024-05-06T07:00:00",
        "island/a/2024-05-06T07:00:00",
        "island/a/2024-05-06T07:02:31",
        "island/b/2024-05-06T07:02:32",
        "island/b/2024-05-06T07:00:10",
    ]


def test_sequences_of_a_burst_may_last_longer_than_the_gap() -> None:
    images = make_images(5, datetime=at(0, 50, 100, 150, 200), location=["a"] * 5)
    assert sequence_ids(images, 60).nunique() == 1


def test_sequences_of_the_export_stay_as_they_are() -> None:
    images = make_images(3, datetime=at(0, 1, 2), location=["a"] * 3, sequence_id=["one", None, None])
    assert list(sequence_ids(images, 60)) == ["one", *["island/a/2024-05-06T07:00:01"] * 2]


def test_sequences_need_a_location_and_a_time() -> None:
    images = make_images(3, datetime=at(0, None, 2), location=[None, "a", "a"])
    assert sequence_ids(images, 60).isna().tolist() == [True, True, False]


def test_sequences_of_locations_of_one_name_in_two_data_sets_are_two() -> None:
    images = make_images(2, datetime=at(0, 1), location=["a", "a"], dataset=["one", "two"])
    assert sequence_ids(images, 60).nunique() == 2


def test_sequences_of_shuffled_images_are_the_same() -> None:
    images = make_images(8, datetime=at(*range(0, 320, 40)), location=["a", "b"] * 4)
    shuffled = images.sample(frac=1, random_state=3)
    pd.testing.assert_series_equal(sequence_ids(shuffled, 60).sort_index(), sequence_ids(images, 60))


def test_sequences_of_no_image_are_none() -> None:
    assert len(sequence_ids(make_images(0), 60)) == 0

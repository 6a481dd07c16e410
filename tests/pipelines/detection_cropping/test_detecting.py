"""Looking for animals: what is known is taken, the rest is looked at once, and nothing stale is ever believed."""

import json
import logging
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from animl_kedro.errors import InputError
from animl_kedro.formats.detector_cache import DetectorCache
from animl_kedro.formats.megadetector import CATEGORIES, check_results
from animl_kedro.image_folder import ImageFolder
from animl_kedro.pipelines.detection_cropping import detector, detector_runs
from animl_kedro.pipelines.detection_cropping.detecting import WantedImage, detect
from animl_kedro.pipelines.detection_cropping.parameters import DetectorParams
from detector_factories import FakeDetector, Outcome, add_image, make_detection, make_results


@pytest.fixture
def store(tmp_path: Path) -> ImageFolder:
    return ImageFolder(tmp_path / "images")


@pytest.fixture
def cache(tmp_path: Path) -> DetectorCache:
    return DetectorCache(tmp_path / "cache")


@pytest.fixture
def params(tmp_path: Path) -> DetectorParams:
    weights = tmp_path / "weights.pt"
    weights.write_bytes(b"weights")
    return DetectorParams(model="mine", weights=str(weights))


VERSION = "mine-9a129038"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeDetector:
    """A detector that finds an animal as confident as an image is bright."""
    fake = FakeDetector(lambda image: [make_detection(conf=brightness(image))])
    monkeypatch.setattr(detector, "check_installed", lambda: None)
    monkeypatch.setattr(detector, "load_detector", fake.load)
    return fake


def brightness(image: Image.Image) -> float:
    pixel = image.getpixel((0, 0))
    assert isinstance(pixel, tuple)
    return pixel[0] / 255


def add_images(store: ImageFolder, *paths: str) -> list[WantedImage]:
    """Images of different brightness: 0.2 for the first, 0.4 for the second and so on."""
    return [add_image(store, path, grey=51 * number) for number, path in enumerate(paths, start=1)]


def confidences(results: dict[str, Any]) -> dict[str, Any]:
    return {
        entry["file"]: entry.get("failure") or [detection["conf"] for detection in entry["detections"]]
        for entry in results["images"]
    }


def cached_files(cache: DetectorCache, dataset: str = "a", version: str = VERSION) -> list[str]:
    return [entry["file"] for entry in cache.read(version, dataset)["images"]]


# The detector's findings


def test_detect_gives_an_entry_an_image_in_the_order_wanted(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    one, two, three = add_images(store, "a/1.png", "b/deep/2.png", "a/3.png")
    results = detect([three, two, one], store, {}, cache, params)
    assert check_results(results) is results
    assert confidences(results) == {"a/3.png": [0.6], "b/deep/2.png": [0.4], "a/1.png": [0.2]}
    assert list(confidences(results)) == ["a/3.png", "b/deep/2.png", "a/1.png"]
    assert {entry["detector"] for entry in results["images"]} == {VERSION}
    assert all(set(entry) == {"file", "detector", "detections"} for entry in results["images"])
    assert results["detection_categories"] == CATEGORIES
    assert results["info"]["detector"] == VERSION
    assert results["info"]["image_counts"] == {"existing": 0, "cached": 0, "looked_at": 3, "failed": 0}


def test_detect_of_no_images_needs_no_detector(store: ImageFolder, cache: DetectorCache) -> None:
    results = detect([], store, {}, cache, DetectorParams(model="no such", weights="nowhere"))
    assert check_results(results)["images"] == []
    assert results["info"]["detector"] == "none"


def test_detect_of_an_image_wanted_twice_looks_once(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    image = add_image(store, "a/1.png", grey=51)
    results = detect([image, image], store, {}, cache, params)
    assert [entry["file"] for entry in results["images"]] == ["a/1.png", "a/1.png"]
    assert len(fake.seen) == 1
    assert results["info"]["image_counts"]["looked_at"] == 1


def test_detector_sees_images_upright_and_in_rgb(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    add_image(store, "a/1.jpg")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("L", (80, 60)).save(store.path_of("a/1.jpg"), format="JPEG", exif=exif)
    modes: list[str] = []

    def find(image: Image.Image) -> Outcome:
        modes.append(image.mode)
        return []

    fake.find_in = find
    detect([WantedImage("a/1.jpg", "x")], store, {}, cache, params)
    assert (fake.seen, modes) == ([(60, 80)], ["RGB"])


@pytest.mark.parametrize(
    ("box", "kept"),
    [
        ([0.1, 0.2, 0.3, 0.4], [0.1, 0.2, 0.3, 0.4]),
        ([-0.1, -0.2, 0.3, 0.4], [0, 0, 0.2, 0.2]),
        ([0.9, 0.8, 0.3, 0.4], [0.9, 0.8, 0.1, 0.2]),
        ([0.12345678, 0, 1, 1], [0.123457, 0, 0.876543, 1]),
        ([0.5, 0.5, 0.0, 0.2], None),
        ([1.0, 0.5, 0.2, 0.2], None),
        ([0.1, 0.2, 0.3, math.nan], None),
        ([math.nan, 0.2, 0.3, 0.4], None),
    ],
)
def test_boxes_are_rounded_and_clipped_to_the_frame(
    store: ImageFolder,
    cache: DetectorCache,
    params: DetectorParams,
    fake: FakeDetector,
    box: list[float],
    kept: list[float] | None,
) -> None:
    fake.find_in = lambda _: [make_detection(bbox=box)]
    results = detect([add_image(store, "a/1.png")], store, {}, cache, params)
    assert [detection["bbox"] for detection in results["images"][0]["detections"]] == ([kept] if kept else [])


@pytest.mark.parametrize("batch_size", [1, 2, 3, 100])
def test_batches_change_nothing_but_how_many_are_looked_at_together(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector, batch_size: int
) -> None:
    fake.batch_size = batch_size
    wanted = add_images(store, *(f"a/{number}.png" for number in range(5)))
    store.path_of("a/2.png").write_bytes(b"no image")
    results = detect(wanted, store, {}, cache, params)
    assert [entry["file"] for entry in results["images"]] == [image.path for image in wanted]
    assert [bool(entry.get("failure")) for entry in results["images"]] == [False, False, True, False, False]
    found = confidences(results)
    assert (found["a/0.png"], found["a/4.png"]) == ([0.2], [1.0])
    assert max(fake.batches) <= batch_size
    assert sum(fake.batches) == 4


# Failures


def test_image_that_cannot_be_used_is_a_failure_that_is_kept_with_its_content(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    good, bad = add_images(store, "a/good.png", "a/bad.png")
    store.path_of("a/bad.png").write_bytes(b"no image")
    results = detect([good, bad], store, {}, cache, params)
    assert confidences(results) == {"a/good.png": [0.2], "a/bad.png": "not an image in a known format"}
    assert set(results["images"][1]) == {"file", "detector", "failure"}
    assert results["info"]["image_counts"] == {"existing": 0, "cached": 0, "looked_at": 2, "failed": 1}
    again = detect([good, bad], store, {}, cache, params)
    assert confidences(again) == confidences(results)
    assert again["info"]["image_counts"] == {"existing": 0, "cached": 2, "looked_at": 0, "failed": 1}
    mended = add_image(store, "a/bad.png", grey=255)
    assert confidences(detect([good, mended], store, {}, cache, params))["a/bad.png"] == [1.0]


def test_image_without_a_file_is_a_failure_that_is_not_kept(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    image = add_image(store, "a/1.png", grey=51)
    data = store.read(image.path)
    store.remove(image.path)
    assert "cannot be read: No such file" in confidences(detect([image], store, {}, cache, params))["a/1.png"]
    store.write(image.path, data)
    assert confidences(detect([image], store, {}, cache, params))["a/1.png"] == [0.2]


def test_network_that_fails_on_an_image_is_asked_again_the_next_time(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = add_images(store, "a/1.png", "a/2.png", "a/3.png")
    works = fake.find_in
    fake.find_in = lambda image: "out of memory" if brightness(image) == 0.4 else works(image)
    first = detect(wanted, store, {}, cache, params)
    assert confidences(first) == {"a/1.png": [0.2], "a/2.png": "out of memory", "a/3.png": [0.6]}
    fake.find_in = works
    second = detect(wanted, store, {}, cache, params)
    assert confidences(second)["a/2.png"] == [0.4]
    assert second["info"]["image_counts"] == {"existing": 0, "cached": 2, "looked_at": 1, "failed": 0}


def test_network_that_fails_on_one_image_after_the_other_ends_the_run_and_keeps_what_it_found(
    store: ImageFolder,
    cache: DetectorCache,
    params: DetectorParams,
    fake: FakeDetector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector_runs, "MAX_FAILURES_IN_A_ROW", 3)
    wanted = [add_image(store, f"a/{number}.png", grey=number) for number in range(10)]
    fake.find_in = lambda image: [] if brightness(image) * 255 < 2 else "the GPU is gone"
    with pytest.raises(InputError, match=r"3 images one after the other .*a/4\.png: the GPU is gone"):
        detect(wanted, store, {}, cache, params)
    assert len(fake.seen) == 5
    assert cached_files(cache) == ["0.png", "1.png"]


def test_failures_here_and_there_do_not_end_the_run(
    store: ImageFolder,
    cache: DetectorCache,
    params: DetectorParams,
    fake: FakeDetector,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(detector_runs, "MAX_FAILURES_IN_A_ROW", 2)
    wanted = [add_image(store, f"a/{number}.png", grey=number) for number in range(8)]
    fake.find_in = lambda image: "odd" if round(brightness(image) * 255) % 2 else []
    assert detect(wanted, store, {}, cache, params)["info"]["image_counts"]["failed"] == 4


# The cache


def test_second_run_is_read_from_the_cache_without_a_detector(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = add_images(store, "a/1.png", "b/2.png")
    first = detect(wanted, store, {}, cache, params)
    assert len(fake.loaded) == 1
    second = detect(wanted[::-1], store, {}, cache, params)
    assert second["images"] == first["images"][::-1]
    assert second["info"]["image_counts"] == {"existing": 0, "cached": 2, "looked_at": 0, "failed": 0}
    assert (len(fake.loaded), len(fake.seen)) == (1, 2)


def test_cache_is_a_file_of_results_for_every_data_set(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    detect(add_images(store, "a/same.png", "b/same.png"), store, {}, cache, params)
    files = sorted(path.relative_to(cache.root).as_posix() for path in cache.root.rglob("*") if path.is_file())
    assert files == [f"v{VERSION}/a.json", f"v{VERSION}/b.json"]
    results = json.loads((cache.root / f"v{VERSION}" / "b.json").read_text())
    assert check_results(results)["info"]["detector"] == VERSION
    assert [(entry["file"], entry["detections"][0]["conf"]) for entry in results["images"]] == [("same.png", 0.4)]


@pytest.mark.parametrize("interruption", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("save_every", [1, 2, 100])
def test_run_that_is_interrupted_goes_on_where_it_ended(
    store: ImageFolder,
    cache: DetectorCache,
    params: DetectorParams,
    fake: FakeDetector,
    interruption: type[BaseException],
    save_every: int,
) -> None:
    params = params.model_copy(update={"save_every": save_every})
    wanted = add_images(store, "a/1.png", "b/1.png", "a/2.png", "b/2.png", "b/3.png")
    works = fake.find_in

    def fail_at_the_fourth(image: Image.Image) -> Outcome:
        if len(fake.seen) == 4:
            raise interruption
        return works(image)

    fake.find_in = fail_at_the_fourth
    with pytest.raises(interruption):
        detect(wanted, store, {}, cache, params)
    assert (cached_files(cache, "a"), cached_files(cache, "b")) == (["1.png", "2.png"], ["1.png"])
    fake.find_in, fake.seen = works, []
    results = detect(wanted, store, {}, cache, params)
    assert len(fake.seen) == 2
    assert [round(entry["detections"][0]["conf"], 1) for entry in results["images"]] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert results["info"]["image_counts"] == {"existing": 0, "cached": 3, "looked_at": 2, "failed": 0}


def test_run_that_is_killed_loses_no_more_than_what_came_after_the_last_save(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    params = params.model_copy(update={"save_every": 2})
    seen_in_cache: list[int] = []

    def find(_: Image.Image) -> Outcome:
        seen_in_cache.append(len(cached_files(cache)))
        return []

    fake.find_in = find
    detect([add_image(store, f"a/{number}.png") for number in range(5)], store, {}, cache, params)
    assert seen_in_cache == [0, 0, 2, 2, 4]
    assert len(cached_files(cache)) == 5


def test_image_that_changed_is_looked_at_again(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = add_images(store, "a/1.png", "a/2.png")
    detect(wanted, store, {}, cache, params)
    changed = [wanted[0], add_image(store, "a/2.png", grey=255)]
    results = detect(changed, store, {}, cache, params)
    assert confidences(results) == {"a/1.png": [0.2], "a/2.png": [1.0]}
    assert len(fake.seen) == 3
    assert cached_files(cache) == ["1.png", "2.png"]


def test_entries_whose_image_is_not_known_to_be_the_same_are_not_believed(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = add_images(store, "a/1.png")
    cache.write(VERSION, "a", make_results({"1.png": [make_detection(conf=0.99)]}))
    assert confidences(detect(wanted, store, {}, cache, params)) == {"a/1.png": [0.2]}


def test_weights_that_changed_have_a_cache_of_their_own(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = add_images(store, "a/1.png")
    detect(wanted, store, {}, cache, params)
    Path(str(params.weights)).write_bytes(b"other weights")
    fake.find_in = lambda _: [make_detection(conf=0.5)]
    results = detect(wanted, store, {}, cache, params)
    assert confidences(results) == {"a/1.png": [0.5]}
    assert results["images"][0]["detector"] not in (VERSION, "mine")
    assert len(list(cache.root.iterdir())) == 2


def test_images_that_are_not_wanted_any_more_stay_in_the_cache(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    one, two, three = add_images(store, "a/1.png", "a/2.png", "a/3.png")
    detect([one, two], store, {}, cache, params)
    assert list(confidences(detect([three], store, {}, cache, params))) == ["a/3.png"]
    assert cached_files(cache) == ["1.png", "2.png", "3.png"]


def test_threshold_changes_neither_the_findings_nor_the_cache(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = [add_image(store, "a/1.png", grey=5)]
    results = detect(wanted, store, {}, cache, params)
    lower = params.model_copy(update={"confidence_threshold": 0.01})
    assert detect(wanted, store, {}, cache, lower)["images"] == results["images"]
    assert results["images"][0]["detections"][0]["conf"] == pytest.approx(5 / 255)
    assert len(fake.seen) == 1


def test_cache_that_is_damaged_is_named_and_left(
    store: ImageFolder, cache: DetectorCache, params: DetectorParams, fake: FakeDetector
) -> None:
    wanted = add_images(store, "a/1.png")
    path = cache.path_of(VERSION, "a")
    path.parent.mkdir(parents=True)
    path.write_text('{"images": [')
    with pytest.raises(InputError, match=r"cache .*a\.json is damaged") as caught:
        detect(wanted, store, {}, cache, params)
    assert str(path) in str(caught.value)
    assert "Remove it" in str(caught.value)
    assert path.read_text() == '{"images": ['
    assert not fake.seen


# Results of others


def test_existing_results_are_read_instead_of_looking(store: ImageFolder, cache: DetectorCache) -> None:
    wanted = add_images(store, "a/deep/1.png", "a/2.png")
    existing = {"a": make_results({"2.png": [], "unwanted.png": [], "deep/1.png": [make_detection()]})}
    results = detect(wanted, store, existing, cache, DetectorParams(model="no such", weights="nowhere"))
    assert check_results(results)["images"] == [
        {"file": "a/deep/1.png", "detector": "5.0a", "detections": [make_detection()]},
        {"file": "a/2.png", "detector": "5.0a", "detections": []},
    ]
    assert results["info"]["image_counts"] == {"existing": 2, "cached": 0, "looked_at": 0, "failed": 0}
    assert not cache.root.exists()


def test_images_that_existing_results_lack_are_looked_at(
    store: ImageFolder,
    cache: DetectorCache,
    params: DetectorParams,
    fake: FakeDetector,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    wanted = add_images(store, "a/1.png", "a/2.png", "b/1.png")
    existing = {"a": make_results({"1.png": [make_detection(conf=0.99)]}), "c": make_results({"x.png": []})}
    results = detect(wanted, store, existing, cache, params)
    assert confidences(results) == {"a/1.png": [0.99], "a/2.png": [0.4], "b/1.png": [0.6]}
    assert [entry["detector"] for entry in results["images"]] == ["5.0a", VERSION, VERSION]
    assert results["info"]["detector"] == f"5.0a, {VERSION}"
    assert results["info"]["image_counts"] == {"existing": 1, "cached": 0, "looked_at": 2, "failed": 0}
    assert "the existing results of a lack 1 of 2 images" in caplog.text
    assert cached_files(cache) == ["2.png"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("deep\\er\\1.png", "deep/er/1.png"),
        ("./1.png", "1.png"),
        ("why?/a:1.png", "why_/a_1.png"),
        ("Tr./ñ.png", "Tr_/ñ.png"),
    ],
)
def test_paths_of_existing_results_are_matched_as_files_are_named_here(
    store: ImageFolder, cache: DetectorCache, theirs: str, ours: str
) -> None:
    wanted = [add_image(store, f"a/{ours}")]
    results = detect(wanted, store, {"a": make_results({theirs: [make_detection()]})}, cache, DetectorParams())
    assert results["images"][0]["detections"] == [make_detection()]


def test_existing_results_of_old_versions_are_understood(store: ImageFolder, cache: DetectorCache) -> None:
    entries = {
        "1.png": {"max_detection_conf": 0.9, "detections": [make_detection(classifications=[["3", 0.9]])]},
        "2.png": {"max_detection_conf": 0.0, "detections": []},
        "3.png": {"detections": None},
        "4.png": {},
        "5.png": {"failure": "Failure image access", "detections": None},
        "6.png": {"failure": None, "detections": [make_detection()]},
    }
    wanted = [WantedImage(f"a/{name}", "x") for name in entries]
    existing = {"a": make_results(entries, info={"format_version": 1.0}, classification_categories={"3": "fox"})}
    results = detect(wanted, store, existing, cache, DetectorParams())
    assert check_results(results) is results
    assert "classification_categories" not in results
    untold = "the results have no detections of it, and do not say why"
    assert [entry.get("failure") or entry["detections"] for entry in results["images"]] == [
        [make_detection()],
        [],
        untold,
        untold,
        "Failure image access",
        [make_detection()],
    ]
    assert {entry["detector"] for entry in results["images"]} == {"unknown"}


def test_first_of_two_entries_of_an_image_counts(store: ImageFolder, cache: DetectorCache) -> None:
    existing = {"a": make_results({"1.png": [make_detection(conf=0.7)], ".\\1.png": [], "./1.png": []})}
    results = detect([WantedImage("a/1.png", "x")], store, existing, cache, DetectorParams())
    assert confidences(results) == {"a/1.png": [0.7]}


def test_categories_are_told_by_their_names(store: ImageFolder, cache: DetectorCache) -> None:
    ids = ["1", "2", "5", "7", "8"]
    detections = [make_detection(category=number) for number in ids]
    existing = {
        "a": make_results({"1.png": detections}, detection_categories={"1": "Vehicle", "2": "animal ", "5": "bird"}),
        "b": make_results({"1.png": detections}, detection_categories={"7": "insect", "8": "Bird", "1": "person"}),
    }
    wanted = [WantedImage("a/1.png", "x"), WantedImage("b/1.png", "x")]
    results = detect(wanted, store, existing, cache, DetectorParams())
    assert results["detection_categories"] == CATEGORIES | {"4": "bird", "5": "insect"}
    found = [[detection["category"] for detection in entry["detections"]] for entry in results["images"]]
    assert found == [["3", "1", "4"], ["2", "5", "4"]]  # those without a name are none


def test_existing_results_without_categories_have_megadetectors(store: ImageFolder, cache: DetectorCache) -> None:
    results = make_results({"1.png": [make_detection(category=2)]})
    del results["detection_categories"]
    found = detect([WantedImage("a/1.png", "x")], store, {"a": results}, cache, DetectorParams())
    assert found["images"][0]["detections"] == [make_detection(category="2")]


@pytest.mark.parametrize("faulty", ["1", {}, make_detection(bbox=[1, 2]), make_detection(conf="high")])
def test_existing_results_with_a_faulty_detection_name_its_image(
    store: ImageFolder, cache: DetectorCache, faulty: Any
) -> None:
    existing = {"a": make_results({"1.png": [make_detection(), faulty], "2.png": []})}
    with pytest.raises(InputError, match=r"1\.png have a detection without a box of four fractions"):
        detect([WantedImage("a/1.png", "x")], store, existing, cache, DetectorParams())
    assert confidences(detect([WantedImage("a/2.png", "x")], store, existing, cache, DetectorParams()))


# What is needed to look


def test_model_that_is_not_known_is_told_before_anything_is_done(store: ImageFolder, cache: DetectorCache) -> None:
    wanted = add_images(store, "a/1.png")
    with pytest.raises(InputError, match="There is no detector 'v5c'"):
        detect(wanted, store, {}, cache, DetectorParams(model="v5c"))
    assert not cache.root.exists()


def test_package_that_is_not_installed_is_told_before_weights_are_fetched(
    store: ImageFolder, cache: DetectorCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "megadetector", None)
    params = DetectorParams(weights_folder=str(tmp_path / "weights"))
    with pytest.raises(InputError, match=r"MegaDetector is not installed: pip install 'animl-kedro\[detector\]'"):
        detect(add_images(store, "a/1.png"), store, {}, cache, params)
    assert not (tmp_path / "weights").exists()


def test_named_model_is_cached_by_its_version(
    store: ImageFolder, cache: DetectorCache, tmp_path: Path, fake: FakeDetector, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = tmp_path / "md_v5b.0.1.pt"
    monkeypatch.setattr("animl_kedro.pipelines.detection_cropping.detecting.find_weights", lambda _: weights)
    results = detect(add_images(store, "a/1.png"), store, {}, cache, DetectorParams(model="MDV5B"))
    assert fake.loaded == [weights]
    assert results["images"][0]["detector"] == "5.0b"
    assert (cache.root / "v5.0b" / "a.json").is_file()

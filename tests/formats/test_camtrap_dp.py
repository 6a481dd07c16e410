"""Every medium becomes an image and every observation an annotation; bad packages are refused with a message."""

import contextlib
import csv
import gzip
import io
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from animl_kedro.errors import InputError
from animl_kedro.formats.camtrap_dp import read_camtrap_dp
from animl_kedro.formats.coco_camera_traps import CctExport

Cells = dict[str, str]
Files = dict[str, bytes]

SCHEMA = "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/{}-table-schema.json"
BOX = {"bboxX": "0.25", "bboxY": "0.5", "bboxWidth": "0.125", "bboxHeight": "0.0625"}


def deployment(**changes: str) -> Cells:
    return {"deploymentID": "dep1", "locationID": "loc1", "locationName": "Ridge", "latitude": "34.0"} | changes


def medium(number: int = 1, **changes: str) -> Cells:
    return {
        "mediaID": f"m{number}",
        "deploymentID": "dep1",
        "timestamp": f"2024-05-06T07:08:{number:02d}Z",
        "filePath": f"media/{number:04d}.jpg",
        "filePublic": "true",
        "fileName": f"IMG_{number:04d}.JPG",
        "fileMediatype": "image/jpeg",
        "exifData": "",
    } | changes


def observation(number: int = 1, **changes: str) -> Cells:
    return {
        "observationID": f"o{number}",
        "deploymentID": "dep1",
        "mediaID": f"m{number}",
        "eventID": "",
        "eventStart": "2024-05-06T07:08:00Z",
        "eventEnd": "2024-05-06T07:09:00Z",
        "observationLevel": "media",
        "observationType": "animal",
        "scientificName": "Vulpes vulpes",
        **dict.fromkeys(BOX, ""),
        "classificationMethod": "human",
        "classifiedBy": "ranger",
        "classificationProbability": "",
    } | changes


def event(number: int = 1, **changes: str) -> Cells:
    return observation(number) | {"mediaID": "", "observationLevel": "event"} | changes


def csv_of(rows: Sequence[Cells]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def make_package(
    media: Sequence[Cells] | int = 3,
    observations: Sequence[Cells] | None = None,
    deployments: Sequence[Cells] = (deployment(),),
    **changes: Any,
) -> Files:
    """The files of a package with these rows, or with so many media and one observation of each."""
    media = [medium(number) for number in range(1, media + 1)] if isinstance(media, int) else media
    if observations is None:
        observations = [observation(number) for number in range(1, len(media) + 1)]
    tables = {"deployments": deployments, "media": media, "observations": observations}
    descriptor = {
        "name": "island",
        "title": "Foxes of an island",
        "created": "2024-06-01T00:00:00Z",
        "profile": "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/camtrap-dp-profile.json",
        "resources": [resource(name) for name in tables],
    }
    files = {"datapackage.json": orjson.dumps(descriptor | changes)}
    return files | {f"{name}.csv": csv_of(rows) for name, rows in tables.items()}


def resource(name: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "path": f"{name}.csv", "schema": SCHEMA.format(name)} | changes


def resources(**changes: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [resource(name, **changes.get(name, {})) for name in ("deployments", "media", "observations")]


def reader(files: Files) -> Callable[[str], bytes]:
    def read(path: str) -> bytes:
        if path not in files:
            raise FileNotFoundError(path)
        return files[path]

    return read


def read_files(files: Files) -> CctExport:
    return read_camtrap_dp(reader(files), "island.zip")


def image_of(row: Cells, **package: Any) -> dict[str, Any]:
    (image,) = read_files(make_package([row], **package)).images
    return dict(image)


def annotation_of(row: Cells) -> dict[str, Any]:
    (annotation,) = read_files(make_package(1, [row])).annotations
    return dict(annotation)


def label_of(row: Cells) -> str | None:
    export = read_files(make_package(1, [row]))
    names = {category["id"]: category["name"] for category in export.categories}
    return names.get(export.annotations[0]["category_id"])


def images_by_annotation(export: CctExport) -> list[tuple[str, str | None]]:
    return [(annotation["id"], annotation["image_id"]) for annotation in export.annotations]


# --- whole packages


def test_read_camtrap_dp_of_a_package_gives_the_records_of_an_export() -> None:
    export = read_files(make_package(1, [observation(eventID="e1") | BOX]))
    assert export.images == [
        {
            "id": "m1",
            "file_name": "media/0001.jpg",
            "filePath": "media/0001.jpg",
            "fileName": "IMG_0001.JPG",
            "original_file_name": "IMG_0001.JPG",
            "datetime": "2024-05-06T07:08:01Z",
            "location": "loc1",
            "deployment": "dep1",
            "deploymentID": "dep1",
            "seq_id": "dep1/e1",
            "fileMediatype": "image/jpeg",
        }
    ]
    assert export.annotations == [
        {
            "id": "o1",
            "image_id": "m1",
            "category_id": "1",
            "sequence_level_annotation": False,
            "bbox_relative": [0.25, 0.5, 0.125, 0.0625],
            "validated": True,
            "validated_by": "ranger",
            "confidence": None,
        }
    ]
    assert export.categories == [{"id": "0", "name": "empty"}, {"id": "1", "name": "Vulpes vulpes"}]


def test_read_camtrap_dp_gives_what_the_package_says_about_itself() -> None:
    assert read_files(make_package(version="1.2", description="unused")).info == {
        "name": "island",
        "version": "1.2",
        "created": "2024-06-01T00:00:00Z",
        "profile": "https://raw.githubusercontent.com/tdwg/camtrap-dp/1.0.2/camtrap-dp-profile.json",
        "description": "Foxes of an island",
    }
    assert read_files(make_package(title=None, description="Foxes")).info["description"] == "Foxes"


def test_read_camtrap_dp_of_no_rows_gives_no_records() -> None:
    files = {path: data.partition(b"\r\n")[0] for path, data in make_package(1).items()}
    export = read_files(files)
    assert (export.images, export.annotations) == ([], [])
    assert export.categories == [{"id": "0", "name": "empty"}]


def test_read_camtrap_dp_with_more_resources_leaves_them_alone() -> None:
    more = [None, {"name": "individuals", "data": [{"id": 1}]}, *resources()]
    assert len(read_files(make_package(resources=more)).images) == 3


@pytest.mark.parametrize("tail", [".csv", ".csv.gz"])
def test_read_camtrap_dp_of_gzipped_tables_unpacks_them_whatever_their_name(tail: str) -> None:
    files = make_package(resources=resources(media={"path": f"tables/media{tail}"}))
    packed = files | {f"tables/media{tail}": gzip.compress(files["media.csv"])}
    assert read_files(packed) == read_files(make_package())


def test_read_camtrap_dp_of_an_unpacked_file_called_gz_reads_it_as_it_is() -> None:
    files = make_package(resources=resources(media={"path": "media.csv.gz"}))
    assert read_files(files | {"media.csv.gz": files["media.csv"]}) == read_files(make_package())


def test_read_camtrap_dp_of_a_resource_with_several_paths_reads_one_after_the_other() -> None:
    paths = ["media/1.csv", "media/2.csv"]
    files = make_package(resources=resources(media={"path": paths}))
    files["media/1.csv"] = csv_of([medium(2), medium(3)])
    files["media/2.csv"] = csv_of([dict(reversed([*medium(1).items()]))])  # with its columns in another order
    assert [image["id"] for image in read_files(files).images] == ["m2", "m3", "m1"]
    assert [image["file_name"] for image in read_files(files).images][-1] == "media/0001.jpg"


# --- CSV


def test_read_camtrap_dp_of_hostile_cells_keeps_them_as_they_are() -> None:
    hostile = "a \"fox\", or\r\ntwo; 🦊\t\\n '' =1+1\x00é"
    export = read_files(make_package([medium(fileName=hostile)], [observation(scientificName=hostile)]))
    assert export.images[0]["original_file_name"] == hostile
    assert export.categories[1]["name"] == hostile


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="BOM"),
        pytest.param(lambda data: data.replace(b"\r\n", b"\n"), id="Unix"),
        pytest.param(lambda data: data.replace(b"\r\n", b"\r"), id="old Mac"),
        pytest.param(lambda data: data.replace(b"\r\n", b"\r\n\r\n") + b"\n\n", id="blank lines"),
        pytest.param(lambda data: data.removesuffix(b"\r\n"), id="no end of line at the end"),
    ],
)
def test_read_camtrap_dp_of_tables_as_other_programs_write_them_reads_the_same(
    change: Callable[[bytes], bytes],
) -> None:
    files = make_package()
    changed = {path: change(data) if path.endswith("csv") else b"\xef\xbb\xbf" + data for path, data in files.items()}
    assert read_files(changed) == read_files(files)


def test_read_camtrap_dp_of_rows_with_too_few_or_too_many_cells_keeps_them() -> None:
    files = make_package()
    files["media.csv"] = (
        b"mediaID,deploymentID,timestamp,filePath,fileMediatype\nm1,dep1\nm2,dep1,,b.jpg,image/png,x,y\n,\n"
    )
    first, second, third = read_files(files).images
    assert (first["id"], first["file_name"], first["datetime"], first["location"]) == ("m1", "", None, "loc1")
    assert (second["id"], second["file_name"], second["fileMediatype"]) == ("m2", "b.jpg", "image/png")
    assert second["original_file_name"] is None  # nothing beyond the columns is taken for one that is absent
    assert (third["id"], third["location"], third["seq_id"]) == ("", None, None)


@pytest.mark.parametrize(
    ("schema", "location"),
    [
        pytest.param(SCHEMA.format("deployments"), "dep1", id="1.0.2"),
        pytest.param(None, "dep1", id="unknown"),
        pytest.param(SCHEMA.format("deployments").replace("1.0.2", "1.0.1"), "NA", id="1.0.1"),
        pytest.param(SCHEMA.format("deployments").replace("1.0.2", "1.0"), "NA", id="1.0"),
        pytest.param({"fields": [], "missingValues": [""]}, "NA", id="its own, without NA"),
        pytest.param({"fields": [], "missingValues": ["", "NA", None, []]}, "dep1", id="its own, with NA"),
        pytest.param({"fields": []}, "dep1", id="its own, silent"),
    ],
)
def test_read_camtrap_dp_of_na_reads_it_as_the_version_of_the_standard_does(schema: Any, location: str) -> None:
    places = [deployment(locationID="NA", locationName="")]
    image = image_of(medium(), deployments=places, resources=resources(deployments={"schema": schema}))
    assert image["location"] == location


# --- media


@pytest.mark.parametrize(
    ("file_path", "file_name"),
    [
        ("media/fox 1%20.jpg", "media/fox 1%20.jpg"),
        ("../../etc/passwd", "../../etc/passwd"),  # refused by the check of records, which says why
        ("https://example.org/assets/3e65/file", "assets/3e65/file"),
        ("HTTP://example.org:8080//a/fox%201%2Fb.jpg?token=x/y#z", "a/fox 1/b.jpg"),
        ("https://example.org?id=5", ""),
        ("https://example.org", ""),
        ("https://[broken/a.jpg", "a.jpg"),
        ("https://example.org/%FF\n.jpg", "\ufffd\n.jpg"),
        ("s3://bucket/place/fox%231 #2?.jpg", "place/fox#1 #2?.jpg"),
        ("gs://bucket/fox.jpg", "fox.jpg"),
        ("s3://bucket", ""),
        ("ftp://example.org/a.jpg", "ftp://example.org/a.jpg"),
        ("", ""),
    ],
)
def test_image_has_the_path_of_its_file_as_name_and_keeps_the_address(file_path: str, file_name: str) -> None:
    image = image_of(medium(filePath=file_path))
    assert (image["file_name"], image["filePath"]) == (file_name, file_path)


@pytest.mark.parametrize(
    ("changes", "location"),
    [
        ({}, "loc1"),
        ({"locationID": ""}, "Ridge"),
        ({"locationID": "", "locationName": ""}, "dep1"),
        ({"deploymentID": "another"}, "dep1"),
    ],
)
def test_location_of_an_image_is_the_place_of_its_deployment_as_far_as_known(changes: Any, location: str) -> None:
    assert image_of(medium(), deployments=[deployment(**changes)])["location"] == location


def test_location_is_the_same_for_two_deployments_at_one_place() -> None:
    media = [medium(1), medium(2, deploymentID="dep2")]
    export = read_files(make_package(media, deployments=[deployment(), deployment(deploymentID="dep2")]))
    assert [image["location"] for image in export.images] == ["loc1", "loc1"]
    assert [image["deployment"] for image in export.images] == ["dep1", "dep2"]


@pytest.mark.parametrize("timestamp", ["2024-05-06T07:08:09+02:00", "2024-05-06 07:08:09", "yesterday"])
def test_datetime_of_an_image_is_its_timestamp_as_it_is(timestamp: str) -> None:
    assert image_of(medium(timestamp=timestamp))["datetime"] == timestamp
    assert image_of(medium(timestamp=""))["datetime"] is None


@pytest.mark.parametrize(
    ("media_type", "marked"),
    [("image/jpeg", None), ("IMAGE/PNG", None), ("", None), ("video/mp4", "video/mp4"), ("fox", "fox")],
)
def test_medium_that_is_no_image_is_marked_as_such(media_type: str, marked: str | None) -> None:
    image = image_of(medium(fileMediatype=media_type))
    assert (image["fileMediatype"], image.get("media_type")) == (media_type, marked)


@pytest.mark.parametrize(
    ("exif", "size"),
    [
        ({"ExifImageWidth": 2048, "ExifImageHeight": 1440}, (2048, 1440)),
        ({"EXIF": {"ISO": 200, "ImageWidth": 2048.0, "ImageHeight": 1440}}, (2048, 1440)),
        ({"PixelXDimension": 2048, "PixelYDimension": 1440, "ImageWidth": "2048"}, (2048, 1440)),
        (
            {"IFD1": {"ImageWidth": 160, "ImageHeight": 120}, "EXIF": {"ExifImageWidth": 8, "ExifImageHeight": 6}},
            (8, 6),
        ),
        ({"EXIF": {"Orientation": 6}, "File": {"ImageWidth": 2048, "ImageHeight": 1440}}, (1440, 2048)),
        ({"Orientation": "Rotate 270 CW", "ImageWidth": 2048, "ImageHeight": 1440}, (1440, 2048)),
        ({"Orientation": "Rotate 180", "ImageWidth": 2048, "ImageHeight": 1440}, (2048, 1440)),
        ({"Orientation": 1, "ImageWidth": 2048, "ImageHeight": 1440}, (2048, 1440)),
        ({"ImageWidth": "2048", "ImageHeight": "1440"}, None),
        ({"ImageWidth": True, "ImageHeight": True}, None),
        ({"ExifImageWidth": 2048, "ImageHeight": 1440}, None),
        ({"a": {"ImageWidth": 2048}, "b": {"ImageHeight": 1440}}, None),
        ([{"ImageWidth": 2048, "ImageHeight": 1440}], None),
        (5, None),
    ],
)
def test_size_of_an_image_is_what_its_exif_data_tell(exif: Any, size: tuple[int, int] | None) -> None:
    image = image_of(medium(exifData=orjson.dumps(exif).decode()))
    assert (image.get("width"), image.get("height")) == (size or (None, None))
    assert ("width" in image) == (size is not None)


@pytest.mark.parametrize("text", ["", "{", "ImageWidth: 5", '{"ImageWidth": NaN}', "[" * 100_000])
def test_size_of_an_image_with_exif_data_that_are_not_json_is_absent(text: str) -> None:
    assert "width" not in image_of(medium(exifData=text))


# --- observations of media


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Vulpes vulpes"),
        ({"scientificName": ""}, "animal"),
        ({"observationType": "blank", "scientificName": ""}, "empty"),
        ({"observationType": "blank"}, "empty"),
        ({"observationType": "human", "scientificName": "Homo sapiens"}, "human"),
        ({"observationType": "vehicle"}, "vehicle"),
        ({"observationType": "unknown"}, "unknown"),
        ({"observationType": "unclassified"}, "unclassified"),
        ({"observationType": "plant"}, "plant"),
        ({"observationType": "0"}, "0"),
        ({"observationType": ""}, None),
    ],
)
def test_label_of_an_observation_follows_its_type(changes: Any, label: str | None) -> None:
    assert label_of(observation(**changes)) == label


def test_categories_are_in_the_order_of_their_names_and_empty_is_always_0() -> None:
    observations = [observation(n, scientificName=name) for n, name in enumerate(["b", "a", "c", "a"], 1)]
    blank = observation(5, observationType="blank")
    expected = [{"id": "0", "name": "empty"}, *({"id": str(n), "name": name} for n, name in enumerate("abc", 1))]
    assert read_files(make_package(5, [*observations, blank])).categories == expected
    assert read_files(make_package(5, observations[::-1])).categories == expected


@pytest.mark.parametrize(
    ("cells", "box"),
    [
        (("0.25", "0.5", "0.125", "0.0625"), [0.25, 0.5, 0.125, 0.0625]),
        (("0", "0", "1", "1"), [0.0, 0.0, 1.0, 1.0]),
        (("-0.1", "2", "1e-3", "1e300"), [-0.1, 2.0, 0.001, 1e300]),  # for the check of records to refuse
        (("", "", "", ""), None),
        (("0.25", "", "0.125", ""), [0.25, "", 0.125, ""]),
        (("0,25", "fox", "inf", "-Infinity"), ["0,25", "fox", "inf", "-Infinity"]),
    ],
)
def test_box_of_an_observation_is_four_fractions_or_what_the_cells_hold(cells: Sequence[str], box: Any) -> None:
    annotation = annotation_of(observation() | dict(zip(BOX, cells, strict=True)))
    assert annotation["bbox_relative"] == box
    assert "bbox" not in annotation


@pytest.mark.parametrize(
    ("method", "probability", "validated", "confidence"),
    [
        ("human", "", True, None),
        ("human", "0.9", True, None),
        ("", "0.9", True, None),
        ("machine", "0.9", False, 0.9),
        ("machine", "1", False, 1.0),
        ("machine", "", False, None),
        ("machine", "high", False, None),
        ("machine", "inf", False, None),
        ("dog", "0.9", False, 0.9),
    ],
)
def test_observation_is_validated_unless_a_machine_made_it(
    method: str, probability: str, validated: bool, confidence: float | None
) -> None:
    annotation = annotation_of(observation(classificationMethod=method, classificationProbability=probability))
    assert (annotation["validated"], annotation["confidence"]) == (validated, confidence)


def test_observation_names_who_made_it() -> None:
    assert annotation_of(observation(classifiedBy="MegaDetector V5"))["validated_by"] == "MegaDetector V5"
    assert annotation_of(observation(classifiedBy=""))["validated_by"] is None


@pytest.mark.parametrize("level", ["media", "", "Event"])
def test_observation_without_a_medium_that_is_not_of_an_event_has_no_image(level: str) -> None:
    annotation = annotation_of(observation(mediaID="", observationLevel=level))
    assert (annotation["id"], annotation["image_id"]) == ("o1", None)
    assert annotation["sequence_level_annotation"] is False


def test_several_observations_of_a_medium_are_an_annotation_each() -> None:
    export = read_files(make_package(1, [observation(), observation(2, mediaID="m1"), observation(3, mediaID="m9")]))
    assert images_by_annotation(export) == [("o1", "m1"), ("o2", "m1"), ("o3", "m9")]


def test_observations_without_the_columns_that_need_not_be_there_are_read() -> None:
    needed = ("observationID", "deploymentID", "eventStart", "eventEnd", "observationLevel", "observationType")
    export = read_files(make_package(1, [{name: event()[name] for name in needed}]))
    assert images_by_annotation(export) == [("o1/m1", "m1")]
    assert [category["name"] for category in export.categories] == ["empty", "animal"]


# --- observations of events


def test_event_stands_for_the_media_from_its_start_to_its_end() -> None:
    media = [medium(number) for number in (9, 3, 1, 4, 2)]
    export = read_files(
        make_package(media, [event(eventStart="2024-05-06T07:08:02Z", eventEnd="2024-05-06T07:08:04Z")])
    )
    assert images_by_annotation(export) == [("o1/m2", "m2"), ("o1/m3", "m3"), ("o1/m4", "m4")]
    assert all(annotation["sequence_level_annotation"] for annotation in export.annotations)
    assert {annotation["category_id"] for annotation in export.annotations} == {"1"}


def test_event_stands_for_media_of_its_own_deployment_only() -> None:
    media = [medium(1), medium(2, deploymentID="dep2")]
    assert images_by_annotation(read_files(make_package(media, [event(deploymentID="dep2")]))) == [("o1/m2", "m2")]


def test_event_does_not_stand_for_media_with_observations_of_their_own() -> None:
    export = read_files(make_package(3, [event(), observation(2)]))
    assert images_by_annotation(export) == [("o1/m1", "m1"), ("o1/m3", "m3"), ("o2", "m2")]


def test_event_whose_media_all_have_their_own_observations_is_marked_as_superseded() -> None:
    first, second = read_files(make_package(1, [event(2), observation(1)])).annotations
    assert (first["id"], first["image_id"], first["superseded"]) == ("o2", None, True)
    assert "superseded" not in second


@pytest.mark.parametrize(
    ("timestamp", "start", "end", "reached"),
    [
        # one moment in two zones
        ("2024-05-06T04:57:37+02:00", "2024-05-06T02:57:37Z", "2024-05-06T02:57:37Z", True),
        ("2024-05-06T04:57:37+02:00", "2024-05-06T04:57:37Z", "2024-05-06T04:57:37Z", False),
        ("2024-05-06T02:57:37Z", "2024-05-05T22:57:37-04:00", "2024-05-06T04:57:37+0200", True),
        # no zone at all
        ("2024-05-06T02:57:37", "2024-05-06 02:57:37", "2024-05-06T02:57:37.5", True),
        ("2024-05-06T02:57:38", "2024-05-06 02:57:37", "2024-05-06T02:57:37.5", False),
        # with and without a zone cannot be compared
        ("2024-05-06T02:57:37", "2024-05-06T02:57:37Z", "2024-05-06T02:57:37Z", False),
        ("2024-05-06T02:57:37Z", "2024-05-06T02:57:37", "2024-05-06T02:57:37", False),
        ("2024-05-06T02:57:37Z", "2024-05-06T02:57:37Z", "2024-05-06T02:57:37", False),
        # ends of what a date can be
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", True),
        # no times
        ("", "2024-05-06T02:57:37Z", "2024-05-06T02:57:37Z", False),
        ("2024-05-06T02:57:37Z", "", "2024-05-06T02:57:37Z", False),
        ("2024-05-06T02:57:37Z", "2024-05-06T02:57:37Z", "noon", False),
        ("2024-05-06T02:57:37Z", "2024-05-06T02:57:38Z", "2024-05-06T02:57:36Z", False),
    ],
)
def test_event_and_media_are_compared_as_moments(timestamp: str, start: str, end: str, reached: bool) -> None:
    media = [medium(timestamp=timestamp), medium(2, timestamp="2000-01-01T00:00:00+01:00", deploymentID="dep2")]
    export = read_files(make_package(media, [event(eventStart=start, eventEnd=end)]))
    assert images_by_annotation(export) == [("o1/m1", "m1") if reached else ("o1", None)]


def test_event_that_reaches_no_medium_has_no_image_and_is_not_superseded() -> None:
    (annotation,) = read_files(make_package(1, [event(deploymentID="elsewhere")])).annotations
    assert (annotation["id"], annotation["image_id"], annotation["sequence_level_annotation"]) == ("o1", None, True)
    assert "superseded" not in annotation


def test_event_that_names_a_medium_stands_for_that_one_only() -> None:
    export = read_files(make_package(2, [event(mediaID="m2") | BOX]))
    assert images_by_annotation(export) == [("o1", "m2")]
    assert export.annotations[0]["bbox_relative"] == [0.25, 0.5, 0.125, 0.0625]
    assert export.annotations[0]["sequence_level_annotation"] is True


def test_event_has_no_box_on_the_media_that_it_stands_for() -> None:
    export = read_files(make_package(2, [event() | BOX]))
    assert [annotation["bbox_relative"] for annotation in export.annotations] == [None, None]


def test_event_does_not_stand_for_media_without_an_id() -> None:
    assert images_by_annotation(read_files(make_package([medium(mediaID="")], [event()]))) == [("o1", None)]


@pytest.mark.parametrize(
    ("observations", "sequence"),
    [
        pytest.param([observation()], None, id="none"),
        pytest.param([observation(eventID="e1")], "dep1/e1", id="its own"),
        pytest.param([observation(eventID="e1"), observation(2, mediaID="m1", eventID="e1")], "dep1/e1", id="twice"),
        pytest.param([observation(eventID="e1"), observation(2, mediaID="m1")], "dep1/e1", id="its own and none"),
        pytest.param([observation(eventID=e, mediaID="m1") for e in ("e1", "e2", "e1")], None, id="two"),
        pytest.param([event(eventID="e1")], "dep1/e1", id="around"),
        pytest.param([event(eventID="e1"), event(2, eventID="e2")], None, id="two around"),
        pytest.param([event(eventID="e1"), observation()], "dep1/e1", id="around one with its own label"),
        pytest.param([event(eventID="e1"), observation(eventID="e2")], "dep1/e2", id="its own goes first"),
        pytest.param([event(eventID="e1", deploymentID="dep2")], None, id="elsewhere"),
    ],
)
def test_sequence_of_an_image_is_its_only_event(observations: Sequence[Cells], sequence: str | None) -> None:
    (image,) = read_files(make_package(1, observations)).images
    assert image["seq_id"] == sequence


def test_sequences_of_two_deployments_with_the_same_event_id_are_two() -> None:
    media = [medium(1), medium(2, deploymentID="dep2")]
    events = [event(1, eventID="1"), event(2, eventID="1", deploymentID="dep2")]
    assert [image["seq_id"] for image in read_files(make_package(media, events)).images] == ["dep1/1", "dep2/1"]


# --- bad packages


def assert_refused(files: Files, *parts: str) -> None:
    with pytest.raises(InputError) as caught:
        read_files(files)
    message = str(caught.value)
    assert message.startswith("island.zip")
    for part in parts:
        assert part in message


def test_package_without_descriptor_is_refused() -> None:
    files = make_package()
    del files["datapackage.json"]
    assert_refused(files, "has no datapackage.json", "Expected a Camtrap DP package")


@pytest.mark.parametrize("data", [b"", b"mediaID,deploymentID\n", b'{"resources": [', b"\xff\xfe{\x00}\x00"])
def test_package_with_a_descriptor_that_is_not_json_is_refused(data: bytes) -> None:
    assert_refused(make_package() | {"datapackage.json": data}, "datapackage.json is not JSON (", "Export the package")


@pytest.mark.parametrize(
    ("content", "held"),
    [({}, "nothing"), ({"name": "a", "id": 1}, "'name', 'id'"), ({"resources": {}}, "'resources'"), ([], "list")],
)
def test_package_with_a_descriptor_without_resources_is_refused(content: Any, held: str) -> None:
    files = make_package() | {"datapackage.json": orjson.dumps(content)}
    assert_refused(files, f"has no list of resources; it holds {held}.")


@pytest.mark.parametrize("name", ["deployments", "media", "observations"])
def test_package_without_one_of_the_three_resources_is_refused(name: str) -> None:
    others = [part for part in resources() if part["name"] != name]
    names = ", ".join(repr(part["name"]) for part in others)
    assert_refused(make_package(resources=others), f"has no resource {name!r}; its datapackage.json names {names}.")
    assert_refused(make_package(resources=[]), "has no resource 'deployments'; its datapackage.json names none.")


def test_package_without_a_file_that_it_names_is_refused() -> None:
    files = make_package()
    del files["media.csv"]
    assert_refused(files, "has no file media.csv, which its datapackage.json names", "download it again")


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/etc/passwd", "absolute"),
        ("../media.csv", "'..'"),
        ("a/../../media.csv", "'..'"),
        ("https://example.org/media.csv", "':'"),
        ("C:\\media.csv", "':'"),
        ("tables\\media.csv", "\\"),
        ("", "empty"),
        (5, "not a text"),
        (None, "not a text"),
        ({}, "not a text"),
        ([], "not a text"),
        (["media.csv", "../media.csv"], "'..'"),
        (["media.csv", None], "not a text"),
    ],
)
def test_path_of_a_resource_that_leads_elsewhere_is_refused(path: Any, fault: str) -> None:
    files = make_package(resources=resources(media={"path": path}))
    assert_refused(files, "as a path of its resource 'media': ", fault, "relative path", "correct datapackage.json")


def test_data_within_the_descriptor_are_refused() -> None:
    inline = {"name": "media", "data": [medium()]}
    files = make_package(resources=[resource("deployments"), inline, resource("observations")])
    assert_refused(files, "holds the data of its resource 'media' within datapackage.json", "write the data to one")


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        ("deployments", ["deploymentID"]),
        ("media", ["mediaID", "deploymentID", "timestamp", "filePath", "fileMediatype"]),
        (
            "observations",
            ["observationID", "deploymentID", "eventStart", "eventEnd", "observationLevel", "observationType"],
        ),
    ],
)
def test_table_without_a_required_column_is_refused(table: str, columns: list[str]) -> None:
    for column in columns:
        files = make_package()
        header, _, rows = files[f"{table}.csv"].partition(b"\r\n")
        files[f"{table}.csv"] = header.replace(column.encode(), b"old name", 1) + b"\r\n" + rows
        assert_refused(files, f"{table}.csv has no column {column};", "'old name'", f"Expected {', '.join(columns)}")


def test_table_that_is_empty_or_of_another_delimiter_is_refused() -> None:
    files = make_package()
    assert_refused(files | {"media.csv": b""}, "no column mediaID and deploymentID and", "its columns are none.")
    semicolons = files["media.csv"].replace(b",", b";")
    assert_refused(files | {"media.csv": semicolons}, "its columns are 'mediaID;deploymentID;timestamp")


def test_table_that_is_not_utf8_is_refused_with_its_line() -> None:
    files = make_package([medium(), medium(2, fileName="fuchs ü")])
    latin = files | {"media.csv": files["media.csv"].decode().encode("latin-1")}
    assert_refused(latin, "media.csv is not UTF-8 (line 3, byte ", "convert the file")


def test_table_in_parquet_is_refused() -> None:
    assert_refused(make_package() | {"media.csv": b"PAR1\x15\x04"}, "media.csv is Parquet, expected CSV")


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-9], lambda data: data[:20], lambda data: data[:20] + b"\xff" * 30]
)
def test_table_whose_gzip_is_damaged_is_refused(damage: Callable[[bytes], bytes]) -> None:
    files = make_package()
    packed = files | {"media.csv": damage(gzip.compress(files["media.csv"]))}
    assert_refused(packed, "media.csv cannot be unpacked", " again.")


@pytest.mark.parametrize(
    ("row", "line"),
    [
        pytest.param(b'm7,dep1,"never closed\nm8,dep1,,\n', 6, id="open quote"),
        pytest.param(b'm7,"a"b,,\n', 5, id="more after a quote"),
        pytest.param(b"m7," + b"x" * 17_000_000 + b"\n", 5, id="a cell beyond all measure"),
    ],
)
def test_table_that_is_not_csv_is_refused_with_its_line(row: bytes, line: int) -> None:
    files = make_package()
    files["media.csv"] += row
    assert_refused(files, f"media.csv is not CSV at line {line} (", "correct the line")


# --- any text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TIMES = ("2024-05-06T07:08:01Z", "2024-05-06T07:08:01", "0001-01-01T00:00:00+14:00", "9999-W53-7")
WORDS = ("", "m1", "m2", "dep1", "e1", "event", "media", "blank", "animal", "0.5", "nan", "NA")
ODDITIES = ("https://[", "s3://a/%ff", "{}", '{"a":{}}')
CELL = TEXT | st.sampled_from([*WORDS, *TIMES, *ODDITIES])


def rows_of(columns: Iterable[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    return st.lists(st.fixed_dictionaries(dict.fromkeys(columns, CELL)), min_size=1, max_size=4)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(deployments=rows_of(deployment()), media=rows_of(medium()), observations=rows_of(observation()))
def test_any_text_in_any_cell_leaves_every_medium_and_observation_accounted_for(
    deployments: list[Cells], media: list[Cells], observations: list[Cells]
) -> None:
    blanks = resources(media={"schema": {"missingValues": [""]}}, observations={"schema": {"missingValues": [""]}})
    export = read_files(make_package(media, observations, deployments, resources=blanks))
    assert [image["id"] for image in export.images] == [row["mediaID"] for row in media]
    expected: Counter[str] = Counter(row["observationID"] for row in observations)
    ids = Counter(
        annotation["id"].removesuffix(f"/{annotation['image_id']}")
        if annotation["sequence_level_annotation"] and annotation["id"] not in expected
        else annotation["id"]
        for annotation in export.annotations
    )
    assert ids.keys() == expected.keys()
    assert len(export.annotations) >= len(observations)
    assert {a["category_id"] for a in export.annotations} <= {c["id"] for c in export.categories} | {None}
    orjson.dumps([export.images, export.annotations, export.categories])  # as later checks do with twins


@settings(max_examples=400, deadline=None)
@given(table=st.sampled_from(["datapackage.json", "deployments.csv", "media.csv", "observations.csv"]), data=st.data())
def test_any_damage_to_a_file_gives_records_or_an_input_error(table: str, data: st.DataObject) -> None:
    files = make_package()
    start = data.draw(st.integers(0, len(files[table])))
    length = data.draw(st.integers(0, 40))
    middle = data.draw(st.binary(max_size=8) | st.sampled_from([b'"', b"\r", b"\x00", b"\n\n", b",", b"{", b"null"]))
    files[table] = files[table][:start] + middle + files[table][start + length :]
    with contextlib.suppress(InputError):
        assert isinstance(read_files(files), CctExport)

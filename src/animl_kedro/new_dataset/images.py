"""Where the images of an export are."""

import re
from dataclasses import dataclass
from pathlib import Path

from animl_kedro.errors import InputError
from animl_kedro.new_dataset.export import Format

BUCKET_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/(?P<prefix>.*))?", re.DOTALL)


@dataclass(frozen=True)
class Bucket:
    """A bucket, and what stands before every key."""

    bucket: str
    prefix: str = ""
    region: str | None = None
    public: bool = False


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, by its absolute path."""

    path: str


ImageSource = Bucket | Folder

ANIMLS = Bucket("animl-images-serving-prod", region="us-west-2")
"""Where Animl keeps the photographs, of all projects."""


def image_source(place: str | None, *, public: bool, kind: Format) -> ImageSource:
    """The source that a person names, or the one that the format tells.

    Raises InputError where there is none.
    """
    if place is None:
        if kind is Format.ANIML:
            return ANIMLS
        raise InputError(
            f"An export in {kind} does not tell where its images are: --images-from=s3://bucket/prefix, with --public "
            "for a public bucket, or --images-from=FOLDER, which their file names are relative to."
        )
    if "://" not in place:
        return _folder(Path(place))
    match = BUCKET_URL.fullmatch(place)
    if match is None:
        raise InputError(f"{place!r} is neither a folder nor a bucket: expected s3://bucket or s3://bucket/prefix.")
    prefix = match["prefix"] or ""
    return Bucket(match["bucket"], f"{prefix.rstrip('/')}/" if prefix else "", public=public)


def _folder(path: Path) -> Folder:
    if not path.is_dir():
        raise InputError(f"There is no folder {path} with images.")
    return Folder(str(path.resolve()))

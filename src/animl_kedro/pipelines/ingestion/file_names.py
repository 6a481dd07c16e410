"""File names that can lie beside each other on every file system."""

import unicodedata
from itertools import accumulate

from animl_kedro.pipelines.ingestion.rejections import Reason, RejectedError


class FileNames:
    """The file names that are taken, and the folders that they need.

    Names that some file systems hold for one are one here: upper and lower case, and the two forms of an accent.
    """

    def __init__(self) -> None:
        self._files: dict[str, str] = {}
        self._folders: dict[str, str] = {}

    def add(self, file_name: str, image_id: str) -> None:
        """Take a name for an image. Raises RejectedError where another image's file or folder is in its way."""
        path = file_name.lower() if file_name.isascii() else unicodedata.normalize("NFC", file_name).casefold()
        folder = path.rpartition("/")[0]
        new_folders = [] if folder in self._folders else list(accumulate(folder.split("/"), "{}/{}".format))
        if owner := self._files.get(path) or self._folders.get(path) or self._owner_of_any(new_folders):
            detail = f"{file_name!r} cannot be kept beside the file of image {owner}"
            raise RejectedError(Reason.SAME_FILE_NAME, detail)
        self._files[path] = image_id
        if new_folders:
            self._folders.update(dict.fromkeys(new_folders, image_id))

    def _owner_of_any(self, folders: list[str]) -> str | None:
        return next(filter(None, map(self._files.get, folders)), None)

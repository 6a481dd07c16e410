"""What detectors found, kept so that no image is looked at twice by the same detector."""

from pathlib import Path

import orjson

from animl_kedro.errors import InputError
from animl_kedro.files import inside, written_whole
from animl_kedro.formats.megadetector import CATEGORIES, FORMAT_VERSION, Results, check_results


class DetectorCache:
    """A folder with a file of MegaDetector results for every version of a detector and every data set.

    The files are ``v<version>/<data set>.json``, as CameraTraps keeps them; in them, ``file`` is relative to the data
    set. Two processes must not write to the same file at a time: nothing breaks, but the last one's results stay.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path_of(self, version: str, dataset: str) -> Path:
        """Where the results are or would be kept. Raises ValueError where a name could lead out of the folder."""
        return inside(self.root, f"v{version}/{dataset}.json")

    def read(self, version: str, dataset: str) -> Results:
        """Read what this version found in a data set; results without images where there is nothing yet.

        Raises InputError where the file is damaged.
        """
        path = self.path_of(version, dataset)
        try:
            return check_results(orjson.loads(path.read_bytes()))
        except FileNotFoundError:
            return {
                "info": {"format_version": FORMAT_VERSION, "detector": version},
                "detection_categories": CATEGORIES,
                "images": [],
            }
        except (orjson.JSONDecodeError, InputError) as error:
            raise InputError(
                f"The detector's cache {path} is damaged ({error}). Remove it, and the detector looks at its images "
                "again."
            ) from error

    def write(self, version: str, dataset: str, results: Results) -> None:
        """Write the results whole, over those that are there."""
        with written_whole(self.path_of(version, dataset)) as temporary:
            temporary.write_bytes(orjson.dumps(check_results(results), option=orjson.OPT_INDENT_2))

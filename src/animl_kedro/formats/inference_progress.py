"""What a run of inference has found so far, kept so that a run that was killed goes on."""

import logging
from collections.abc import Mapping
from pathlib import Path
from secrets import token_hex

import orjson

from animl_kedro.files import written_whole

logger = logging.getLogger(__name__)

Found = dict[int, list[float]]
"""What was found in an image: the probability of every label, by the number of the detection."""


class InferenceProgress:
    """A folder of files, each written whole, with what was found in some images, by keys that stand for all of it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self) -> dict[str, Found]:
        """All that was found. A file that is damaged is left out with a warning: its images are looked at again."""
        found: dict[str, Found] = {}
        for path in self._parts():
            try:
                found |= {key: _with_numbers(image) for key, image in orjson.loads(path.read_bytes()).items()}
            except (OSError, orjson.JSONDecodeError, AttributeError, ValueError) as error:
                logger.warning("%s is damaged (%s): its images are classified again", path, error)
        return found

    def add(self, found: Mapping[str, Found]) -> None:
        """Write more that was found, beside what is there."""
        if found:
            with written_whole(self.root / f"{token_hex(8)}.json") as temporary:
                temporary.write_bytes(orjson.dumps(dict(found), option=orjson.OPT_NON_STR_KEYS))

    def replace(self, found: Mapping[str, Found]) -> None:
        """Keep this alone, in one file."""
        before = self._parts()
        self.add(found)
        for path in before:
            path.unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return sorted(self.root.glob("[0-9a-f]*.json"))


def _with_numbers(image: Mapping[str, list[float]]) -> Found:
    return {int(number): probabilities for number, probabilities in image.items()}

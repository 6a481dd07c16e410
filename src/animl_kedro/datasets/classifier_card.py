"""What a classifier tells of itself, as a Kedro dataset that needs neither its weights nor torch."""

import json
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import DatasetError
from kedro.io.core import VersionNotFoundError
from kedro_datasets._typing import JSONPreview

from animl_kedro.classifier.folder import CARD
from animl_kedro.datasets.previews import json_preview, of_what_exists
from animl_kedro.datasets.whole_folders import WholeFolderDataset
from animl_kedro.errors import InputError


class ClassifierCardDataset(WholeFolderDataset[dict[str, Any]]):
    """Loads ``classifier.json`` of a folder that a `ClassifierDataset` has written. It is never written itself.

    Empty where no classifier was ever written: predictions can come from elsewhere.

    YAML example::

        classifier_card:
          type: animl_kedro.datasets.classifier_card.ClassifierCardDataset
          filepath: data/06_models/classifier
          versioned: true

    Python example::

        catalog.load("classifier_card")["provenance"]["parameters"]
    """

    FILES = (CARD,)

    def load(self) -> dict[str, Any]:
        """Read the card. Raises InputError where the file is not one."""
        try:
            return super().load()
        except VersionNotFoundError:
            return {}

    def save(self, data: dict[str, Any]) -> NoReturn:
        """Refuse: the card is written with the classifier."""
        raise DatasetError("A classifier's card is read, never written: it is a part of the entry classifier.")

    @of_what_exists
    def preview(self) -> JSONPreview:
        """Give kedro-viz the card."""
        return json_preview(self.load())

    def _exists(self) -> bool:
        # always, and without a look: the version that a run is about to write is the one that it reads at its end
        return True

    def _read(self, folder: Path) -> dict[str, Any]:
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise InputError(f"{folder / CARD} is not the card of a classifier of this project: {error}") from error
        if not isinstance(card, dict):
            raise InputError(f"{folder / CARD} is not the card of a classifier of this project: it is a {type(card)}")
        return card

    def _write(self, data: dict[str, Any], folder: Path) -> NoReturn:
        self.save(data)

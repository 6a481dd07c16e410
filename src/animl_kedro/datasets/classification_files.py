"""The files that other projects train classifiers from, as Kedro datasets."""

import json
from pathlib import Path
from typing import ClassVar

from kedro_datasets._typing import JSONPreview

from animl_kedro.datasets.previews import json_preview, of_what_exists
from animl_kedro.datasets.whole_folders import WholeFolderDataset
from animl_kedro.formats.camera_traps_classification import (
    CROPS_FILE,
    LABEL_INDEX_FILE,
    SPLITS_FILE,
    ClassificationFiles,
    read_classification_files,
    write_classification_files,
)
from animl_kedro.formats.coco_camera_traps import CctExport
from animl_kedro.formats.split_cct import read_cct, write_cct
from animl_kedro.tables import Split


class ClassificationFilesDataset(WholeFolderDataset[ClassificationFiles]):
    """Saves and loads the three files of CameraTraps' train_classifier.py, which it expects in one folder.

    YAML example::

        classification_dataset:
          type: animl_kedro.datasets.classification_files.ClassificationFilesDataset
          filepath: data/05_model_input/cameratraps
          versioned: true

    Python example::

        catalog.load("classification_dataset").splits["test"]
    """

    FILES = (CROPS_FILE, LABEL_INDEX_FILE, SPLITS_FILE)

    @of_what_exists
    def preview(self) -> JSONPreview:
        """Give kedro-viz the label index and the locations of each split."""
        files = {name: json.loads(self._read_file(name)) for name in (LABEL_INDEX_FILE, SPLITS_FILE)}
        return json_preview(files)

    def _read(self, folder: Path) -> ClassificationFiles:
        return read_classification_files(folder)

    def _write(self, data: ClassificationFiles, folder: Path) -> None:
        write_classification_files(data, folder)


class SplitCctsDataset(WholeFolderDataset[dict[str, CctExport]]):
    """Saves and loads a COCO Camera Traps file of each split, which animl-ml expects in one folder.

    YAML example::

        split_ccts:
          type: animl_kedro.datasets.classification_files.SplitCctsDataset
          filepath: data/05_model_input/cct
          versioned: true

    Python example::

        len(catalog.load("split_ccts")["test"].annotations)
    """

    FILES: ClassVar[tuple[str, ...]] = tuple(f"{split}_cct.json" for split in Split)

    def _read(self, folder: Path) -> dict[str, CctExport]:
        return {split.value: read_cct(folder / name) for split, name in zip(Split, self.FILES, strict=True)}

    def _write(self, data: dict[str, CctExport], folder: Path) -> None:
        for split, name in zip(Split, self.FILES, strict=True):
            write_cct(data[split], folder / name)

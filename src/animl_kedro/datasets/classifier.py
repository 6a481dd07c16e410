"""A trained classifier as a versioned Kedro dataset."""

import json
from pathlib import Path

from kedro_datasets._typing import JSONPreview

from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.folder import CARD, WEIGHTS
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.cropping.parameters import CroppingParams
from animl_kedro.datasets.previews import json_preview, of_what_exists
from animl_kedro.datasets.whole_folders import WholeFolderDataset
from animl_kedro.errors import InputError


class ClassifierDataset(WholeFolderDataset[Classifier]):
    """Saves and loads a `Classifier` as a folder of two files, with which no code can hide.

    ``weights.safetensors`` holds the weights, ``classifier.json`` what a person wants to read: backbone, labels,
    preprocessing, temperature, how boxes are cropped, and how it came about. The folder appears when it is complete.
    Folders of earlier versions, without a temperature or cropping, are read as well.

    YAML example::

        classifier:
          type: animl_kedro.datasets.classifier.ClassifierDataset
          filepath: data/06_models/classifier
          versioned: true

    Python example::

        catalog.load("classifier").predict("crop.jpg")
    """

    FILES = (CARD, WEIGHTS)

    def _read(self, folder: Path) -> Classifier:
        """Read the classifier, ready to predict. Raises InputError where its files do not belong together."""
        prepare_torch()
        # torch takes seconds to import: only those pay who load a classifier
        from safetensors.torch import load_file  # noqa: PLC0415

        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            labels, backbone = tuple(card["labels"]), card["backbone"]
            preprocessing = Preprocessing.from_json(card["preprocessing"])
            network = build_network(backbone, len(labels), preprocessing.image_size)
            network.load_state_dict(load_file(folder / WEIGHTS))
            temperature = float(card.get("temperature", 1.0))
            cropping = CroppingParams.model_validate(card["cropping"]) if card.get("cropping") else None
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{folder} does not hold a classifier of this project: {error}") from error
        provenance = card.get("provenance", {})
        return Classifier(backbone, labels, preprocessing, network.eval(), provenance, temperature, cropping)

    @of_what_exists
    def preview(self) -> JSONPreview:
        """Give kedro-viz what a person wants to read; the weights are not touched."""
        return json_preview(json.loads(self._read_file(CARD)))

    def _write(self, data: Classifier, folder: Path) -> None:
        from safetensors.torch import save_file  # noqa: PLC0415 - see _read

        card = {
            "backbone": data.backbone,
            "labels": list(data.labels),
            "preprocessing": data.preprocessing.to_json(),
            "temperature": data.temperature,
            "cropping": data.cropping.model_dump(mode="json") if data.cropping else None,
            "provenance": dict(data.provenance),
        }
        save_file({name: tensor.contiguous() for name, tensor in data.network.state_dict().items()}, folder / WEIGHTS)
        (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")

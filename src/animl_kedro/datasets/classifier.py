"""A trained classifier as a versioned Kedro dataset."""

import json
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from kedro.io import AbstractVersionedDataset, Version

from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.classifier.runtime import prepare_torch
from animl_kedro.errors import InputError
from animl_kedro.files import written_whole

CARD = "classifier.json"
WEIGHTS = "weights.safetensors"


class ClassifierDataset(AbstractVersionedDataset[Classifier, Classifier]):
    """Saves and loads a `Classifier` as a folder of two files, with which no code can hide.

    ``weights.safetensors`` holds the weights, ``classifier.json`` what a person wants to read: backbone, labels,
    preprocessing and how it came about. The folder appears when it is complete.

    YAML example::

        classifier:
          type: animl_kedro.datasets.classifier.ClassifierDataset
          filepath: data/06_models/classifier
          versioned: true

    Python example::

        catalog.load("classifier").predict("crop.jpg")
    """

    def __init__(
        self, *, filepath: str, version: Version | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        super().__init__(filepath=PurePosixPath(filepath), version=version)
        self.metadata = metadata

    def load(self) -> Classifier:
        """Read the classifier, ready to predict. Raises InputError where its files do not belong together."""
        prepare_torch()
        # torch takes seconds to import: only those pay who load a classifier
        from safetensors.torch import load_file  # noqa: PLC0415

        folder = Path(self._get_load_path())
        try:
            card = json.loads((folder / CARD).read_text(encoding="utf-8"))
            labels, backbone = tuple(card["labels"]), card["backbone"]
            preprocessing = Preprocessing.from_json(card["preprocessing"])
            network = build_network(backbone, len(labels), preprocessing.image_size)
            network.load_state_dict(load_file(folder / WEIGHTS))
        except (OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{folder} does not hold a classifier of this project: {error}") from error
        return Classifier(backbone, labels, preprocessing, network.eval(), card.get("provenance", {}))

    def save(self, data: Classifier) -> None:
        """Write the two files into a new folder, which takes its final name when both are complete."""
        from safetensors.torch import save_file  # noqa: PLC0415 - see load

        card = {
            "backbone": data.backbone,
            "labels": list(data.labels),
            "preprocessing": data.preprocessing.to_json(),
            "provenance": dict(data.provenance),
        }
        folder = Path(self._get_save_path())
        with written_whole(folder) as temporary:
            temporary.mkdir()
            save_file(
                {name: tensor.contiguous() for name, tensor in data.network.state_dict().items()}, temporary / WEIGHTS
            )
            (temporary / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False), encoding="utf-8")
            if not self._version:
                shutil.rmtree(folder, ignore_errors=True)

    def _exists(self) -> bool:
        return (Path(self._get_load_path()) / CARD).is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "version": self._version}

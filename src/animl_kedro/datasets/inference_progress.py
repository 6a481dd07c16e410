"""What a run of inference has found so far, as a Kedro dataset."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from animl_kedro.formats.inference_progress import InferenceProgress


class InferenceProgressDataset(AbstractDataset[NoReturn, InferenceProgress]):
    """Gives an `InferenceProgress`, which the pipeline writes into while it runs; it is never saved as a whole.

    YAML example::

        inference_progress:
          type: animl_kedro.datasets.inference_progress.InferenceProgressDataset
          path: data/07_model_output/inference_progress

    Python example::

        len(InferenceProgressDataset(path="data/07_model_output/inference_progress").load().read())
    """

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> InferenceProgress:
        """Give what there is, which may be nothing."""
        return InferenceProgress(self._path)

    def save(self, data: NoReturn) -> NoReturn:
        """Refuse: it is written while the pipeline runs."""
        raise DatasetError(f"{self._path} is written to while the inference runs, not saved as a whole.")

    def _exists(self) -> bool:
        return True

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}

"""What a run of inference has found so far, as a Kedro dataset."""

from pathlib import Path

from animl_kedro.datasets.working_folder import FolderOfWorkDataset
from animl_kedro.formats.inference_progress import InferenceProgress


class InferenceProgressDataset(FolderOfWorkDataset[InferenceProgress]):
    """Gives an `InferenceProgress`.

    YAML example::

        inference_progress:
          type: animl_kedro.datasets.inference_progress.InferenceProgressDataset
          path: data/07_model_output/inference_progress

    Python example::

        len(InferenceProgressDataset(path="data/07_model_output/inference_progress").load().read())
    """

    def _open(self, path: Path) -> InferenceProgress:
        return InferenceProgress(path)

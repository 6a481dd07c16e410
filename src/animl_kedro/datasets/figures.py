"""Figures as a Kedro dataset, apart from the others since matplotlib takes half a second to import."""

from kedro_datasets import matplotlib
from kedro_datasets._typing import ImagePreview

from animl_kedro.datasets.previews import of_what_exists
from animl_kedro.datasets.whole_files import WrittenWhole


class MatplotlibDataset(WrittenWhole, matplotlib.MatplotlibDataset):  # type: ignore[misc]
    """`kedro_datasets.matplotlib.MatplotlibDataset`, written whole."""

    @of_what_exists
    def preview(self) -> ImagePreview:
        """Give kedro-viz the picture."""
        return ImagePreview(super().preview())

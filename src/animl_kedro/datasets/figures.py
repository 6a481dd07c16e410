"""Figures as a Kedro dataset, apart from the others since matplotlib takes half a second to import."""

from kedro_datasets import matplotlib
from kedro_datasets._typing import ImagePreview
from PIL.Image import Image

from animl_kedro.datasets.previews import of_what_exists
from animl_kedro.datasets.whole_files import WrittenWhole
from animl_kedro.images import open_image


class MatplotlibDataset(WrittenWhole, matplotlib.MatplotlibDataset):  # type: ignore[misc]
    """`kedro_datasets.matplotlib.MatplotlibDataset`, written whole, and loaded as a Pillow image."""

    def load(self) -> Image:
        """Give the picture. Raises UnreadableImageError where it is damaged."""
        with self._fs.open(str(self._get_load_path()), "rb") as file:
            return open_image(file.read())

    @of_what_exists
    def preview(self) -> ImagePreview:
        """Give kedro-viz the picture."""
        return ImagePreview(super().preview())

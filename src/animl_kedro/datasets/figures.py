"""Figures as a Kedro dataset, apart from the others since matplotlib takes half a second to import."""

from kedro_datasets import matplotlib

from animl_kedro.datasets.whole_files import WrittenWhole


class MatplotlibDataset(WrittenWhole, matplotlib.MatplotlibDataset):  # type: ignore[misc]
    """`kedro_datasets.matplotlib.MatplotlibDataset`, written whole."""

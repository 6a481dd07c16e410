"""Interactive figures as a Kedro dataset, without plotly itself: only whoever looks at a figure needs it."""

from typing import Any, ClassVar

from kedro_datasets._typing import PlotlyPreview

from animl_kedro.datasets.previews import of_what_exists
from animl_kedro.datasets.whole_files import JSONDataset


class PlotlyFigureDataset(JSONDataset):
    """A figure as the dictionary of plotly's JSON, ``data`` and ``layout``, which kedro-viz shows.

    YAML example::

        precision_recall_figure:
          type: animl_kedro.datasets.plotly_figures.PlotlyFigureDataset
          filepath: data/08_reporting/precision_recall_figure.json
          versioned: true

    Python example::

        plotly.io.show(catalog.load("precision_recall_figure"))
    """

    DEFAULT_SAVE_ARGS: ClassVar[dict[str, Any]] = {}

    @of_what_exists
    def preview(self) -> PlotlyPreview:
        """Give kedro-viz the figure."""
        return PlotlyPreview(self.load())

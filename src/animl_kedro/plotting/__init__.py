"""Pictures for notebooks and for the nodes that draw: boxes on images, contact sheets, counts."""

from animl_kedro.plotting.boxes import draw_boxes
from animl_kedro.plotting.counts import count_bars
from animl_kedro.plotting.sheets import contact_sheet

__all__ = ["contact_sheet", "count_bars", "draw_boxes"]

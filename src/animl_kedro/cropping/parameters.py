"""The parameters of cropping."""

import hashlib
from typing import Literal

from pydantic import Field

from animl_kedro.parameters import StrictParams


class CroppingParams(StrictParams):
    """How a box becomes a crop."""

    shape: Literal["square", "pad", "tight"] = "square"
    """square: the smallest square around the box, shifted to stay inside the frame; pad: the box, padded to a square
    with black; tight: the box."""

    margin: float = Field(0.0, ge=0, le=1)
    """Fraction of the box's longer side that is added on each side of it."""

    min_side: int = Field(8, ge=1)
    """Pixels; boxes whose longer side is shorter are rejected."""

    max_side: int | None = Field(512, ge=16)
    """Pixels; crops are stored with their longer side at most this long. None keeps every pixel."""

    jpeg_quality: int = Field(95, ge=50, le=100)
    """Of the stored crops, in libjpeg's scale."""

    def checksum(self) -> str:
        """Sixteen hexadecimal digits that change with any parameter."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

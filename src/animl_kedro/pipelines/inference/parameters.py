"""The parameters of the inference pipeline."""

from pydantic import Field

from animl_kedro.parameters import StrictParams


class InferenceParams(StrictParams):
    """Which detections are classified, and what is told of them."""

    detection_threshold: float = Field(0.2, ge=0, le=1)
    """Detections of a lower confidence are not classified."""

    classification_threshold: float = Field(0.05, ge=0, le=1)
    """Labels with a lower probability are not written into the results."""

    save_every: int = Field(500, ge=1)
    """Images after which what was found is saved; a run that is killed loses at most about so many."""

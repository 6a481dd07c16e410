"""The parameters of the dataset split pipeline."""

from typing import Self

from pydantic import Field, model_validator

from animl_kedro.parameters import StrictParams
from animl_kedro.tables import Split


class DatasetSplitParams(StrictParams):
    """Which crops take part, and how their locations are divided."""

    val_fraction: float = Field(0.15, gt=0, lt=1)
    """Fraction of every class's crops, and of its locations, wanted for validation."""

    test_fraction: float = Field(0.15, gt=0, lt=1)
    """Fraction of every class's crops, and of its locations, wanted for the test."""

    min_locations: int = Field(3, ge=1)
    """Classes seen at fewer locations are left out."""

    min_crops: int = Field(10, ge=1)
    """Classes with fewer crops are left out."""

    tries: int = Field(1000, ge=1)
    """Random assignments of locations to splits to begin with; the best are improved until nothing helps."""

    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _leaves_training_data(self) -> Self:
        held_out = self.val_fraction + self.test_fraction
        if held_out >= 1:
            raise ValueError(f"val_fraction + test_fraction = {held_out:g} leaves no training data")
        return self

    @property
    def fractions(self) -> dict[Split, float]:
        """The wanted fraction of each split, in the order of the splits."""
        return {
            Split.TRAIN: 1 - self.val_fraction - self.test_fraction,
            Split.VAL: self.val_fraction,
            Split.TEST: self.test_fraction,
        }

"""The parameters of the dataset split pipeline."""

from typing import Literal, Self

from pydantic import Field, model_validator

from animl_kedro.parameters import StrictParams
from animl_kedro.tables import Split


class DatasetSplitParams(StrictParams):
    """Which crops take part, and how their locations are divided."""

    method: Literal["random", "smallest_first", "stratified_group", "kfold"] = "random"
    """random: the assignment closest to the wanted fractions, by random starts that are improved; smallest_first: the
    rarest classes' locations are given away first; stratified_group: scikit-learn's; kfold: `folds` parts of equal
    size, of which `fold` is the test, the next one the validation, and the others the training."""

    folds: int = Field(5, ge=3)
    """Parts that the method kfold divides the locations into."""

    fold: int = Field(0, ge=0)
    """Which of the folds is the test, counted from 0; the next one is the validation."""

    val_fraction: float = Field(0.15, gt=0, lt=1)
    """Fraction of every class's crops, and of its locations, wanted for validation."""

    test_fraction: float = Field(0.15, gt=0, lt=1)
    """Fraction of every class's crops, and of its locations, wanted for the test."""

    min_locations: int = Field(3, ge=1)
    """Classes seen at fewer locations are left out."""

    min_crops: int = Field(10, ge=1)
    """Classes with fewer crops are left out."""

    max_crops_per_class: int | None = Field(None, ge=1)
    """More crops of a class are left out by chance, with the seed, as evenly over its locations as they allow."""

    mixed_images: Literal["keep", "drop"] = "keep"
    """What becomes of the crops of images that show several classes: their labels may have been mixed up. A label
    that the label map gives no class counts as one."""

    keep: bool = False
    """Keep every location in the split where the last run put it; only new ones are divided."""

    tries: int = Field(1000, ge=1)
    """Random assignments of locations to splits to begin with; the best are improved until nothing helps."""

    seed: int = Field(0, ge=0)
    """Decides what is drawn: which crops stay within a maximum, and the random assignments."""

    @model_validator(mode="after")
    def _leaves_training_data(self) -> Self:
        held_out = self.val_fraction + self.test_fraction
        if held_out >= 1:
            raise ValueError(f"val_fraction + test_fraction = {held_out:g} leaves no training data")
        return self

    @model_validator(mode="after")
    def _reaches_the_locations(self) -> Self:
        maximum = self.max_crops_per_class
        if maximum is not None and maximum < self.min_locations:
            raise ValueError(
                f"max_crops_per_class = {maximum} cannot come from min_locations = {self.min_locations} locations"
            )
        return self

    @model_validator(mode="after")
    def _has_the_fold(self) -> Self:
        if self.method == "kfold" and self.fold >= self.folds:
            raise ValueError(f"fold {self.fold} of {self.folds} folds: they are counted from 0 to {self.folds - 1}")
        return self

    @model_validator(mode="after")
    def _keeps_splits_and_not_folds(self) -> Self:
        if self.method == "kfold" and self.keep:
            raise ValueError("keep: true keeps train, val and test, and the method kfold has folds: choose one of them")
        return self

    @property
    def fractions(self) -> dict[Split, float]:
        """The wanted fraction of each split, in the order of the splits; of folds, one is val and one is test."""
        if self.method == "kfold":
            part = 1 / self.folds
            return {Split.TRAIN: 1 - 2 * part, Split.VAL: part, Split.TEST: part}
        return {
            Split.TRAIN: 1 - self.val_fraction - self.test_fraction,
            Split.VAL: self.val_fraction,
            Split.TEST: self.test_fraction,
        }

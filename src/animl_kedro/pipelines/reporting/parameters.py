"""The parameters of the reporting pipeline."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from animl_kedro.parameters import StrictParams
from animl_kedro.tables import Split


class GroupParams(StrictParams):
    """How crops are put into the groups of `performance_by_group`."""

    night_saturation: float = Field(0.1, ge=0, le=1)
    """Crops whose mean saturation is below this were taken in infrared, by night; 0 is grey."""


class LabelErrorParams(StrictParams):
    """Where wrong labels are looked for."""

    splits: tuple[Split, ...] = (Split.TEST, Split.VAL)
    """The splits that are searched. In train fewer are found: the classifier has learned its labels."""


class ThresholdTarget(StrictParams):
    """What a threshold is to reach: a precision or a recall."""

    precision: float | None = Field(None, gt=0, le=1)
    """Share of the crops at or above the threshold that are of the class."""

    recall: float | None = Field(None, gt=0, le=1)
    """Share of the crops of the class that are at or above the threshold."""

    @model_validator(mode="after")
    def _has_one_measure(self) -> Self:
        if (self.precision is None) == (self.recall is None):
            found = "neither" if self.precision is None else f"precision {self.precision:g} and recall {self.recall:g}"
            raise ValueError(
                f"a target is either a precision or a recall, and this has {found}: give one of them, and set the "
                "other to null where an environment below has it"
            )
        return self

    @property
    def measure(self) -> Literal["precision", "recall"]:
        """Which of the two it is."""
        return "recall" if self.precision is None else "precision"

    @property
    def value(self) -> float:
        """How much of it is wanted."""
        return self.precision or self.recall or 0.0


class ThresholdParams(StrictParams):
    """How the recommended thresholds are chosen."""

    split: Split = Split.VAL
    """The crops that they are chosen on, val or test. What a threshold that was chosen on the test gives there is no
    test of it."""

    default: ThresholdTarget = ThresholdTarget(precision=0.9)
    """The target of every class that has none of its own, and of the one threshold for all classes."""

    classes: dict[str, ThresholdTarget] = Field(default_factory=dict)
    """The targets of classes, such as {"rat": {"recall": 0.95}}."""

    @field_validator("split")
    @classmethod
    def _is_held_out(cls, split: Split) -> Split:
        if split is Split.TRAIN:
            raise ValueError(
                "thresholds are chosen on val or test: of train the classifier has learned the labels, and is surer "
                "there than it will be of anything else"
            )
        return split


class PromotionParams(StrictParams):
    """What a classifier must do to be called better than the earlier one, or not worse.

    It is better where the whole interval of the difference in macro average precision is above ``better_margin``, not
    worse where it is all above minus ``not_worse_margin``, and worse where it is all below zero; otherwise it is
    undecided.
    """

    better_margin: float = Field(0.0, ge=0, le=1)
    """Better is a classifier where the whole interval of the difference is above this."""

    not_worse_margin: float = Field(0.01, ge=0, le=1)
    """Not worse is one where it is all at or above minus this."""

    fewest_locations: int = Field(3, ge=2)
    """With fewer test locations nothing is decided."""


class ReportingParams(StrictParams):
    """What the report is called, how many pictures are in it, and how its parts are made."""

    title: str = Field("Species classifier", min_length=1)
    """The heading of the report."""

    examples_per_class: int = Field(3, ge=0, le=24)
    """Pictures of every class in each gallery; 0 for a report without pictures."""

    confidence_level: float = Field(0.95, gt=0, lt=1)
    """How often an interval is to hold the true value."""

    bootstrap_rounds: int = Field(1000, ge=100)
    """How often locations, or images, are drawn anew for the intervals."""

    seed: int = Field(0, ge=0)
    """Decides which locations and images are drawn in each round."""

    intended_use: str = (
        "To sort camera-trap photographs by species, with a person who looks at what matters, where the animals, "
        "cameras and landscapes are such as those of the test."
    )
    """What the report says the classifier is for."""

    limits: str = ""
    """What the report adds to the limits that hold for every classifier."""

    groups: GroupParams = GroupParams()
    """How crops are put into groups."""

    label_errors: LabelErrorParams = LabelErrorParams()
    """Where wrong labels are looked for."""

    thresholds: ThresholdParams = ThresholdParams()
    """How the recommended thresholds are chosen."""

    promotion: PromotionParams = PromotionParams()
    """What a classifier must do to be called better than the earlier one, or not worse."""

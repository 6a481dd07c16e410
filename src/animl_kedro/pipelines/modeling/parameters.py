"""The parameters of the modeling pipeline."""

from typing import Literal

from pydantic import Field, field_validator

from animl_kedro.classifier.backbones import backbone_named
from animl_kedro.classifier.preprocessing import AugmentationName
from animl_kedro.parameters import StrictParams

CAMERATRAPS_LEARNING_RATE = 0.016
"""Per 256 crops of a batch. Source: CameraTraps, classification/train_classifier.py."""


class ModelingParams(StrictParams):
    """The network, and how it is trained. The defaults are those of CameraTraps' train_classifier."""

    backbone: str = "efficientnet-b0"
    """Name of the network: efficientnet-b0 to efficientnet-b7."""

    image_size: int | None = Field(None, ge=32, le=1024)
    """Side in pixels at which the network sees a crop; None is what the backbone was designed for."""

    weights: str = "none"
    """What training starts from: `imagenet`, `none`, or the path of a state dict or a CameraTraps checkpoint."""

    epochs: int = Field(50, ge=1)

    head_only_epochs: int = Field(0, ge=0)
    """Epochs at the start that train the last layer alone, with batch norm and dropout frozen (--finetune)."""

    batch_size: int = Field(256, ge=2)

    learning_rate: float | None = Field(None, gt=0)
    """Highest learning rate; None is CameraTraps' rule, 0.016 × batch_size / 256."""

    weight_decay: float = Field(1e-5, ge=0)

    optimizer: Literal["rmsprop", "adamw"] = "rmsprop"
    """rmsprop: CameraTraps', its learning rate falling by 0.97 every 2.4 epochs; adamw: with warm-up and a cosine."""

    batch_norm_momentum: float = Field(0.01, gt=0, le=1)
    """Weight of a new batch in the running statistics that evaluation uses. CameraTraps' 0.01 needs hundreds of steps
    an epoch; with fewer, the statistics lag behind the weights and validation looks worse than the network is."""

    drop_connect: float = Field(0.2, ge=0, lt=1)
    """Highest probability with which a block of the network is skipped in training; small data sets want 0."""

    label_weighted: bool = True
    """Whether every class is drawn equally often in training."""

    weight_by_confidence: bool = False
    """Whether crops are drawn in proportion to the confidence of their detection."""

    augmentation: AugmentationName = "cameratraps"

    patience: int = Field(8, ge=1)
    """Epochs without a better validation macro average precision after which training stops."""

    loader_workers: int = Field(0, ge=0)
    """Processes that load crops; 0 loads in the training process, which is faster where there is no GPU."""

    seed: int = Field(0, ge=0)

    @field_validator("backbone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return backbone_named(name).name

    @property
    def input_size(self) -> int:
        """Side in pixels at which the network sees a crop."""
        return self.image_size or backbone_named(self.backbone).image_size

    @property
    def weight_column(self) -> str | None:
        """The column of `SampleWeights` by which crops are drawn; None where each is drawn once."""
        if self.weight_by_confidence:
            return "balanced_confidence_weight" if self.label_weighted else "confidence_weight"
        return "label_weight" if self.label_weighted else None

    @property
    def peak_learning_rate(self) -> float:
        """The learning rate to begin with, or to warm up to."""
        return self.learning_rate or CAMERATRAPS_LEARNING_RATE * self.batch_size / 256

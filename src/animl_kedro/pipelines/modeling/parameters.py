"""The parameters of the modeling pipeline."""

import re
from typing import Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from animl_kedro.classifier.augmentation import AugmentationName
from animl_kedro.classifier.backbones import backbone_named
from animl_kedro.parameters import StrictParams

CAMERATRAPS_LEARNING_RATE = 0.016
"""Per 256 crops of a batch. Source: CameraTraps, classification/train_classifier.py."""


class ModelingParams(StrictParams):
    """The network, and how it is trained. The defaults are those of CameraTraps' train_classifier."""

    backbone: str = "efficientnet-b0"
    """Name of the network: efficientnet-b0 to efficientnet-b7, one of torchvision's by its name (resnet50), or one of
    timm's as timm/name."""

    image_size: int | None = Field(None, ge=32, le=1024)
    """Side in pixels at which the network sees a crop; None is what the backbone was designed for."""

    weights: str = "none"
    """What training starts from: `imagenet`, `none`, or the path of a state dict, of a CameraTraps checkpoint, or of
    the folder of an earlier classifier or of its versions."""

    epochs: int = Field(50, ge=1)
    """Epochs at most."""

    head_only_epochs: int = Field(0, ge=0)
    """Epochs at the start that train the last layer alone, with batch norm and dropout frozen (--finetune)."""

    batch_size: int = Field(256, ge=2)
    """Crops of one step, whatever the number of processes."""

    accumulate: int = Field(1, ge=1)
    """Parts that each process divides its share of a batch into, one after the other, to need less memory."""

    find_batch_size: bool = False
    """Whether `batch_size` is replaced by the largest power of two that fits into the memory of the GPUs."""

    halve_batch_on_oom: bool = False
    """Whether, out of memory, training goes on with twice as many parts instead of ending. Several processes then
    exchange gradients behind the backward pass, and not during it, so that none waits for one that has failed."""

    learning_rate: float | None = Field(None, gt=0)
    """Highest learning rate; None is CameraTraps' rule, 0.016 × batch_size / 256."""

    find_learning_rate: bool = False
    """Whether `learning_rate` is replaced by the one at which the loss falls fastest in a short trial."""

    weight_decay: float = Field(1e-5, ge=0)
    """How strongly the optimizer draws weights to zero; adamw's is decoupled from the gradient."""

    optimizer: Literal["rmsprop", "adamw"] = "rmsprop"
    """rmsprop: CameraTraps', its learning rate falling by 0.97 every 2.4 epochs; adamw: with warm-up and a cosine."""

    label_smoothing: float = Field(0, ge=0, lt=1)
    """Share of every target that all classes get alike."""

    focal_gamma: float = Field(0, ge=0)
    """Power of the focal loss, by which crops that are told apart already count for less; 0 is cross-entropy."""

    mixup: float = Field(0, ge=0)
    """Alpha of the beta distribution of the shares in which two crops are mixed; 0 mixes none."""

    cutmix: float = Field(0, ge=0)
    """The same for pieces of a crop that are put into another. With both, a coin decides for every batch."""

    ema_decay: float = Field(0, ge=0, lt=1)
    """Share of the old in the running mean of the weights, which is then what is evaluated and kept; 0 has none."""

    batch_norm_momentum: float = Field(0.01, gt=0, le=1)
    """Weight of a new batch in the running statistics that evaluation uses. CameraTraps' 0.01 needs hundreds of steps
    an epoch; with fewer, the statistics lag behind the weights and validation looks worse than the network is."""

    drop_connect: float = Field(0.2, ge=0, lt=1)
    """Highest probability with which a block of efficientnet-b0 to b7 is skipped in training; 0 for small data sets."""

    label_weighted: bool = True
    """Whether every class is drawn equally often in training."""

    weight_by_confidence: bool = False
    """Whether crops are drawn in proportion to the confidence of their detection."""

    augmentation: AugmentationName = "cameratraps"
    """How crops are changed at random in training. cameratraps: as there, down to 8 % of a crop and turned by up to 90
    degrees; gentle: at least half of it, and upright."""

    stop_metric: Literal["macro_average_precision", "loss", "accuracy"] = "macro_average_precision"
    """What tells the better of two epochs, on the validation split. CameraTraps goes by accuracy."""

    patience: int = Field(8, ge=1)
    """Epochs without a better one after which training stops."""

    checkpoint_minutes: float = Field(30, gt=0)
    """Minutes after which a checkpoint is written within an epoch; at the end of every epoch one is written anyway."""

    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"
    """Numbers that the network computes with; auto: bf16-mixed on GPUs that have it, 16-mixed on older ones, and
    32-true elsewhere."""

    device: Literal["auto", "cpu", "gpu"] = "auto"
    """What training runs on; auto: a GPU where there is one."""

    processes: int | Literal["auto"] = "auto"
    """Processes on each host, a GPU each; auto: as many as it has GPUs, and one without."""

    hosts: int = Field(1, ge=1)
    """Machines that train together; docs/modeling.md tells how the others are started."""

    main_address: str = "localhost:29500"
    """Name and port of the first of several hosts."""

    folds: bool = False
    """Whether a classifier is trained for every fold of the splits too, to classify each crop by one that has not seen
    its location."""

    tensorboard: bool = False
    """Whether the history is written as TensorBoard logs too."""

    loader_workers: int | Literal["auto"] = "auto"
    """Threads that open and change crops, or processes for a GPU; auto: a processor each, 16 at most."""

    seed: int = Field(0, ge=0)
    """Decides new weights, the order of crops, and how they are changed."""

    @field_validator("backbone")
    @classmethod
    def _is_known(cls, name: str) -> str:
        return backbone_named(name).name

    @field_validator("main_address")
    @classmethod
    def _has_a_port(cls, address: str) -> str:
        if not re.fullmatch(r"[^\s:]+:\d{1,5}", address):
            raise ValueError(f"main_address = {address!r}: expected a host's name and a port, as in trainer-0:29500")
        return address

    @field_validator("processes", "loader_workers")
    @classmethod
    def _is_positive(cls, number: int | str, info: ValidationInfo) -> int | str:
        if isinstance(number, int) and number < 1:
            raise ValueError(f"{info.field_name} = {number}: expected at least 1, or auto")
        return number

    @model_validator(mode="after")
    def _draws_folds_by_class_alone(self) -> Self:
        if self.folds and self.weight_by_confidence:
            raise ValueError(
                "folds and weight_by_confidence are both true: the weights by confidence are those of the training "
                "split alone, so that folds cannot be drawn by them: set one to false"
            )
        return self

    @model_validator(mode="after")
    def _fills_the_parts(self) -> Self:
        """A part of one crop would teach batch norm nothing."""
        parts = self.accumulate * self.hosts * (1 if self.processes == "auto" else self.processes)
        if self.batch_size < 2 * parts:
            raise ValueError(
                f"batch_size = {self.batch_size} in {parts} parts (accumulate × processes × hosts) leaves fewer than 2 "
                f"crops in one: raise it to {2 * parts}, or lower the others"
            )
        return self

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

"""The schema of every table that crosses a pipeline's border.

The catalog enforces them on load and on save (``validator:`` in ``conf/base/catalog``). A schema lists every column;
a column that is not listed is refused, so that a table that loads is a table that can be trusted. Boxes are pixels of
the upright image unless a column says ``relative``.
"""

import hashlib
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing.pandas import Series

from animl_kedro import table_checks  # noqa: F401 - registers what the schemas below check with
from animl_kedro.errors import InputError


class FileStatus(StrEnum):
    """What became of an image's file."""

    DOWNLOADED = "downloaded"
    PRESENT = "present"
    MISSING = "missing"
    FAILED = "failed"


class BoxUnit(StrEnum):
    """What the four numbers of an annotated box count."""

    PIXEL = "pixel"
    FRACTION = "fraction"


class BoxSource(StrEnum):
    """Where a crop's box came from."""

    ANNOTATION = "annotation"
    WHOLE_FRAME = "whole_frame"
    DETECTOR = "detector"


class Split(StrEnum):
    """The three parts of the data, in the order of every table and plot."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class JoinReason(StrEnum):
    """Why two locations stay in one split."""

    SEQUENCE = "sequence"
    IDENTICAL_FILE = "identical_file"


PROBABILITY_PREFIX = "probability_"
"""A class's column in `Predictions` is this prefix and the class's label."""

LOGIT_PREFIX = "logit_"
"""The same for what the network itself says, before it becomes a probability."""


class Table(pa.DataFrameModel):
    """What all tables share: known columns only, and types coerced."""

    class Config:
        """Pandera's settings."""

        strict = True
        coerce = True

    @classmethod
    def of(cls, rows: Sequence[Mapping[Any, Any] | tuple[Any, ...]]) -> pd.DataFrame:
        """A checked table of these rows, with the schema's columns and types also where there is no row."""
        names = list(cls.to_schema().columns)
        if rows and isinstance(rows[0], tuple):
            columns = zip(*rows, strict=True)  # half the time of a frame that is made of rows
            return cls.validate(pd.DataFrame(dict(zip(names, columns, strict=True))))
        return cls.validate(pd.DataFrame(rows, columns=names))


class Images(Table):
    """One row an image of the exports that was selected.

    ``file_name`` is the relative path under which the image is kept in the folder of its data set, safe to join to it
    and unique there without regard to upper and lower case. ``key`` is its key in its data set's archive. ``datetime``
    is the wall clock at the camera, without a zone. ``width`` and ``height`` are the pixels that the export recorded,
    if it did.
    """

    image_id: Series[str] = pa.Field(distinct=True)
    dataset: Series[str]
    key: Series[str]
    file_name: Series[str]
    location: Series[str] = pa.Field(nullable=True)
    sequence_id: Series[str] = pa.Field(nullable=True)
    datetime: Series[pa.DateTime] = pa.Field(nullable=True)
    width: Series[pd.Int64Dtype] = pa.Field(nullable=True, gt=0)
    height: Series[pd.Int64Dtype] = pa.Field(nullable=True, gt=0)

    class Config(Table.Config):
        """Pandera's settings."""

        unique: ClassVar[list[str]] = ["dataset", "file_name"]


class Annotations(Table):
    """One row a label of an image, with its box where it has one.

    The four box columns are pixels, or fractions of the image where ``box_unit`` says so: exports in fractions that do
    not tell the size of an image. All are present or all are missing. ``confidence`` is missing for labels by people.
    """

    annotation_id: Series[str] = pa.Field(distinct=True)
    image_id: Series[str]
    label: Series[str]
    box_unit: Series[str] = pa.Field(nullable=True, isin=list(BoxUnit))
    box_left: Series[float] = pa.Field(nullable=True)
    box_top: Series[float] = pa.Field(nullable=True)
    box_width: Series[float] = pa.Field(nullable=True)
    box_height: Series[float] = pa.Field(nullable=True)
    confidence: Series[float] = pa.Field(nullable=True, ge=0, le=1)


class RejectedRecords(Table):
    """One row a record of the exports that is not used, and why: it cannot be, or the selection leaves it out."""

    dataset: Series[str]
    record: Series[str] = pa.Field(isin=["image", "annotation"])
    record_id: Series[str]
    image_id: Series[str] = pa.Field(nullable=True)
    reason: Series[str]
    detail: Series[str]


class ImageFiles(Table):
    """The local manifest: one row an image, with what became of its file.

    ``path`` is relative to the image store, ``checksum`` the MD5 of the file's bytes; both are missing where there is
    no file, and then ``error`` says why.
    """

    image_id: Series[str] = pa.Field(distinct=True)
    key: Series[str]
    path: Series[str] = pa.Field(nullable=True)
    bytes: Series[pd.Int64Dtype] = pa.Field(nullable=True, gt=0)
    checksum: Series[str] = pa.Field(nullable=True)
    status: Series[str] = pa.Field(isin=list(FileStatus))
    error: Series[str] = pa.Field(nullable=True)


class Crops(Table):
    """One row a crop, traceable to its image's pixels.

    ``crop_id`` is the path of the crop below the crop folder. ``box_*`` are pixels of the upright image,
    ``relative_*`` the same box in fractions of it; ``width`` and ``height`` are the pixels of the crop as stored.
    ``sequence_id`` is the export's, or that of a burst by location and time. ``detector`` is the version of the
    detector that found the box, where one did. ``settings`` is the checksum of the cropping parameters.
    """

    crop_id: Series[str] = pa.Field(distinct=True)
    dataset: Series[str]
    image_id: Series[str]
    image_path: Series[str]
    annotation_id: Series[str] = pa.Field(nullable=True)
    location: Series[str] = pa.Field(nullable=True)
    sequence_id: Series[str] = pa.Field(nullable=True)
    datetime: Series[pa.DateTime] = pa.Field(nullable=True)
    label: Series[str]
    box_source: Series[str] = pa.Field(isin=list(BoxSource))
    detector: Series[str] = pa.Field(nullable=True)
    confidence: Series[float] = pa.Field(ge=0, le=1)
    box_left: Series[float] = pa.Field(ge=0)
    box_top: Series[float] = pa.Field(ge=0)
    box_width: Series[float] = pa.Field(gt=0)
    box_height: Series[float] = pa.Field(gt=0)
    relative_left: Series[float] = pa.Field(ge=0, le=1)
    relative_top: Series[float] = pa.Field(ge=0, le=1)
    relative_width: Series[float] = pa.Field(gt=0, le=1)
    relative_height: Series[float] = pa.Field(gt=0, le=1)
    width: Series[int] = pa.Field(gt=0)
    height: Series[int] = pa.Field(gt=0)
    settings: Series[str]


class RejectedBoxes(Table):
    """One row a box, or a whole image, that did not become a crop, and why."""

    image_id: Series[str]
    annotation_id: Series[str] = pa.Field(nullable=True)
    label: Series[str] = pa.Field(nullable=True)
    reason: Series[str]
    detail: Series[str]


class OrphanedCrops(Table):
    """One row a file in the crop folder that no box belongs to any more."""

    crop_id: Series[str] = pa.Field(distinct=True)
    bytes: Series[int] = pa.Field(ge=0)


class LabeledCrops(Table):
    """One row a crop that takes part in training or measuring, with its class.

    ``dataset_label`` is the label that the crop came with, ``label`` the class that the label map made of it.
    """

    crop_id: Series[str] = pa.Field(distinct=True)
    dataset: Series[str]
    image_id: Series[str]
    location: Series[str]
    sequence_id: Series[str] = pa.Field(nullable=True)
    dataset_label: Series[str]
    label: Series[str]
    confidence: Series[float] = pa.Field(ge=0, le=1)


class RejectedCrops(Table):
    """One row a crop that takes no part in training or measuring, and why."""

    crop_id: Series[str] = pa.Field(distinct=True)
    dataset_label: Series[str]
    reason: Series[str]
    detail: Series[str]


def with_splits(labeled_crops: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    """`LabeledCrops` with the column split. Raises InputError where the two tables are not of the same crops."""
    crops, others = set(labeled_crops["crop_id"].tolist()), set(splits["crop_id"].tolist())
    if crops != others:
        raise InputError(
            f"labeled_crops and splits do not belong together: {len(crops - others)} crops have no split, and "
            f"{len(others - crops)} splits no crop. Run first: kedro run --pipeline=dataset_split"
        )
    return labeled_crops.merge(splits, on="crop_id", validate="one_to_one")


def data_checksum(crops: pd.DataFrame) -> str:
    """Sixteen hexadecimal digits that change with any crop's id, class or split, but not with the order of the rows.

    Takes a table with the columns crop_id, label and split: what a classifier was trained on, or what it predicted.
    """
    ordered = crops.sort_values("crop_id")
    rows = zip(ordered["crop_id"], ordered["label"], ordered["split"], strict=True)
    digest = hashlib.sha256()
    for row in rows:
        digest.update("\t".join(row).encode() + b"\n")
    return digest.hexdigest()[:16]


class Splits(Table):
    """One row a crop: the split that it belongs to, and its fold, counted from 0, where there are folds."""

    crop_id: Series[str] = pa.Field(distinct=True)
    split: Series[str] = pa.Field(isin=list(Split))
    fold: Series[pd.Int64Dtype] = pa.Field(nullable=True, ge=0)


class JoinedLocations(Table):
    """One row a pair of locations that stay together, and why.

    ``unit`` is the first location of all that stay together, as "dataset/location". ``shared`` is how many sequences,
    or identical files, the two have in common; ``key`` is one of them, an id or an MD5 checksum. Of more than two
    locations with one sequence or file, each is paired with the first.
    """

    unit: Series[str]
    dataset: Series[str]
    location: Series[str]
    other_dataset: Series[str]
    other_location: Series[str]
    reason: Series[str] = pa.Field(isin=list(JoinReason))
    shared: Series[int] = pa.Field(gt=0)
    key: Series[str]


class SplitSummary(Table):
    """One row a split and class: how much was wanted, and how much was got.

    The shares are fractions of the class's crops and of the locations where the class occurs; ``deviation`` is the
    share of crops less the wanted one.
    """

    split: Series[str] = pa.Field(isin=list(Split))
    label: Series[str]
    crops: Series[int] = pa.Field(ge=0)
    locations: Series[int] = pa.Field(ge=0)
    wanted_share: Series[float] = pa.Field(ge=0, le=1)
    crop_share: Series[float] = pa.Field(ge=0, le=1)
    location_share: Series[float] = pa.Field(ge=0, le=1)
    deviation: Series[float] = pa.Field(ge=-1, le=1)


class SampleWeights(Table):
    """One row a training crop: how often it is drawn, by what counts; every column has the mean 1.

    ``label_weight`` has the same sum for every class, ``confidence_weight`` is in proportion to the confidence of the
    detection, calibrated where there is a calibration, and ``balanced_confidence_weight`` is so within each class and
    has the same sum for every class. A class of which nothing is confident has zeros.
    """

    crop_id: Series[str] = pa.Field(distinct=True)
    label_weight: Series[float] = pa.Field(gt=0)
    confidence_weight: Series[float] = pa.Field(ge=0)
    balanced_confidence_weight: Series[float] = pa.Field(ge=0)


class ClassificationCrops(Table):
    """One row a crop, in the columns of CameraTraps' classification_ds.csv; ``path`` is below the crop folder."""

    path: Series[str] = pa.Field(distinct=True)
    dataset: Series[str]
    location: Series[str]
    dataset_class: Series[str]
    confidence: Series[float] = pa.Field(ge=0, le=1)
    label: Series[str]


class TrainingHistory(Table):
    """One row an epoch, counted from 1, and split.

    ``loss`` is the plain cross-entropy, ``top3_accuracy`` the share of crops whose class is among the three likeliest,
    or all where there are fewer. Of the training split they are of the batches as the network learned from them,
    augmented, and with dropout. ``learning_rate`` is the one at the epoch's end, ``seconds`` wall time.
    """

    epoch: Series[int] = pa.Field(ge=1)
    split: Series[str] = pa.Field(isin=list(Split))
    loss: Series[float] = pa.Field(nullable=True)
    accuracy: Series[float] = pa.Field(ge=0, le=1)
    top3_accuracy: Series[float] = pa.Field(ge=0, le=1)
    macro_average_precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    learning_rate: Series[float] = pa.Field(ge=0)
    seconds: Series[float] = pa.Field(ge=0)
    images_per_second: Series[float] = pa.Field(ge=0)
    best: Series[bool]


class Predictions(Table):
    """One row a crop of any split, with a probability and a logit for every class; a row's probabilities sum to 1.

    Probabilities are calibrated: the softmax of the logits, divided by the classifier's temperature. Predictions of
    earlier versions have no logits.
    """

    crop_id: Series[str] = pa.Field(distinct=True)
    split: Series[str] = pa.Field(isin=list(Split))
    label: Series[str]
    probabilities: Series[float] = pa.Field(alias=f"^{PROBABILITY_PREFIX}.+", regex=True, ge=0, le=1)
    logits: Series[np.float32] | None = pa.Field(alias=f"^{LOGIT_PREFIX}.+", regex=True)


class FoldPredictions(Table):
    """One row a crop: what the classifier says that was trained without its fold, as in `Predictions`.

    There is no row where no folds are trained.
    """

    crop_id: Series[str] = pa.Field(distinct=True)
    fold: Series[int] = pa.Field(ge=0)
    label: Series[str]
    probabilities: Series[float] = pa.Field(alias=f"^{PROBABILITY_PREFIX}.+", regex=True, ge=0, le=1)
    logits: Series[np.float32] | None = pa.Field(alias=f"^{LOGIT_PREFIX}.+", regex=True)


class InferenceTable(Table):
    """One row a detection of `inference_results`, counted from 0 in its image.

    ``confidence`` is the detector's. The box is in fractions of the upright image. ``label`` is the likeliest one, with
    its probability; both are missing where the detection was not classified, or nothing is likely enough.
    """

    file: Series[str]
    detection: Series[int] = pa.Field(ge=0)
    category: Series[str]
    confidence: Series[float] = pa.Field(ge=0, le=1)
    relative_left: Series[float]
    relative_top: Series[float]
    relative_width: Series[float]
    relative_height: Series[float]
    label: Series[str] = pa.Field(nullable=True)
    probability: Series[float] = pa.Field(nullable=True, ge=0, le=1)


class InferenceFailures(Table):
    """One row an image that could not be classified, and why."""

    file: Series[str]
    failure: Series[str]


class FoldAveragePrecision(Table):
    """One row a split and class, and three rows a split for the means over its classes.

    ``kind`` is "class" or "mean"; a mean's ``label`` is "macro", "weighted" or "micro". ``average_precision`` is
    missing where there is no positive crop to measure it on.
    """

    split: Series[str] = pa.Field(isin=list(Split))
    kind: Series[str] = pa.Field(isin=["class", "mean"])
    label: Series[str]
    average_precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    positives: Series[int] = pa.Field(ge=0)
    crops: Series[int] = pa.Field(ge=0)
    locations: Series[int] = pa.Field(ge=0)


class AveragePrecision(FoldAveragePrecision):
    """As `FoldAveragePrecision`, with how sure it is; of sequences, ``positives`` and ``crops`` count these.

    ``low`` and ``high`` are the ends of the interval by bootstrap over locations, ``image_low`` and ``image_high`` over
    images (or sequences), which are not independent: it is there to show the difference. Ends are missing where the
    value is, or where there are fewer than two to draw from. ``reliable`` is false of what is measured at fewer than
    three locations.
    """

    low: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    high: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    image_low: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    image_high: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    reliable: Series[bool]


class ScoresByClass(Table):
    """One row a split and class: how the class fares where every crop is given to its likeliest class.

    ``predicted`` are the crops given to the class, ``right`` those of them that are of it. ``precision`` is missing
    where none is predicted, ``recall`` where there is no positive, ``f1`` where there is neither.
    """

    split: Series[str] = pa.Field(isin=list(Split))
    label: Series[str]
    positives: Series[int] = pa.Field(ge=0)
    predicted: Series[int] = pa.Field(ge=0)
    right: Series[int] = pa.Field(ge=0)
    precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    recall: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    f1: Series[float] = pa.Field(nullable=True, ge=0, le=1)


class Reliability(Table):
    """One row a split and bin of confidence, the probability of the likeliest class: how often it is right.

    A bin holds the confidences above ``low`` up to ``high``, the first one 0 as well; the last two columns are missing
    where it has no crops.
    """

    split: Series[str] = pa.Field(isin=list(Split))
    bin: Series[int] = pa.Field(ge=0)
    low: Series[float] = pa.Field(ge=0, le=1)
    high: Series[float] = pa.Field(ge=0, le=1)
    crops: Series[int] = pa.Field(ge=0)
    mean_confidence: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    accuracy: Series[float] = pa.Field(nullable=True, ge=0, le=1)


class PrecisionRecallCurves(Table):
    """One row a split, class and threshold: precision and recall of "probability at or above the threshold"."""

    split: Series[str] = pa.Field(isin=list(Split))
    label: Series[str]
    threshold: Series[float] = pa.Field(ge=0, le=1)
    precision: Series[float] = pa.Field(ge=0, le=1)
    recall: Series[float] = pa.Field(ge=0, le=1)


class ConfusionMatrix(Table):
    """One row a split, class and predicted class, with zeros, so that every pair of labels is always there."""

    split: Series[str] = pa.Field(isin=list(Split))
    label: Series[str]
    predicted: Series[str]
    crops: Series[int] = pa.Field(ge=0)


class GroupKind(StrEnum):
    """By what crops are put into groups."""

    LOCATION = "location"
    LIGHT = "light"
    SIZE = "size"
    CONFIDENCE = "confidence"
    MONTH = "month"


class CropSaturations(Table):
    """One row a crop: the mean saturation of its picture, 0 for grey, or why the picture could not be read."""

    crop_id: Series[str] = pa.Field(distinct=True)
    saturation: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    fault: Series[str] = pa.Field(nullable=True)


class PerformanceByGroup(Table):
    """One row a split, kind of group and group that has a crop.

    ``errors`` are crops that another class than theirs is the likeliest for. ``macro_average_precision`` is the mean
    over the ``classes`` that can be measured within the group: those that have crops in it, and are not alone there.
    """

    split: Series[str] = pa.Field(isin=list(Split))
    kind: Series[str] = pa.Field(isin=list(GroupKind))
    group: Series[str]
    crops: Series[int] = pa.Field(gt=0)
    errors: Series[int] = pa.Field(ge=0)
    error_rate: Series[float] = pa.Field(ge=0, le=1)
    classes: Series[int] = pa.Field(ge=0)
    macro_average_precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)


class LabelErrors(Table):
    """One row a crop whose label is probably wrong, the likeliest first.

    ``image_id``, ``annotation_id`` and ``dataset_label`` are the export's, ``label`` is the class that the label map
    made of the latter. ``predicted`` is the class that it seems to be, with the probability ``confidence``, which is
    by ``margin`` above that of the label.
    """

    dataset: Series[str]
    image_id: Series[str]
    annotation_id: Series[str] = pa.Field(nullable=True)
    file_name: Series[str]
    location: Series[str] = pa.Field(nullable=True)
    datetime: Series[pa.DateTime] = pa.Field(nullable=True)
    crop_id: Series[str] = pa.Field(distinct=True)
    split: Series[str] = pa.Field(isin=list(Split))
    dataset_label: Series[str]
    label: Series[str]
    predicted: Series[str]
    confidence: Series[float] = pa.Field(ge=0, le=1)
    label_probability: Series[float] = pa.Field(ge=0, le=1)
    margin: Series[float] = pa.Field(ge=0, le=1)


class ThresholdOutcome(StrEnum):
    """Whether a threshold reaches its target."""

    REACHED = "reached"
    BEST_POSSIBLE = "best_possible"
    NOT_MEASURABLE = "not_measurable"


class RecommendedThresholds(Table):
    """One row a class, and one of the kind "mean" with the label "micro": one threshold for all classes.

    ``threshold`` was chosen on ``split``, so that the measure ``target`` is at least ``wanted`` there. What it gives
    there stands in the next columns, and what it gives in the test in those that begin with ``test_``. False alarms
    are crops of other classes. What cannot be measured is missing.
    """

    kind: Series[str] = pa.Field(isin=["class", "mean"])
    label: Series[str]
    target: Series[str] = pa.Field(isin=["precision", "recall"])
    wanted: Series[float] = pa.Field(gt=0, le=1)
    outcome: Series[str] = pa.Field(isin=list(ThresholdOutcome))
    threshold: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    split: Series[str] = pa.Field(isin=list(Split))
    positives: Series[int] = pa.Field(ge=0)
    precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    recall: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    false_alarms_per_1000_images: Series[float] = pa.Field(nullable=True, ge=0)
    test_positives: Series[int] = pa.Field(ge=0)
    test_precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    test_recall: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    test_false_alarms_per_1000_images: Series[float] = pa.Field(nullable=True, ge=0)


class Verdict(StrEnum):
    """How a classifier stands to an earlier one."""

    BETTER = "better"
    NOT_WORSE = "not_worse"
    WORSE = "worse"
    UNDECIDED = "undecided"
    NOTHING_TO_COMPARE = "nothing_to_compare"


class Comparison(Table):
    """One row a class that both classifiers know, then one of the kind "mean" with the label "macro".

    All is measured on the test crops that both have predicted. ``difference`` is the average precision less the
    earlier one, with the ends of its interval over locations, which are drawn anew for both alike.
    """

    kind: Series[str] = pa.Field(isin=["class", "mean"])
    label: Series[str]
    positives: Series[int] = pa.Field(ge=0)
    locations: Series[int] = pa.Field(ge=0)
    average_precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    earlier_average_precision: Series[float] = pa.Field(nullable=True, ge=0, le=1)
    difference: Series[float] = pa.Field(nullable=True, ge=-1, le=1)
    low: Series[float] = pa.Field(nullable=True, ge=-1, le=1)
    high: Series[float] = pa.Field(nullable=True, ge=-1, le=1)

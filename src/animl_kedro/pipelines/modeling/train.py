"""From the table of crops to a trained classifier."""

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

import animl_kedro
from animl_kedro.classifier.backbones import build_network, load_weights
from animl_kedro.classifier.classifier import Classifier
from animl_kedro.classifier.preprocessing import Augmentation, Preprocessing
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.crops import CropDataset, drawing_weights, evaluation_loader, training_loader
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.training import fit, logger
from animl_kedro.tables import Split


def train(
    crops: pd.DataFrame,
    sample_weights: pd.DataFrame,
    label_index: Mapping[str, str],
    crop_images: ImageFolder,
    params: ModelingParams,
) -> tuple[Classifier, Sequence[dict[str, Any]]]:
    """Train on the crops of the train split, choose the best epoch on those of the val split.

    `crops` is `LabeledCrops` with a column split, `sample_weights` is `SampleWeights`. Returns the classifier and the
    rows of `TrainingHistory`. The same parameters and crops give the same weights on one machine's CPU, whatever the
    order of the rows; torch's own generator is left as it was. Raises InputError where a split has no crop, a class
    none in training, a file is absent, or the sample weights are of other crops.
    """
    crops = crops.sort_values("crop_id")
    labels = tuple(label_index[str(index)] for index in range(len(label_index)))
    _check(crops, labels, crop_images)
    preprocessing = Preprocessing(params.input_size)
    with torch.random.fork_rng():
        torch.manual_seed(params.seed)
        network = _network(len(labels), params)
        train_crops, val_crops = (crops[crops["split"] == split] for split in (Split.TRAIN, Split.VAL))
        augmented = _dataset(train_crops, labels, crop_images, Augmentation(params.augmentation, preprocessing))
        plain = _dataset(val_crops, labels, crop_images, preprocessing)
        training = training_loader(augmented, drawing_weights(train_crops, sample_weights, params), params)
        history, best_epoch = fit(network, training, evaluation_loader(plain, params), params)
    best = next(row for row in history if row["epoch"] == best_epoch and row["split"] == Split.VAL)
    provenance = {
        "parameters": params.model_dump(mode="json"),
        "crops": crops["split"].value_counts().to_dict(),
        "best": {name: best[name] for name in ("epoch", "loss", "accuracy", "macro_average_precision")},
        "versions": {
            "animl_kedro": animl_kedro.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
    network = network.eval().cpu()
    return Classifier(params.backbone, labels, preprocessing, network, provenance), history


def _network(n_classes: int, params: ModelingParams) -> torch.nn.Module:
    network = build_network(
        params.backbone,
        n_classes,
        params.input_size,
        imagenet=params.weights == "imagenet",
        batch_norm_momentum=params.batch_norm_momentum,
        drop_connect=params.drop_connect,
    )
    if params.weights not in ("imagenet", "none"):
        left = load_weights(network, Path(params.weights))
        logger.info("weights from %s%s", params.weights, ", with a new last layer" if left else "")
    return network


def _dataset(crops: pd.DataFrame, labels: Sequence[str], crop_images: ImageFolder, transform: Any) -> CropDataset:
    index_of = {label: index for index, label in enumerate(labels)}
    paths = [crop_images.path_of(crop_id) for crop_id in crops["crop_id"]]
    return CropDataset(paths, [index_of[label] for label in crops["label"]], transform)


def _check(crops: pd.DataFrame, labels: Sequence[str], crop_images: ImageFolder) -> None:
    """Refuse, before the first epoch, what training would stumble over."""
    for split in (Split.TRAIN, Split.VAL):
        if not (crops["split"] == split).any():
            raise InputError(f"The split {split} has no crop: raise dataset_split.{split}_fraction, or add locations.")
    in_training = set(crops.loc[crops["split"] == Split.TRAIN, "label"])
    if absent := [label for label in labels if label not in in_training]:
        raise InputError(
            f"No training crop shows {', '.join(absent)}, so that it cannot be learned: add locations with it, merge "
            "it with another class in the label map, or raise dataset_split.min_locations so that it is left out."
        )
    files_absent = [crop_id for crop_id in crops["crop_id"] if not crop_images.path_of(crop_id).is_file()]
    if files_absent:
        raise InputError(
            f"{len(files_absent)} of {len(crops)} crops have no file in {crop_images.root}, the first is "
            f"{files_absent[0]}. Make them again: kedro run --pipeline=detection_cropping"
        )

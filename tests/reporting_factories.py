"""Small tables to report on. A crop's location can be read from its id, and a location is in one split only."""

import numpy as np
import pandas as pd

from animl_kedro.pipelines.reporting.parameters import ReportingParams
from animl_kedro.tables import PROBABILITY_PREFIX, Crops, Predictions, Split, TrainingHistory

PARAMS = ReportingParams(bootstrap_rounds=100)

LABELS = ("bird", "fox", "skunk")

HOSTILE_LABELS = (
    "<script>alert(1)</script>",
    "</style></title></svg>",
    '" onload="alert(1)" \'',
    "{{ 7 * 7 }}{% raw %}",
    "[red]rich[/red]",
    "$x^2$ \\frac{$",
    "_hidden",
    "🦊 fox",
    "ثعلب الجزيرة",
    "\u202egnp.exe",
    "NA",
    "None",
    "007",
    "macro",
    "x" * 300,
)


def make_predictions(
    labels: tuple[str, ...] = LABELS, crops: int = 108, locations: int = 9, skill: float = 2.0, seed: int = 0
) -> pd.DataFrame:
    """Predictions of all splits, of every class as many; the higher the skill, the better they are."""
    rng = np.random.default_rng(seed)
    place = np.arange(crops) % locations
    truth = np.arange(crops) // locations % len(labels)
    logits = rng.normal(size=(crops, len(labels)))
    logits[np.arange(crops), truth] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    table = {
        "crop_id": [f"island/place-{where}/{number:04d}.jpg___crop00.jpg" for number, where in enumerate(place)],
        "split": [list(Split)[where % len(Split)].value for where in place],
        "label": [labels[index] for index in truth],
    }
    columns = {PROBABILITY_PREFIX + label: probabilities[:, index] for index, label in enumerate(labels)}
    return Predictions.validate(pd.DataFrame(table | columns))


def make_crops(predictions: pd.DataFrame) -> pd.DataFrame:
    """The crops that the predictions are of: two to an image."""
    return Crops.of(
        [
            {
                "crop_id": crop_id,
                "dataset": crop_id.split("/")[0],
                "image_id": f"image-{number // 2}",
                "image_path": f"{number // 2}.jpg",
                "location": crop_id.split("/")[1],
                "datetime": pd.Timestamp("2026-01-01"),
                "label": label,
                "box_source": "annotation",
                "confidence": 1.0,
                "box_left": 0.0,
                "box_top": 0.0,
                "box_width": 10.0,
                "box_height": 10.0,
                "relative_left": 0.0,
                "relative_top": 0.0,
                "relative_width": 1.0,
                "relative_height": 1.0,
                "width": 10,
                "height": 10,
                "settings": "0",
            }
            for number, (crop_id, label) in enumerate(zip(predictions["crop_id"], predictions["label"], strict=True))
        ]
    )


def make_history(epochs: int = 5, best: int | None = 3) -> pd.DataFrame:
    """A history of training and validation, with one epoch marked as the best."""
    return TrainingHistory.of(
        [
            {
                "epoch": epoch,
                "split": split,
                "loss": 2 / epoch,
                "accuracy": 0.5,
                "top3_accuracy": 0.75,
                "macro_average_precision": 1 - 0.5 / epoch,
                "learning_rate": 0.001,
                "seconds": 1.0,
                "images_per_second": 10.0,
                "best": epoch == best,
            }
            for epoch in range(1, epochs + 1)
            for split in ("train", "val")
        ]
    )


def without(predictions: pd.DataFrame, split: str, label: str) -> pd.DataFrame:
    """The predictions but those of one class in one split."""
    return predictions[(predictions["split"] != split) | (predictions["label"] != label)].reset_index(drop=True)


def shuffled(table: pd.DataFrame, seed: int = 1) -> pd.DataFrame:
    """The same rows in another order, under other index labels."""
    order = np.random.default_rng(seed).permutation(len(table))
    return table.iloc[order].set_axis(order + 1000)

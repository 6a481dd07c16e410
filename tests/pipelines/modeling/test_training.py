"""Training a classifier."""

import logging
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from pydantic import ValidationError

from animl_kedro.classifier.classifier import Classifier
from animl_kedro.datasets.image_folder import ImageFolder
from animl_kedro.errors import InputError
from animl_kedro.formats.calibration import AS_IT_IS
from animl_kedro.formats.label_specification import LabelMap
from animl_kedro.formats.taxonomy import Taxonomy
from animl_kedro.locks import sole_run_in
from animl_kedro.pipelines.dataset_split.nodes import label_crops, weigh_crops
from animl_kedro.pipelines.modeling.crops import drawing_weights
from animl_kedro.pipelines.modeling.nodes import plot_training, predict_crops, train_classifier
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.scores import macro_average_precision
from animl_kedro.pipelines.modeling.train import versions_behind
from animl_kedro.tables import Predictions, Split, TrainingHistory
from crop_factories import COLOURS, make_crops, make_labeled_crops, split_crops, split_params, write_crops

TINY = {
    "backbone": "efficientnet-b0",
    "image_size": 32,
    "epochs": 10,
    "batch_size": 8,
    "learning_rate": 0.004,
    "optimizer": "adamw",
    "batch_norm_momentum": 0.2,
    "drop_connect": 0.0,
    "augmentation": "gentle",
    "device": "cpu",
}

Tables = tuple[pd.DataFrame, pd.DataFrame, dict[str, str], ImageFolder]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Tables:
    """Labelled crops, splits, label index and crop folder of a data set that is easy to learn."""
    crops = make_crops(locations=10, crops=90)
    folder = write_crops(crops, tmp_path_factory.mktemp("crops"))
    labeled, index, _ = label_crops(
        crops, LabelMap.of({label: [label] for label in COLOURS}), Taxonomy(), split_params()
    )
    return labeled, split_crops(labeled, split_params()), index, folder


def train(
    tables: Tables, sample_weights: pd.DataFrame | None = None, checkpoints: Path | None = None, **changes: Any
) -> tuple[Classifier, pd.DataFrame]:
    labeled, splits, index, folder = tables
    if sample_weights is None:
        sample_weights = weigh_crops(labeled, splits, AS_IT_IS)
    params = ModelingParams.model_validate(TINY | changes)
    with TemporaryDirectory() as temporary:
        return train_classifier(labeled, splits, sample_weights, index, folder, checkpoints or Path(temporary), params)


@pytest.fixture(scope="module")
def trained(tables: Tables) -> tuple[Classifier, pd.DataFrame]:
    return train(tables)


def test_training_learns_colours_that_are_easy_to_tell_apart(
    trained: tuple[Classifier, pd.DataFrame], tables: Tables
) -> None:
    classifier, history = trained
    labeled, splits, _, folder = tables
    predictions = Predictions.validate(predict_crops(classifier, labeled, splits, folder))
    test = predictions[predictions["split"] == Split.TEST]
    predicted = test.filter(like="probability_").to_numpy().argmax(axis=1)
    assert (np.array(classifier.labels)[predicted] == test["label"].to_numpy()).mean() > 0.9
    losses = TrainingHistory.validate(history).query("split == 'train'")["loss"].to_numpy()
    assert losses[-1] < 0.75 * losses[0]


def test_thirty_two_crops_can_be_learned_by_heart(tmp_path: Path) -> None:
    """Their validation crops are the same pictures under other names, as evaluation sees them."""
    crops = make_crops(crops=64)
    originals, copies = crops["crop_id"][:32], crops["crop_id"][32:]
    crops = crops.assign(label=[*crops["label"][:32]] * 2)
    folder = write_crops(crops, tmp_path)
    for original, copy in zip(originals, copies, strict=True):
        folder.path_of(copy).write_bytes(folder.path_of(original).read_bytes())
    labeled = make_labeled_crops(crops)
    splits = pd.DataFrame({"crop_id": crops["crop_id"], "split": ["train"] * 32 + ["val"] * 32})
    index = {str(number): label for number, label in enumerate(sorted(set(crops["label"])))}
    _, history = train((labeled, splits, index, folder), epochs=15)
    assert history.query("split == 'val'")["accuracy"].max() == 1


def test_predictions_hold_every_crop_of_every_split_once(
    trained: tuple[Classifier, pd.DataFrame], tables: Tables
) -> None:
    labeled, splits, _, folder = tables
    predictions = predict_crops(trained[0], labeled.sample(frac=1, random_state=0), splits, folder)
    expected = labeled.merge(splits, on="crop_id").sort_values("crop_id")
    assert predictions["crop_id"].tolist() == expected["crop_id"].tolist()
    assert predictions["split"].tolist() == expected["split"].tolist()
    assert predictions.filter(like="probability_").sum(axis=1).to_numpy() == pytest.approx(1)


def test_history_marks_the_best_epoch_and_the_classifier_is_that_one(
    trained: tuple[Classifier, pd.DataFrame], tables: Tables
) -> None:
    classifier, history = trained
    val = history[history["split"] == Split.VAL].reset_index(drop=True)
    best = val[val["best"]]
    assert len(best) == 1
    assert best["macro_average_precision"].iloc[0] == val["macro_average_precision"].max()
    labeled, splits, _, folder = tables
    predictions = predict_crops(classifier, labeled, splits, folder).query("split == 'val'")
    targets = np.array([classifier.labels.index(label) for label in predictions["label"]])
    measured = macro_average_precision(predictions.filter(like="probability_").to_numpy(), targets)
    assert measured == pytest.approx(best["macro_average_precision"].iloc[0], abs=1e-6)


def test_training_again_with_shuffled_rows_gives_the_same_weights(
    trained: tuple[Classifier, pd.DataFrame], tables: Tables
) -> None:
    labeled, splits, index, folder = tables
    torch.rand(7)  # whatever else uses torch's generator must not matter
    state = torch.random.get_rng_state()
    shuffled = (labeled.sample(frac=1, random_state=5), splits.sample(frac=1, random_state=6), index, folder)
    again, _ = train(shuffled)
    assert torch.equal(torch.random.get_rng_state(), state)
    for name, tensor in trained[0].network.state_dict().items():
        assert torch.equal(tensor, again.network.state_dict()[name]), name


def test_training_where_another_run_trains_is_refused(tables: Tables, tmp_path: Path) -> None:
    with (
        sole_run_in(tmp_path, "training", ""),
        pytest.raises(InputError, match=r"Another run is training in .* training_checkpoints in the catalog"),
    ):
        train(tables, checkpoints=tmp_path)


def test_training_with_another_seed_gives_other_weights(
    trained: tuple[Classifier, pd.DataFrame], tables: Tables
) -> None:
    other, _ = train(tables, seed=1, epochs=1)
    name = "_fc.weight"
    assert not torch.equal(trained[0].network.state_dict()[name], other.network.state_dict()[name])


def test_training_the_head_alone_leaves_the_rest_as_it_was(tables: Tables, tmp_path: Path) -> None:
    start, _ = train(tables, epochs=1)
    torch.save({"model": start.network.state_dict()}, tmp_path / "start.pt")
    options: dict[str, Any] = {
        "weights": str(tmp_path / "start.pt"),
        "epochs": 1,
        "head_only_epochs": 1,
        "optimizer": "rmsprop",
    }
    head_only, _ = train(tables, **options)
    for name, tensor in head_only.network.state_dict().items():
        unchanged = torch.equal(tensor, start.network.state_dict()[name])
        assert unchanged != name.startswith("_fc."), name


def test_training_that_diverges_is_refused(tables: Tables) -> None:
    with pytest.raises(InputError, match=r"Training diverged in epoch 1: .* Lower modeling.learning_rate"):
        train(tables, learning_rate=1e30, epochs=2)


def test_training_with_splits_of_other_crops_is_refused(tables: Tables) -> None:
    labeled, splits, index, folder = tables
    with pytest.raises(InputError, match="5 crops have no split, and 0 splits no crop"):
        train((labeled, splits.iloc[5:], index, folder), weigh_crops(labeled, splits, AS_IT_IS))


def test_training_stops_early_without_a_better_epoch(tables: Tables) -> None:
    _, history = train(tables, epochs=6, learning_rate=1e-12, patience=1)
    assert history["epoch"].max() < 6


def test_training_without_validation_crops_is_refused(tables: Tables) -> None:
    labeled, splits, index, folder = tables
    all_train = splits.assign(split="train")
    with pytest.raises(InputError, match=r"The split val has no crop: raise dataset_split.val_fraction"):
        train((labeled, all_train, index, folder))


def test_training_without_crops_of_a_class_is_refused_with_its_name(tables: Tables) -> None:
    labeled, splits, index, folder = tables
    with pytest.raises(InputError, match="No training crop shows wolf"):
        train((labeled, splits, index | {str(len(index)): "wolf"}, folder))


def test_training_with_absent_files_is_refused_with_the_first(tables: Tables, tmp_path: Path) -> None:
    labeled, splits, index, _ = tables
    with pytest.raises(
        InputError, match=r"90 of 90 crops .* cannot be read, the first is island/0000.jpg___crop00.jpg \(there is no"
    ):
        train((labeled, splits, index, ImageFolder(tmp_path)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backbone": "b3"}, "unknown backbone 'b3': one of efficientnet-b0"),
        ({"bakbone": "x"}, "unknown parameter 'bakbone': did you mean 'backbone'"),
        ({"epochs": 0}, "greater than or equal to 1"),
    ],
)
def test_parameters_that_are_wrong_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelingParams.model_validate(TINY | change)


@pytest.mark.parametrize(
    ("label_weighted", "weight_by_confidence", "expected"),
    [(True, False, [1, 2]), (False, True, [3, 4]), (True, True, [5, 6]), (False, False, None)],
)
def test_drawing_weights_are_the_column_that_the_parameters_ask_for(
    label_weighted: bool, weight_by_confidence: bool, expected: list[float] | None
) -> None:
    crops = pd.DataFrame({"crop_id": ["a", "b"], "label": ["bird", "fox"]}, index=[3, 7])
    columns = {"label_weight": [2.0, 1], "confidence_weight": [4.0, 3], "balanced_confidence_weight": [6.0, 5]}
    weights = pd.DataFrame({"crop_id": ["b", "a"]} | columns)
    params = ModelingParams(label_weighted=label_weighted, weight_by_confidence=weight_by_confidence)
    got = drawing_weights(crops, weights, params)
    assert (None if got is None else got.tolist()) == expected


def test_training_with_weights_of_other_crops_is_refused(tables: Tables) -> None:
    labeled, splits, _, _ = tables
    weights = weigh_crops(labeled, splits, AS_IT_IS)
    renamed = weights.assign(crop_id=weights["crop_id"].str.upper())
    for faulty in (weights.iloc[1:], renamed):
        with pytest.raises(InputError, match=r"sample_weights has .* crops, and not those .* kedro run"):
            train(tables, faulty)


def test_training_by_confidence_with_a_class_of_no_confidence_is_refused_with_its_name(tables: Tables) -> None:
    labeled, splits, index, folder = tables
    doubted = labeled.assign(confidence=labeled["confidence"].where(labeled["label"] != "fox", 0.0))
    with pytest.raises(InputError, match="All training crops of fox have a confidence of 0"):
        train((doubted, splits, index, folder), weight_by_confidence=True)


def test_plot_of_the_history_marks_the_best_epoch(trained: tuple[Classifier, pd.DataFrame]) -> None:
    figure = plot_training(trained[1])
    best = trained[1].loc[trained[1]["best"], "epoch"].iloc[0]
    assert f"best epoch ({best})" in [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


def test_training_that_was_killed_goes_on_when_the_node_runs_again_and_says_so(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    whole, _ = train(tables, epochs=2)
    with monkeypatch.context() as patch:
        patch.setattr("animl_kedro.pipelines.modeling.training.tell_epoch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            train(tables, epochs=2, checkpoints=tmp_path)
    resumed, history = train(tables, epochs=2, checkpoints=tmp_path)
    assert "going on with the training that was interrupted, in epoch 2 after 0 of" in caplog.text
    assert history["epoch"].tolist() == [1, 1, 2, 2]
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, resumed.network.state_dict()[name]), name
    assert not list(tmp_path.glob("*.pt"))


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("backbone", "weights", "further"),
    [
        ("efficientnet-b0", "none", set()),
        ("efficientnet-b0", "imagenet", {"efficientnet-pytorch"}),
        ("timm/mobilenetv3_small_050", "imagenet", {"timm"}),
        ("resnet18", "imagenet", set()),
    ],
)
def test_provenance_has_the_versions_of_what_had_a_part(backbone: str, weights: str, further: set[str]) -> None:
    versions = versions_behind(ModelingParams(backbone=backbone, weights=weights))
    always = {"animl_kedro", "python", "torch", "torchvision", "lightning", "numpy", "pillow"}
    assert versions.keys() == always | further
    assert versions["numpy"] == np.__version__
    assert versions["torch"] == torch.__version__


def test_provenance_tells_how_training_ran_and_why_it_stopped(trained: tuple[Classifier, pd.DataFrame]) -> None:
    told = trained[0].provenance["training"]
    assert trained[0].provenance["versions"] == versions_behind(ModelingParams())
    assert told == {"precision": "32-true", "device": "cpu", "processes": 1, "stopped": "all_epochs", "found": {}}


def test_tensorboard_that_is_not_installed_is_told(
    tables: Tables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(InputError, match=r"TensorBoard is not installed: pip install 'animl-kedro\[tensorboard\]'"):
        train(tables, epochs=1, tensorboard=True)

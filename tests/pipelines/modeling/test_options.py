"""The options of training: losses, schedules, mixing, running means, batches, each against its formula."""

import math
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch.nn import functional

from animl_kedro.pipelines.modeling.batches import EpochBatches, Share, parts_of
from animl_kedro.pipelines.modeling.ema import AveragedNetwork, decay_at
from animl_kedro.pipelines.modeling.finders import RATES, fastest_rate, found_parameters, largest_batch_size
from animl_kedro.pipelines.modeling.losses import losses_of
from animl_kedro.pipelines.modeling.mixing import mix, rectangle
from animl_kedro.pipelines.modeling.parameters import ModelingParams
from animl_kedro.pipelines.modeling.schedules import (
    build_optimizer,
    cameratraps_decay,
    learning_rate,
    warm_up_and_cosine,
)
from animl_kedro.pipelines.modeling.scores import score_of, summarize
from animl_kedro.pipelines.modeling.training import StopReason
from tiny_training import Greedy, TinyNetwork, tiny_data, tiny_fabric, tiny_params, tiny_training

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [0.1, 0.2, 0.3]])
TARGETS = torch.tensor([0, 2])


def by_hand(smoothing: float, gamma: float) -> list[float]:
    losses = []
    for row, target in zip(LOGITS.tolist(), TARGETS.tolist(), strict=True):
        total = sum(math.exp(value) for value in row)
        probabilities = [math.exp(value) / total for value in row]
        shares = [smoothing / 3 + (1 - smoothing) * (number == target) for number in range(3)]
        terms = zip(shares, probabilities, strict=True)
        losses.append(-sum(share * (1 - p) ** gamma * math.log(p) for share, p in terms))
    return losses


@pytest.mark.parametrize(("smoothing", "gamma"), [(0.0, 0.0), (0.1, 0.0), (0.0, 2.0), (0.2, 1.5)])
def test_loss_follows_its_formula(smoothing: float, gamma: float) -> None:
    options = {"label_smoothing": smoothing, "focal_gamma": gamma}
    assert losses_of(LOGITS, TARGETS, **options).tolist() == pytest.approx(by_hand(smoothing, gamma), rel=1e-5)
    shares = functional.one_hot(TARGETS, 3).float()
    assert losses_of(LOGITS, shares, **options).tolist() == pytest.approx(by_hand(smoothing, gamma), rel=1e-5)


def test_loss_of_mixed_crops_is_the_mean_of_both_by_their_shares() -> None:
    shares = torch.tensor([[0.7, 0.0, 0.3], [0.0, 0.4, 0.6]])
    logarithms = LOGITS.log_softmax(dim=1)
    expected = -(shares * logarithms).sum(dim=1)
    assert torch.allclose(losses_of(LOGITS, shares), expected)


def test_schedule_rises_then_falls_to_nothing() -> None:
    factors = [warm_up_and_cosine(step, 100) for step in range(101)]
    assert max(factors) == factors[9] == factors[10] == 1
    assert factors[4] == pytest.approx(0.5)
    assert factors[55] == pytest.approx(0.5)
    assert factors[10:] == sorted(factors[10:], reverse=True)
    assert factors[100] == pytest.approx(0)
    assert warm_up_and_cosine(0, 1) == 1


def test_schedule_of_cameratraps_is_its_step_of_every_epoch() -> None:
    weights = [torch.nn.Parameter(torch.zeros(1))]
    params = ModelingParams(optimizer="rmsprop", batch_size=64)
    optimizer = build_optimizer(weights, params)
    theirs = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.97 ** (1 / 2.4))
    for epoch in range(10):
        assert learning_rate(params, epoch, epoch * 7 + 3, 70) == pytest.approx(theirs.get_last_lr()[0])
        optimizer.step()
        theirs.step()
    assert cameratraps_decay(24) == pytest.approx(0.97**10)
    assert {name: optimizer.param_groups[0][name] for name in ("alpha", "momentum", "weight_decay")} == {
        "alpha": 0.9,
        "momentum": 0.9,
        "weight_decay": 1e-5,
    }


def test_learning_rate_that_is_not_given_follows_cameratraps() -> None:
    assert ModelingParams(batch_size=64).peak_learning_rate == pytest.approx(0.016 * 64 / 256)


def test_mixup_mixes_pixels_and_labels_in_the_same_shares() -> None:
    images, targets = torch.rand(4, 3, 8, 8), torch.tensor([0, 1, 2, 0])
    mixed, shares = mix(images, targets, 3, np.random.default_rng(0), mixup=0.4, cutmix=0)
    share = float(np.random.default_rng(0).beta(0.4, 0.4))
    assert torch.allclose(mixed[1], images[1] * share + images[0] * (1 - share))
    assert shares[1].tolist() == pytest.approx([1 - share, share, 0])
    assert shares[0].tolist() == pytest.approx([1, 0, 0])


def test_cutmix_gives_labels_the_shares_of_the_pixels() -> None:
    images = torch.arange(1.0, 5.0)[:, None, None, None].expand(4, 3, 10, 12).contiguous()
    before = images.clone()
    targets = torch.tensor([0, 1, 2, 1])
    for seed in range(20):
        mixed, shares = mix(images, targets, 3, np.random.default_rng(seed), mixup=0, cutmix=1.0)
        from_other = float((mixed[1] == 1).float().mean())
        assert set(mixed[1].flatten().tolist()) <= {1.0, 2.0}
        assert shares[1].tolist() == pytest.approx([from_other, 1 - from_other, 0])
    assert torch.equal(images, before)


def test_cutmix_rectangle_has_the_wanted_area_where_the_edge_does_not_cut_it() -> None:
    areas = []
    for seed in range(200):
        top, bottom, left, right = rectangle(100, 200, 0.25, np.random.default_rng(seed))
        assert 0 <= top <= bottom <= 100
        assert 0 <= left <= right <= 200
        areas.append((bottom - top) * (right - left) / 20000)
    assert max(areas) == pytest.approx(0.25)


def test_mixing_with_both_uses_each_about_half_of_the_time() -> None:
    images, targets = torch.tensor([0.0, 1.0])[:, None, None, None].expand(2, 3, 8, 8), torch.tensor([0, 1])
    rng = np.random.default_rng(0)
    mixed = [mix(images, targets, 2, rng, mixup=1.0, cutmix=1.0)[0] for _ in range(100)]
    of_pieces = sum(set(batch.flatten().tolist()) <= {0.0, 1.0} for batch in mixed)
    assert 30 < of_pieces < 70


def test_running_mean_follows_its_formula_and_starts_by_forgetting() -> None:
    network = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(network.weight, 1.0)
    average = AveragedNetwork(network, 0.9)
    expected = 1.0
    for step in range(20):
        torch.nn.init.constant_(network.weight, float(step))
        average.update(network, step)
        decay = min(0.9, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * step
    assert next(average.network.parameters()).item() == pytest.approx(expected, rel=1e-5)
    assert (decay_at(0, 0.999), decay_at(10**6, 0.999)) == (0.1, 0.999)


def test_running_mean_is_what_is_kept() -> None:
    plain = tiny_training(tiny_params(epochs=1)).run()
    averaged = tiny_training(tiny_params(epochs=1, ema_decay=0.99)).run()
    name = "_fc.weight"
    assert not torch.equal(plain.weights[name], averaged.weights[name])
    assert without_noise(plain.history[0]) == without_noise(averaged.history[0])  # what is trained is the same


def without_noise(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("loss", "accuracy", "learning_rate")}


def test_accumulated_parts_teach_the_same_as_the_whole_batch() -> None:
    """Without batch norm and dropout, which see the parts."""
    weights = []
    for accumulate in (1, 3):
        torch.manual_seed(0)
        network = TinyNetwork()
        network.body[1] = torch.nn.Identity()
        network.dropout.p = 0.0
        outcome = tiny_training(tiny_params(epochs=1, accumulate=accumulate), network).run()
        weights.append(outcome.weights)
    for name, tensor in weights[0].items():
        assert torch.allclose(tensor, weights[1][name], atol=1e-4), name


def test_batches_of_an_epoch_hold_every_crop_once_in_another_order_each_time() -> None:
    batches = EpochBatches(23, 4, seed=1)
    epochs = []
    for epoch in range(2):
        batches.epoch = epoch
        drawn = [draw.crop for batch in batches for draw in batch]
        assert sorted(drawn) == list(range(23))
        epochs.append(drawn)
    assert epochs[0] != epochs[1]
    assert [batches.size_of(step) for step in range(batches.steps)] == [4, 4, 4, 4, 4, 3]


def test_batches_of_a_later_step_are_those_of_the_whole_epoch() -> None:
    batches = EpochBatches(23, 4, seed=1, weights=np.arange(1.0, 24))
    whole = list(batches)
    batches.first = 2
    assert list(batches) == whole[2:]
    assert len(batches) == len(whole) - 2


def test_batches_of_two_processes_are_those_of_one_shared_out() -> None:
    alone = list(EpochBatches(23, 4, seed=1))
    pair = [list(EpochBatches(23, 4, seed=1, rank=rank, processes=2)) for rank in range(2)]
    for whole, *halves in zip(alone, *pair, strict=False):
        assert sorted(whole) == sorted(halves[0] + halves[1])
    assert {len(batches) for batches in pair} == {5}  # of the last three crops, one process would get a single one


def test_batches_by_weight_draw_in_proportion_to_it() -> None:
    weights = np.array([1.0, 3.0, 0.0])
    batches = EpochBatches(3, 3, seed=0, weights=weights)
    drawn = []
    for epoch in range(1000):
        batches.epoch = epoch
        drawn += [draw.crop for batch in batches for draw in batch]
    shares = np.bincount(drawn, minlength=3) / len(drawn)
    assert shares == pytest.approx([0.25, 0.75, 0], abs=0.03)


def test_batches_leave_out_a_last_crop_that_is_alone_but_never_all() -> None:
    assert EpochBatches(9, 4, seed=0).steps == 2
    assert EpochBatches(10, 4, seed=0).steps == 3
    assert EpochBatches(1, 4, seed=0).steps == 1


def test_shares_of_validation_hold_every_crop_once() -> None:
    shares = [Share(11, 4, rank=rank, processes=3) for rank in range(3)]
    assert sorted(draw.crop for share in shares for batch in share for draw in batch) == list(range(11))
    assert [len(share) for share in shares] == [len(list(share)) for share in shares]


def test_parts_are_even_and_none_is_of_a_single_crop() -> None:
    tensor = torch.arange(7)
    assert [len(part) for (part,) in parts_of((tensor,), 2)] == [4, 3]
    assert [len(part) for (part,) in parts_of((tensor,), 7)] == [3, 2, 2]
    assert [len(part) for (part,) in parts_of((tensor[:1],), 3)] == [1]


def test_scores_of_two_classes_have_a_top_three_of_all() -> None:
    row = summarize(torch.tensor([[1.0, 0.0], [2.0, 0.0]]), torch.tensor([0, 1]), 2.0)
    assert (row["accuracy"], row["top3_accuracy"], row["images_per_second"]) == (0.5, 1.0, 1.0)
    assert row["loss"] == pytest.approx((math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2))) / 2)


def test_score_is_higher_for_the_better_epoch_whatever_the_metric() -> None:
    worse = {"loss": 1.0, "accuracy": 0.5, "macro_average_precision": 0.4}
    better = {"loss": 0.9, "accuracy": 0.6, "macro_average_precision": 0.5}
    for metric in worse:
        assert score_of(better, metric) > score_of(worse, metric)
    assert score_of(worse | {"loss": 0.5}, "accuracy") > score_of(worse, "accuracy")


def test_training_tells_why_it_stopped() -> None:
    assert tiny_training(tiny_params(epochs=1)).run().stop_reason == StopReason.ALL_EPOCHS
    stuck = tiny_params(epochs=9, learning_rate=1e-12, patience=2, stop_metric="accuracy", batch_norm_momentum=0.5)
    outcome = tiny_training(stuck, FixedAnswer()).run()
    assert outcome.stop_reason == StopReason.NO_BETTER_EPOCH
    assert len(outcome.history) // 2 == outcome.best_epoch + 2


class FixedAnswer(TinyNetwork):
    """Never changes its mind."""

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images) * 0 + torch.tensor([1.0, 0.0, 0.0])


def test_learning_rate_found_is_where_the_loss_falls_fastest() -> None:
    rates = np.geomspace(1e-6, 1.0, 100)
    exponents = np.log10(rates)
    losses = 2 - 1 / (1 + np.exp(-4 * (exponents + 3))) + np.where(exponents > -1, (exponents + 1) * 30, 0)
    assert 1e-4 < fastest_rate(rates, losses) < 1e-2
    assert fastest_rate(rates, np.array([math.nan])) == rates[0]


@pytest.mark.parametrize(("most", "accumulate", "found"), [(5, 1, 4), (64, 1, 64), (5, 3, 12), (1, 1, 2)])
def test_batch_size_found_is_the_largest_power_of_two_that_fits_in_so_many_parts(
    most: int, accumulate: int, found: int
) -> None:
    network = Greedy(most)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    params = tiny_params(image_size=32, batch_size=16, accumulate=accumulate)
    assert largest_batch_size(network, params, tiny_fabric()) == found
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_finding_a_learning_rate_leaves_the_network_as_it_was() -> None:
    network = TinyNetwork()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    params = tiny_params(find_learning_rate=True, find_batch_size=True)
    found = found_parameters(network, params, tiny_fabric(), lambda params: nullcontext(tiny_data(params)))
    assert set(found) == {"learning_rate"}  # without a GPU the batch size stays
    assert RATES[0] <= found["learning_rate"] <= RATES[-1]
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name]), name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"processes": 0}, "processes = 0: expected at least 1, or auto"),
        ({"batch_size": 8, "accumulate": 5}, r"batch_size = 8 in 5 parts .* raise it to 10"),
        ({"stop_metric": "top3"}, "macro_average_precision"),
        ({"checkpoint_minutes": 0}, "greater than 0"),
    ],
)
def test_options_that_are_wrong_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelingParams.model_validate(change)

"""Trouble in training is told so that a person can do something about it."""

import logging

import pytest
import torch

from animl_kedro.errors import InputError
from animl_kedro.pipelines.modeling.trouble import diverged, is_out_of_memory, largest_that_fits, out_of_memory
from tiny_training import Greedy, TinyNetwork, tiny_params, tiny_training


class Poisoned(TinyNetwork):
    """Answers with no number from its third batch on."""

    def __init__(self) -> None:
        super().__init__()
        self.batches = 0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        self.batches += 1
        return super().forward(images) * (float("nan") if self.batches > 2 else 1.0)


def test_loss_that_is_not_finite_ends_training_with_the_crops_of_the_batch() -> None:
    training = tiny_training(tiny_params(batch_size=16), Poisoned())
    with pytest.raises(InputError, match=r"epoch 1: the loss of step 3 .* crops crop \d+, .* and 11 more") as caught:
        training.run()
    assert str(caught.value).count("crop ") == 5
    assert "modeling.learning_rate (it is 0.01)" in str(caught.value)


def test_answers_to_validation_that_are_not_finite_end_training() -> None:
    class BlindInValidation(TinyNetwork):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) * (1.0 if self.training else float("inf"))

    with pytest.raises(InputError, match="Training diverged in epoch 1: the network's answers to the validation"):
        tiny_training(tiny_params(), BlindInValidation()).run()


def test_out_of_memory_says_what_would_fit() -> None:
    with pytest.raises(InputError, match=r"with 16 crops at once; 4 would fit. Set modeling.accumulate to 4"):
        tiny_training(tiny_params(batch_size=16), Greedy(5)).run()


def test_out_of_memory_with_permission_halves_and_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    params = tiny_params(batch_size=16, epochs=1, halve_batch_on_oom=True)
    torch.manual_seed(1)
    outcome = tiny_training(params, Greedy(5)).run()
    assert "going on with 8 at once" in caplog.text
    assert "going on with 4 at once" in caplog.text
    torch.manual_seed(1)
    divided = tiny_training(tiny_params(batch_size=16, epochs=1, accumulate=4), Greedy(5)).run()
    for name, tensor in outcome.weights.items():
        assert torch.equal(tensor, divided.weights[name]), name


def test_out_of_memory_with_permission_and_nothing_left_to_halve_ends() -> None:
    with pytest.raises(InputError, match=r"with 2 crops at once, and not even one fits"):
        tiny_training(tiny_params(batch_size=16, halve_batch_on_oom=True), Greedy(0)).run()


def test_other_errors_of_torch_are_no_trouble_with_memory() -> None:
    assert is_out_of_memory(RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"))
    assert not is_out_of_memory(RuntimeError("shapes cannot be multiplied"))

    def fails(_: int) -> None:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        largest_that_fits(fails, 4)


def test_messages_name_few_crops_and_exact_numbers() -> None:
    assert "with the crops a, b." in str(diverged(2, 3, ["a", "b"], 0.1))
    message = str(out_of_memory(64, 16, 2, 256))
    assert "Set modeling.accumulate to 8" in message
    assert "from 256 to 64" in message

"""What the backward pass makes again is what autograd would have kept."""

from typing import Any

import pytest
import torch
from torch import nn

from animl_kedro.classifier import recomputing
from animl_kedro.classifier.backbones import build_network
from animl_kedro.classifier.recomputing import Recomputed


@pytest.fixture(autouse=True)
def everything_is_worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recomputing, "WORTHWHILE", 0)


def learned(images: torch.Tensor) -> dict[str, torch.Tensor]:
    """Gradients and statistics after a step on one network, always from the same weights."""
    torch.manual_seed(0)
    network = build_network("efficientnet-b0", 3, 32, drop_connect=0.2).to(memory_format=torch.channels_last).train()
    network(images).square().sum().backward()
    gradients = {f"{name}.grad": weight.grad for name, weight in network.named_parameters() if weight.grad is not None}
    return gradients | network.state_dict()


def test_gradients_and_statistics_are_those_of_plain_autograd(monkeypatch: pytest.MonkeyPatch) -> None:
    images = torch.randn(4, 3, 32, 32).to(memory_format=torch.channels_last)
    ours = learned(images)

    def plain(self: Any, norm: nn.BatchNorm2d, outputs: torch.Tensor) -> None:
        self._recomputed, self.values = None, nn.functional.silu(norm(outputs))

    monkeypatch.setattr(recomputing.Activated, "__init__", plain)
    expected = learned(images)
    assert ours.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(ours[name], tensor, rtol=2e-4, atol=2e-4, msg=name)


def test_a_convolution_keeps_no_activations_but_makes_them_again() -> None:
    norm, convolution = nn.BatchNorm2d(8), nn.Conv2d(8, 4, 1, bias=False)
    activated = recomputing.Activated(norm, torch.randn(2, 8, 16, 16, requires_grad=True) * 1)
    saved: Any = activated.into(convolution).grad_fn
    again = saved._saved_input
    assert again.data_ptr() != activated.values.data_ptr()
    torch.testing.assert_close(again, activated.values)


def test_a_tensor_is_made_once_for_all_who_keep_it_and_then_given_up() -> None:
    made: list[torch.Tensor] = []

    def make() -> torch.Tensor:
        made.append(torch.ones(3))
        return made[-1]

    tensor, other = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    recomputed = Recomputed(make)
    with recomputed.instead_of(tensor):
        result = (tensor * other).sum() + tensor.pow(2).sum()
    torch.autograd.backward(result)
    assert len(made) == 1
    assert recomputed._value is None
    assert tensor.grad is not None
    assert torch.equal(tensor.grad, torch.full((3,), 3.0))

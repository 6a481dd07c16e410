"""Our EfficientNet beside efficientnet-pytorch's."""

from typing import Any

import pytest
import torch
from efficientnet_pytorch import EfficientNet as Reference
from efficientnet_pytorch.utils import efficientnet_params
from torch import nn

from animl_kedro.classifier.efficientnet import SCALINGS, EfficientNet
from animl_kedro.classifier.folding import for_inference
from network_factories import make_images, make_reference, outputs

MEMBERS_AND_SIZES = [(0, 64), (0, 75), (1, 97), (2, 66), (3, 64)]
"""Even and odd sizes, at which TensorFlow's padding is uneven in some layers and even in others."""


def make_twin(reference: Any, member: int, image_size: int, **options: Any) -> EfficientNet:
    """Ours with a reference's weights."""
    twin = EfficientNet(member, reference._fc.out_features, image_size, **options)
    twin.load_state_dict(reference.state_dict())
    return twin.to(memory_format=torch.channels_last)


def gradients(network: Any, image_size: int) -> list[torch.Tensor]:
    """Gradients of all parameters from one training step; whatever is drawn in it is drawn alike."""
    network.train().zero_grad()
    torch.manual_seed(3)
    logits = network(make_images(8, image_size))
    loss: Any = nn.functional.cross_entropy(logits, torch.arange(8) % 4)
    loss.backward()
    return [parameter.grad for parameter in network.parameters()]


@pytest.mark.parametrize(("member", "image_size"), MEMBERS_AND_SIZES)
def test_outputs_with_the_same_weights_equal_the_references(member: int, image_size: int) -> None:
    reference = make_reference(member, image_size)
    expected = outputs(reference, image_size)
    assert expected.std(dim=0).min() > 0.01  # it does not answer with its bias alone
    twin = make_twin(reference, member, image_size)
    torch.testing.assert_close(outputs(twin, image_size), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("drop_connect", [0.0, 0.2])
@pytest.mark.parametrize(("member", "image_size"), [(0, 64), (1, 75)])
def test_a_training_step_equals_the_references(member: int, image_size: int, drop_connect: float) -> None:
    reference = make_reference(member, image_size, drop_connect=drop_connect)
    twin = make_twin(reference, member, image_size, batch_norm_momentum=1.0, drop_connect=drop_connect)
    expected = gradients(reference, image_size)
    largest = max(gradient.norm() for gradient in expected)
    for gradient, wanted in zip(gradients(twin, image_size), expected, strict=True):
        # those before a batch norm are rounding errors around 0, and are compared with the others
        assert (gradient - wanted).norm() < 1e-3 * wanted.norm() + 1e-6 * largest
    for name, buffer in reference.named_buffers():
        torch.testing.assert_close(twin.get_buffer(name), buffer, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("member", [0, 3])
def test_the_same_seed_gives_the_references_first_weights_by_the_same_names(member: int) -> None:
    torch.manual_seed(5)
    expected = Reference.from_name(f"efficientnet-b{member}", num_classes=7).state_dict()
    torch.manual_seed(5)
    state = EfficientNet(member, 7, 64).state_dict()
    assert list(state) == list(expected)
    for name, tensor in state.items():
        assert torch.equal(tensor, expected[name]), name


def test_weights_go_to_the_reference_and_back_unchanged() -> None:
    network = EfficientNet(0, 4, 64).to(memory_format=torch.channels_last)
    with torch.no_grad():
        network(make_images(16, 64))
    reference = Reference.from_name("efficientnet-b0", num_classes=4, image_size=64)
    reference.load_state_dict(network.state_dict())
    torch.testing.assert_close(outputs(reference, 64), outputs(network, 64), rtol=0, atol=1e-5)
    for name, tensor in reference.state_dict().items():
        assert torch.equal(tensor, network.state_dict()[name]), name


def test_scalings_of_the_family_are_those_of_the_paper() -> None:
    for member, scaling in enumerate(SCALINGS):
        width, depth, _, dropout = efficientnet_params(f"efficientnet-b{member}")
        assert (scaling.width, scaling.depth, scaling.dropout) == (width, depth, dropout)
    with torch.device("meta"):
        for member in (4, 5, 6, 7):
            ours, reference = (
                {name: tensor.shape for name, tensor in network.state_dict().items()}
                for network in (
                    EfficientNet(member, 9, 64),
                    Reference.from_name(f"efficientnet-b{member}", num_classes=9),
                )
            )
            assert ours == reference


@pytest.mark.parametrize(("member", "image_size"), [(0, 64), (0, 75), (2, 66)])
def test_the_folded_copy_gives_the_same_outputs_and_leaves_the_network_as_it_was(member: int, image_size: int) -> None:
    reference = make_reference(member, image_size)
    twin = make_twin(reference, member, image_size).train()
    folded = for_inference(twin)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert not any(parameter.requires_grad for parameter in folded.parameters())
    assert twin.training
    assert twin.state_dict().keys() == reference.state_dict().keys()
    assert all(parameter.requires_grad for parameter in twin.parameters())
    torch.testing.assert_close(outputs(folded, image_size), outputs(reference, image_size), rtol=0, atol=1e-5)


def test_the_copy_of_another_network_is_the_network_in_evaluation_mode() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), nn.AdaptiveAvgPool2d(1))
    copy = for_inference(network)
    assert network.training
    assert not copy.training
    torch.testing.assert_close(outputs(copy, 8), outputs(network, 8))

"""The registry of networks."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from efficientnet_pytorch.utils import efficientnet_params
from torchvision.models import ResNet50_Weights

from animl_kedro.classifier import torchvision_networks
from animl_kedro.classifier.backbones import EFFICIENTNETS, backbone_named, build_network, head_names
from animl_kedro.classifier.preprocessing import Preprocessing
from animl_kedro.errors import InputError

COSTLY = ("regnet", "vit_h")
"""Families that cannot be built without memory for their weights, or have too many."""


def test_registry_sizes_are_those_of_efficientnet_pytorch() -> None:
    for name, backbone in EFFICIENTNETS.items():
        assert backbone.image_size == efficientnet_params(name)[2]
        assert backbone.interpolation == "bicubic"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("b3", "efficientnet-b3"),
        ("resnet5", "resnet50"),
        ("EfficientNet-B4", "efficientnet-b4"),
        ("timm/resnet5", "timm/resnet50"),
    ],
)
def test_unknown_name_is_refused_with_the_families_and_what_was_meant(name: str, meant: str) -> None:
    with pytest.raises(
        ValueError, match=rf"unknown backbone '{name}': one of .*resnet50.*timm.* Did you mean.* {meant}"
    ):
        backbone_named(name)


def test_name_like_no_other_is_refused_with_the_families_alone() -> None:
    with pytest.raises(ValueError, match=r"one of efficientnet-b0 to efficientnet-b7.*as timm/name\.$"):
        backbone_named("xyzzy!")


@pytest.mark.parametrize("name", ["timm/xyzzy!", "timm/resnet50.nonsense", "timm/"])
def test_unknown_name_of_timm_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="unknown backbone 'timm/"):
        backbone_named(name)


def test_timm_that_is_not_installed_is_told_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ValueError, match=r"timm is not installed.*pip install 'animl-kedro\[timm\]'"):
        backbone_named("timm/not_asked_for_before")


def test_names_are_checked_without_importing_torch() -> None:
    code = (
        "import sys; from animl_kedro.classifier.backbones import backbone_named; backbone_named('efficientnet-b3');"
        "print('torch' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert told.stdout.strip() == "False"


def test_all_networks_of_torchvision_can_be_built_with_a_head_of_the_classes() -> None:
    names = [name for name in torchvision_networks.names() if not name.startswith(COSTLY)]
    assert len(names) > 60
    with torch.device("meta"):  # without memory for the weights
        for name in names:
            size = backbone_named(name).image_size
            network = build_network(name, 7, size)
            assert [len(network.get_parameter(f"{head}.weight")) for head in head_names(network)] == [7], name
            assert network(torch.empty(2, 3, size, size)).shape == (2, 7), name


@pytest.mark.parametrize(
    ("name", "size"), [("regnet_y_400mf", 64), ("vit_b_32", 64), ("timm/mobilenetv3_small_050", 64)]
)
def test_network_at_another_image_size_classifies(name: str, size: int) -> None:
    network = build_network(name, 3, size)
    assert network(torch.rand(2, 3, size, size)).shape == (2, 3)
    assert [len(network.get_parameter(f"{head}.weight")) for head in head_names(network)] == [3]


def test_network_of_timm_with_two_heads_names_both() -> None:
    network = build_network("timm/deit_tiny_distilled_patch16_224", 3, 32)
    assert head_names(network) == ("head", "head_dist")


@pytest.mark.parametrize("name", ["maxvit_t", "vit_b_16"])
def test_network_that_does_not_divide_an_image_of_a_size_says_which_it_takes(name: str) -> None:
    with pytest.raises(InputError, match=rf"{name} cannot be built for images of 75 pixels .*to null, for the 224"):
        build_network(name, 3, 75)


def test_batch_norm_learns_at_the_rate_that_is_asked_for_in_every_family() -> None:
    for name in ("efficientnet-b0", "resnet18", "timm/mobilenetv3_small_050"):
        network = build_network(name, 3, 64, batch_norm_momentum=0.3)
        rates = {getattr(module, "momentum", 0.3) for module in network.modules()}
        assert rates == {0.3}, name


def test_preprocessing_is_the_backbones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Preprocessing.of("efficientnet-b3") == Preprocessing(300)
    assert Preprocessing.of("efficientnet-b3", 128) == Preprocessing(128)
    resnet: Any = ResNet50_Weights.DEFAULT.transforms()
    ours = Preprocessing.of("resnet50")
    assert (ours.image_size, list(ours.mean), list(ours.std)) == (resnet.crop_size[0], resnet.mean, resnet.std)
    assert ours.interpolation == resnet.interpolation.value == "bilinear"
    inception = Preprocessing.of("timm/inception_v3")
    assert (inception.image_size, inception.mean) == (299, (0.5, 0.5, 0.5))

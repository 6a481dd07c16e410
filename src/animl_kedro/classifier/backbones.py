"""The networks that a classifier can be built on, by name. Only what is asked for is imported: torch takes seconds."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from animl_kedro.classifier.backbone import IMAGENET_MEAN, IMAGENET_STD, Backbone, Interpolation
from animl_kedro.errors import InputError

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "EFFICIENTNETS",
    "HEAD",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "TIMM",
    "Backbone",
    "Interpolation",
    "backbone_named",
    "build_network",
    "head_names",
]

HEAD = "_fc"
"""The last layer in efficientnet-pytorch."""

TIMM = "timm/"
"""What timm's names begin with here."""

# Sizes: Tan and Le 2019, as in efficientnet_pytorch.utils.efficientnet_params.
EFFICIENTNETS = {
    f"efficientnet-b{number}": Backbone(f"efficientnet-b{number}", image_size)
    for number, image_size in enumerate((224, 240, 260, 300, 380, 456, 528, 600))
}


def backbone_named(name: str) -> Backbone:
    """Look a backbone up.

    Raises ValueError that names the families and what is spelt alike, or tells how to install what is missing.
    """
    if name in EFFICIENTNETS:
        return EFFICIENTNETS[name]
    if name.startswith(TIMM):
        from animl_kedro.classifier import timm_networks  # noqa: PLC0415 - torch takes seconds to import

        backbone = timm_networks.describe(name)
        close = [] if backbone else timm_networks.close_to(name)
    else:
        from animl_kedro.classifier import torchvision_networks  # noqa: PLC0415 - torch takes seconds to import

        backbone = torchvision_networks.describe(name)
        close = [] if backbone else _close_to(name, [*EFFICIENTNETS, *torchvision_networks.names()])
    if backbone is None:
        meant = f" Did you mean {' or '.join(close)}?" if close else ""
        raise ValueError(
            f"unknown backbone {name!r}: one of efficientnet-b0 to efficientnet-b7, a classification network of "
            f"torchvision's by its name, such as resnet50 or convnext_tiny, or one of timm's as {TIMM}name.{meant}"
        )
    return backbone


def _close_to(name: str, names: list[str]) -> list[str]:
    """Names that are spelt like one, or end with it."""
    plain = name.lower()
    ending = [other for other in names if other.endswith(plain)]
    return list(dict.fromkeys([*ending, *get_close_matches(plain, names, n=3)]))[:4]


def build_network(
    name: str,
    n_classes: int,
    image_size: int,
    *,
    batch_norm_momentum: float = 0.01,
    drop_connect: float = 0.2,
) -> nn.Module:
    """Build a network that turns (n, 3, image_size, image_size) images into (n, n_classes) logits; its weights are new.

    `batch_norm_momentum` is the weight of a new batch in the running statistics, `drop_connect` the highest probability
    with which a block of efficientnet-b0 to b7 is skipped in training; other networks skip as they were designed to.
    Raises InputError where the network cannot be built for that image size.
    """
    backbone_named(name)
    if name in EFFICIENTNETS:
        from animl_kedro.classifier.efficientnet import EfficientNet  # noqa: PLC0415 - torch takes seconds to import

        member = list(EFFICIENTNETS).index(name)
        return EfficientNet(
            member, n_classes, image_size, batch_norm_momentum=batch_norm_momentum, drop_connect=drop_connect
        )
    network = _build_other(name, n_classes, image_size)
    from torch.nn.modules.batchnorm import _BatchNorm  # noqa: PLC0415

    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = batch_norm_momentum
    return network


def _build_other(name: str, n_classes: int, image_size: int) -> nn.Module:
    from animl_kedro.classifier import timm_networks, torchvision_networks  # noqa: PLC0415 - see build_network

    try:
        if name.startswith(TIMM):
            return timm_networks.build(name, n_classes, image_size)
        return torchvision_networks.build(name, n_classes, image_size)
    except (ValueError, AssertionError, RuntimeError) as error:
        # They say so in their own ways where a network does not divide an image of that size.
        reason = str(error).partition("\n")[0]
        raise InputError(
            f"{name} cannot be built for images of {image_size} pixels ({reason}): set modeling.image_size to null, "
            f"for the {backbone_named(name).image_size} that it was designed for."
        ) from error


def head_names(network: nn.Module) -> tuple[str, ...]:
    """Names of the layers that give the logits, of which each has a row for every class: nearly always one."""
    from torch import nn  # noqa: PLC0415 - torch takes seconds to import

    described = getattr(network, "pretrained_cfg", None)  # timm's networks say it themselves
    if described and described.get("classifier"):
        heads = described["classifier"]
        return (heads,) if isinstance(heads, str) else tuple(heads)
    layers = [name for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    return (layers[-1],)

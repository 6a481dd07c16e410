"""timm's networks, by its own names behind "timm/". timm is an optional extra."""

from difflib import get_close_matches
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import nn

from animl_kedro.classifier.backbone import Backbone, Interpolation


def _timm() -> Any:
    try:
        import timm  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise ValueError("timm is not installed, which has this backbone: pip install 'animl-kedro[timm]'") from error
    return timm


def _own(name: str) -> str:
    return name.removeprefix("timm/")


@cache
def describe(name: str) -> Backbone | None:
    """A network with the preprocessing of its weights; None where there is no such network."""
    timm = _timm()
    if not timm.is_model(_own(name)):
        return None
    try:
        config = timm.get_pretrained_cfg(_own(name))
    except RuntimeError:  # a name with a tag, behind a point, that the network does not have
        return None
    interpolation: Interpolation = "bilinear" if config.interpolation == "bilinear" else "bicubic"
    return Backbone(name, config.input_size[-1], tuple(config.mean), tuple(config.std), interpolation)


def close_to(name: str) -> list[str]:
    """Names that are spelt like one."""
    return [f"timm/{close}" for close in get_close_matches(_own(name), _timm().list_models(), n=3)]


def build(name: str, n_classes: int, image_size: int) -> nn.Module:
    """Build a network with new weights."""
    timm = _timm()
    network: nn.Module
    try:
        network = timm.create_model(_own(name), num_classes=n_classes, img_size=image_size)
    except TypeError:
        # Convolutional networks take images of any size, and do not know the argument.
        network = timm.create_model(_own(name), num_classes=n_classes)
    return network


def sized_for(network: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights as the network's own filter of checkpoints makes them, of transformers for images of its size."""
    filtered = getattr(import_module(type(network).__module__), "checkpoint_filter_fn", None)
    return dict(filtered(dict(state), network)) if filtered else state


def imagenet_state(name: str) -> dict[str, Any]:
    """The weights that timm offers, downloaded unless they are in its cache; no pickle is executed."""
    state: dict[str, Any] = _timm().create_model(_own(name), pretrained=True).state_dict()
    return state

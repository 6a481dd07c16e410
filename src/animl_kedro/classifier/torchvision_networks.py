"""torchvision's classification networks, by its own names."""

from functools import cache
from typing import Any

import torch
import torchvision
from torch import nn
from torchvision.models import vision_transformer

from animl_kedro.classifier.backbone import Backbone, Interpolation

WITH_AUXILIARY_OUTPUTS = ("googlenet", "inception_v3")
"""They were trained with further outputs, and with other means than they are given: they convert those themselves."""

POSITIONS = "encoder.pos_embedding"
"""In vision transformers, where each patch of an image is."""


def names() -> list[str]:
    """All of them."""
    return list(torchvision.models.list_models(module=torchvision.models))


@cache
def describe(name: str) -> Backbone | None:
    """A network with the preprocessing of its newest weights; None where there is no such network."""
    if name not in names():
        return None
    preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
    interpolation: Interpolation = "bicubic" if preset.interpolation.value == "bicubic" else "bilinear"
    return Backbone(name, preset.crop_size[0], tuple(preset.mean), tuple(preset.std), interpolation)


def build(name: str, n_classes: int, image_size: int) -> nn.Module:
    """Build a network with new weights."""
    options: dict[str, Any] = {}
    if name in WITH_AUXILIARY_OUTPUTS:
        options = {"aux_logits": False, "transform_input": True, "init_weights": True}
    elif name.startswith("vit_"):
        options = {"image_size": image_size}
    elif name.startswith("maxvit_"):
        options = {"input_size": (image_size, image_size)}
    network: nn.Module = torchvision.models.get_model(name, weights=None, num_classes=n_classes, **options)
    return network


def sized_for(network: nn.Module, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Weights of a vision transformer for images of the network's size; those of other networks as they are."""
    if not isinstance(network, vision_transformer.VisionTransformer) or POSITIONS not in state:
        return state
    sized: dict[str, torch.Tensor] = vision_transformer.interpolate_embeddings(
        network.image_size, network.patch_size, dict(state)
    )
    return sized


def imagenet_state(name: str) -> dict[str, Any]:
    """The newest weights that torchvision offers, downloaded unless they are in torch's cache."""
    network = torchvision.models.get_model(name, weights="DEFAULT", progress=False)
    auxiliary = ("aux1.", "aux2.", "AuxLogits.") if name in WITH_AUXILIARY_OUTPUTS else ()
    return {key: tensor for key, tensor in network.state_dict().items() if not key.startswith(auxiliary)}

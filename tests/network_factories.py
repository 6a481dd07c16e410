"""Networks of efficientnet-pytorch's own making, as others have trained them."""

from typing import Any

import torch
from efficientnet_pytorch import EfficientNet
from torch import nn

from animl_kedro.classifier.backbones import build_network


def make_reference(member: int, image_size: int, classes: int = 4, drop_connect: float = 0.2) -> Any:
    """A network of efficientnet-pytorch's that answers differently to different images, in training mode.

    A fresh network's running statistics are far from what it computes, so that in evaluation mode it answers with its
    bias alone; here they are those of a batch.
    """
    torch.manual_seed(0)
    network = EfficientNet.from_name(
        f"efficientnet-b{member}",
        num_classes=classes,
        image_size=image_size,
        batch_norm_momentum=0.0,
        drop_connect_rate=drop_connect,
    )
    with torch.no_grad():
        network.train()(make_images(16, image_size))
    return network


def make_network(image_size: int, classes: int = 3) -> nn.Module:
    """A small network of ours that answers differently to different images, in evaluation mode."""
    torch.manual_seed(0)
    network = build_network("efficientnet-b0", classes, image_size)
    for _ in range(3):
        network.train()(torch.rand(4, 3, image_size, image_size))
    return network.eval()


def make_images(count: int, image_size: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, 3, image_size, image_size, generator=torch.Generator().manual_seed(seed))


def outputs(network: Any, image_size: int) -> torch.Tensor:
    """What a network makes of eight images in evaluation mode."""
    with torch.inference_mode():
        result: torch.Tensor = network.eval()(make_images(8, image_size, seed=2))
    return result

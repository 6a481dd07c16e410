"""The networks that a classifier can be built on, by name, and the weights that they can start from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animl_kedro.errors import InputError

if TYPE_CHECKING:
    from torch import nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

HEAD = "_fc"
"""The last layer in efficientnet-pytorch."""


@dataclass(frozen=True)
class Backbone:
    """A network of the registry; ``image_size`` is the side in pixels that it was designed for."""

    name: str
    image_size: int


# Sizes: Tan and Le 2019, as in efficientnet_pytorch.utils.efficientnet_params, told here without importing torch.
BACKBONES = {
    f"efficientnet-b{number}": Backbone(f"efficientnet-b{number}", image_size)
    for number, image_size in enumerate((224, 240, 260, 300, 380, 456, 528, 600))
}


def backbone_named(name: str) -> Backbone:
    """Look a backbone up. Raises ValueError that lists the names there are."""
    if name not in BACKBONES:
        raise ValueError(f"unknown backbone {name!r}: one of {', '.join(BACKBONES)}")
    return BACKBONES[name]


def build_network(
    name: str,
    n_classes: int,
    image_size: int,
    *,
    imagenet: bool = False,
    batch_norm_momentum: float = 0.01,
    drop_connect: float = 0.2,
) -> nn.Module:
    """Build a network that turns (n, 3, image_size, image_size) images into (n, n_classes) logits.

    With `imagenet` the weights are those of ImageNet, downloaded from where efficientnet-pytorch has them unless they
    are in torch's cache, and the last layer is new. `batch_norm_momentum` is the weight of a new batch in the running
    statistics, `drop_connect` the highest probability with which a block is skipped in training. Raises InputError
    where the weights cannot be downloaded.
    """
    from efficientnet_pytorch import EfficientNet  # noqa: PLC0415 - torch takes seconds to import

    arguments = {
        "num_classes": n_classes,
        "image_size": image_size,
        "batch_norm_momentum": 1 - batch_norm_momentum,  # efficientnet-pytorch counts as TensorFlow does
        "drop_connect_rate": drop_connect,
    }
    network: nn.Module = EfficientNet.from_name(name, **arguments)
    if imagenet:
        _load_state(network, _imagenet_state(name), f"ImageNet's {name}")
    return network


def _imagenet_state(name: str) -> dict[str, Any]:
    """The state dict that efficientnet-pytorch offers for download, read without executing pickles."""
    import torch  # noqa: PLC0415 - torch takes seconds to import
    from efficientnet_pytorch.utils import url_map  # noqa: PLC0415

    try:
        return torch.hub.load_state_dict_from_url(url_map[name], map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(
            f"The ImageNet weights of {name} could not be downloaded ({error}). Connect to the internet once, or set "
            "modeling.weights to `none` or to the path of a local file of weights."
        ) from error


def load_weights(network: nn.Module, path: Path) -> list[str]:
    """Load a state dict, or a checkpoint of CameraTraps, {"model": state dict, …}, into a network.

    Returns the names of parameters that were left as they are since their shape is another, which only the last
    layer's may be. No pickle is executed. Raises InputError where the file is no such thing or does not fit.
    """
    return _load_state(network, _read_state_dict(path), str(path))


def _load_state(network: nn.Module, state: dict[str, Any], source: str) -> list[str]:
    own = network.state_dict()
    if strange := sorted(own.keys() ^ state.keys()):
        raise InputError(
            f"{source} does not fit the network: it has {len(state)} weights, {len(own)} are expected. The first that "
            f"differ: {', '.join(strange[:5])}. Set modeling.backbone to the network that the file was made with."
        )
    other_shape = [name for name, tensor in state.items() if tensor.shape != own[name].shape]
    if wrong := [name for name in other_shape if not name.startswith(f"{HEAD}.")]:
        raise InputError(
            f"{source} does not fit the network: {wrong[0]} has the shape {tuple(state[wrong[0]].shape)}, expected is "
            f"{tuple(own[wrong[0]].shape)}. Set modeling.backbone to the network that the file was made with."
        )
    network.load_state_dict(state | {name: own[name] for name in other_shape})
    return other_shape


def _read_state_dict(path: Path) -> dict[str, Any]:
    import torch  # noqa: PLC0415 - torch takes seconds to import
    from safetensors.torch import load_file  # noqa: PLC0415

    if not path.is_file():
        raise InputError(f"There is no file of weights at {path}: correct modeling.weights.")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Whatever a strange file makes the readers raise, it is the file that is wrong.
        raise InputError(f"{path} is not a file of weights that can be read safely: {error}") from error
    state = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise InputError(f'{path} holds neither a state dict nor {{"model": state dict}}.')
    return state

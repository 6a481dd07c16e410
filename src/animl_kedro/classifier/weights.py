"""What a network starts from: ImageNet's weights, a file of weights, or an earlier classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from torch import nn

from animl_kedro.classifier.backbones import EFFICIENTNETS, TIMM, head_names
from animl_kedro.classifier.weight_files import Start, read_start
from animl_kedro.errors import InputError

NONE, IMAGENET = "none", "imagenet"


@dataclass(frozen=True)
class Loaded:
    """What became of the last layer: ``kept`` is of the labels whose rows were kept, None where it is there as it was.

    ``from_where`` tells where the weights are from.
    """

    from_where: str
    kept: tuple[str, ...] | None

    def __str__(self) -> str:
        if self.kept is None:
            return f"weights from {self.from_where}"
        if not self.kept:
            return f"weights from {self.from_where}, with a new last layer"
        return f"weights from {self.from_where}; in the last layer those of {', '.join(self.kept)}, new for the others"


def start_from(network: nn.Module, backbone: str, weights: str, labels: Sequence[str]) -> Loaded | None:
    """Give a new network the weights that a parameter names; None where that is `none`.

    `weights` is `imagenet`, `none`, or a path: of a state dict (.pt, .pth or .safetensors), of a checkpoint of
    CameraTraps, {"model": state dict, …}, of a folder that a classifier was saved in, or of the folder of its versions,
    of which the newest is taken. A last layer of another size stays new, except for labels that an earlier classifier
    knew. No pickle is executed. Raises InputError where there is no such thing, or where it does not fit.
    """
    if weights == NONE:
        return None
    if weights == IMAGENET:
        start = Start(_imagenet_state(backbone), f"ImageNet's {backbone}")
        return _load(network, backbone, start, labels, keeps_head=False)
    path = Path(weights)
    if not path.exists():
        close = get_close_matches(weights.lower(), [NONE, IMAGENET], n=1)
        meant = f" Did you mean {close[0]}?" if close else ""
        raise InputError(
            f"There is no file or folder of weights at {path}: modeling.weights is `{IMAGENET}`, `{NONE}`, or the path "
            f"of a state dict, of a checkpoint of CameraTraps, or of an earlier classifier's folder.{meant}"
        )
    start = read_start(path)
    if start.backbone and start.backbone != backbone:
        raise InputError(
            f"{start.from_where} is of {start.backbone}, and modeling.backbone is {backbone}: make them the same."
        )
    return _load(network, backbone, start, labels, keeps_head=True)


def _imagenet_state(backbone: str) -> dict[str, Any]:
    try:
        return _download(backbone)(backbone)
    except Exception as error:
        # The libraries' ways to download fail with errors of many kinds; a person can do the same about all.
        raise InputError(
            f"The ImageNet weights of {backbone} could not be downloaded ({error}). Connect to the internet once, or "
            f"set modeling.weights to `{NONE}` or to the path of a local file of weights."
        ) from error


def _download(backbone: str) -> Callable[[str], dict[str, Any]]:
    if backbone in EFFICIENTNETS:
        return _efficientnet_state
    if backbone.startswith(TIMM):
        from animl_kedro.classifier import timm_networks  # noqa: PLC0415 - an optional extra

        return timm_networks.imagenet_state
    from animl_kedro.classifier import torchvision_networks  # noqa: PLC0415 - only where it is asked for

    return torchvision_networks.imagenet_state


def _efficientnet_state(backbone: str) -> dict[str, Any]:
    from efficientnet_pytorch.utils import url_map  # noqa: PLC0415 - only where it is asked for

    return torch.hub.load_state_dict_from_url(url_map[backbone], map_location="cpu", weights_only=True)


def _load(network: nn.Module, backbone: str, start: Start, labels: Sequence[str], *, keeps_head: bool) -> Loaded:
    own = network.state_dict()
    start = replace(start, state=_sized_for(network, backbone, start.state))
    heads = tuple(f"{name}." for name in head_names(network))
    _check_fit(own, start, heads)
    in_head = [name for name in own if name.startswith(heads)]
    if keeps_head and start.labels is not None and start.labels != tuple(labels):
        kept = tuple(label for label in labels if label in start.labels)
        head = {name: _rows_by_label(own[name], start.state[name], labels, start.labels) for name in in_head}
    elif keeps_head and all(own[name].shape == start.state[name].shape for name in in_head):
        head, kept = {}, None
    else:
        head, kept = {name: own[name] for name in in_head}, ()
    network.load_state_dict(start.state | head)
    return Loaded(start.from_where, kept)


def _sized_for(network: nn.Module, backbone: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights, where they are of a transformer for images of the network's size.

    It has an embedding for every patch of an image: those of another size are interpolated between.
    """
    try:
        if backbone.startswith(TIMM):
            from animl_kedro.classifier import timm_networks  # noqa: PLC0415 - an optional extra

            return timm_networks.sized_for(network, state)
        from animl_kedro.classifier import torchvision_networks  # noqa: PLC0415 - only where it is asked for

        return torchvision_networks.sized_for(network, state)
    except (RuntimeError, ValueError, LookupError):  # they are of another network, as `_check_fit` will tell
        return state


def _rows_by_label(
    new: torch.Tensor, earlier: torch.Tensor, labels: Sequence[str], earlier_labels: Sequence[str]
) -> torch.Tensor:
    """The rows of a new last layer, those of earlier labels in the places of the same labels."""
    rows = new.clone()
    for row, label in enumerate(labels):
        if label in earlier_labels:
            rows[row] = earlier[earlier_labels.index(label)]
    return rows


def _check_fit(own: Mapping[str, torch.Tensor], start: Start, heads: tuple[str, ...]) -> None:
    """Refuse weights of another network, naming the first that differ. The last layer may have other rows."""
    advice = "Set modeling.backbone to the network that the weights are of."
    lacking = [name for name in own if name not in start.state]
    further = [name for name in start.state if name not in own]
    if lacking or further:
        lists = {"lacks": lacking, "has beyond them": further}
        told = [f"it {verb} {', '.join(names[:3])}{', …' * (len(names) > 3)}" for verb, names in lists.items() if names]
        raise InputError(
            f"{start.from_where} does not fit the network: it has {len(start.state)} weights, {len(own)} are expected; "
            f"{' and '.join(told)}. {advice}"
        )
    for name, tensor in start.state.items():
        expected = own[name].shape
        if tensor.shape != expected and not (name.startswith(heads) and tensor.shape[1:] == expected[1:]):
            raise InputError(
                f"{start.from_where} does not fit the network: {name} has the shape {tuple(tensor.shape)}, expected is "
                f"{tuple(expected)}. {advice}"
            )

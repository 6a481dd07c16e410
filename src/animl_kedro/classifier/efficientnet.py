"""EfficientNet with the weights of efficientnet-pytorch, by whose names they are saved and loaded, but faster on a CPU.

The same network, from the same seed the same weights, the same outputs to rounding: TensorFlow's padding, batch norm's
constants, and what is skipped at random in training are as there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from animl_kedro.classifier.recomputing import Activated

BATCH_NORM_EPSILON = 1e-3
SQUEEZED = 0.25
"""Channels of a squeeze, as a fraction of those that its block takes."""


class Stage(NamedTuple):
    """Blocks in a row; the first of them has the stride, and changes the number of channels."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels_in: int
    channels_out: int


# Source: Tan and Le 2019, EfficientNet, table 1, as in efficientnet_pytorch.utils.efficientnet.
STAGES = (
    Stage(1, 3, 1, 1, 32, 16),
    Stage(2, 3, 2, 6, 16, 24),
    Stage(2, 5, 2, 6, 24, 40),
    Stage(3, 3, 2, 6, 40, 80),
    Stage(3, 5, 1, 6, 80, 112),
    Stage(4, 5, 2, 6, 112, 192),
    Stage(1, 3, 1, 6, 192, 320),
)


@dataclass(frozen=True)
class Scaling:
    """How a member of the family is scaled: factors of the channels and of the blocks, and the dropout at its end."""

    width: float
    depth: float
    dropout: float

    def channels(self, base: int) -> int:
        """The channels that become of `base`: a multiple of 8, and not below 90 % of what was wanted."""
        wanted = base * self.width
        channels = max(8, int(wanted + 4) // 8 * 8)
        return channels + 8 if channels < 0.9 * wanted else channels

    def blocks(self, base: int) -> int:
        """The blocks that become of `base`."""
        return math.ceil(self.depth * base)


SCALINGS = (
    Scaling(1.0, 1.0, 0.2),
    Scaling(1.0, 1.1, 0.2),
    Scaling(1.1, 1.2, 0.3),
    Scaling(1.2, 1.4, 0.3),
    Scaling(1.4, 1.8, 0.4),
    Scaling(1.6, 2.2, 0.4),
    Scaling(1.8, 2.6, 0.5),
    Scaling(2.0, 3.1, 0.5),
)
"""Of b0 to b7."""


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow's "same" is for images of one size: the odd pixel at the right and below."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int = 1,
        *,
        image_size: int = 1,
        stride: int = 1,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(channels_in, channels_out, kernel, stride=stride, groups=groups, bias=bias)
        padding = max((math.ceil(image_size / stride) - 1) * stride + kernel - image_size, 0)
        self.before, self.after = padding // 2, padding - padding // 2

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Convolve (n, channels_in, image_size, image_size) inputs."""
        weight, after = self.weight, self.after
        if self.before != after:
            if inputs.device.type == "cpu":
                weight = self._evenly_padded()
            else:
                inputs, after = functional.pad(inputs, (self.before, after) * 2), 0
        return functional.conv2d(inputs, weight, self.bias, self.stride, after, 1, self.groups)

    def _evenly_padded(self) -> torch.Tensor:
        """The kernels to be used with `after` pixels of padding at all sides.

        Where there are fewer before the image than after it, kernels get a row and a column of zeros in front, which
        is faster than a larger copy of the image.
        """
        missing = self.after - self.before
        return functional.pad(self.weight, (missing, 0, missing, 0)) if missing else self.weight


def _norm(channels: int, momentum: float) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=BATCH_NORM_EPSILON, momentum=momentum)


class Block(nn.Module):
    """An inverted bottleneck: expand the channels, convolve each, weigh them, project them to fewer."""

    def __init__(self, stage: Stage, image_size: int, batch_norm_momentum: float, drop_connect: float) -> None:
        super().__init__()
        channels_in, wide = stage.channels_in, stage.channels_in * stage.expansion
        self.expands = stage.expansion != 1
        if self.expands:
            self._expand_conv = SameConv2d(channels_in, wide)
            self._bn0 = _norm(wide, batch_norm_momentum)
        self._depthwise_conv = SameConv2d(
            wide, wide, stage.kernel, image_size=image_size, stride=stage.stride, groups=wide
        )
        self._bn1 = _norm(wide, batch_norm_momentum)
        squeezed = max(1, int(channels_in * SQUEEZED))
        self._se_reduce = SameConv2d(wide, squeezed, bias=True)
        self._se_expand = SameConv2d(squeezed, wide, bias=True)
        self._project_conv = SameConv2d(wide, stage.channels_out)
        self._bn2 = _norm(stage.channels_out, batch_norm_momentum)
        self.can_be_skipped = stage.stride == 1 and channels_in == stage.channels_out
        self.drop_connect = drop_connect

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Turn (n, channels_in, size, size) into (n, channels_out, size / stride, size / stride)."""
        if self.expands:
            hidden = Activated(self._bn0, self._expand_conv(inputs)).into(self._depthwise_conv)
        else:
            hidden = self._depthwise_conv(inputs)
        activated = Activated(self._bn1, hidden)
        weights = self._channel_weights(activated.values)
        outputs: torch.Tensor = self._bn2(activated.weighed_into(weights, self._project_conv))
        return self._dropped(outputs) + inputs if self.can_be_skipped else outputs

    def _channel_weights(self, hidden: torch.Tensor) -> torch.Tensor:
        """How much each channel counts, (n, channels, 1, 1) in 0–1: squeeze and excitation."""
        squeezed = functional.silu(self._se_reduce(hidden.mean((2, 3), keepdim=True)))
        return torch.sigmoid(self._se_expand(squeezed))

    def _dropped(self, outputs: torch.Tensor) -> torch.Tensor:
        """Zero the outputs of some images at random, and enlarge the others for it."""
        if not self.training or not self.drop_connect:
            return outputs
        keep = 1 - self.drop_connect
        drawn = torch.rand((len(outputs), 1, 1, 1), dtype=outputs.dtype, device=outputs.device)
        return outputs * ((drawn + keep).floor() / keep)


class EfficientNet(nn.Module):
    """A member of the family, b0 to b7, for images of one size."""

    def __init__(
        self,
        member: int,
        n_classes: int,
        image_size: int,
        *,
        batch_norm_momentum: float = 0.01,
        drop_connect: float = 0.2,
    ) -> None:
        super().__init__()
        scaling = SCALINGS[member]
        stem, head = scaling.channels(32), scaling.channels(1280)
        self._conv_stem = SameConv2d(3, stem, 3, image_size=image_size, stride=2)
        self._bn0 = _norm(stem, batch_norm_momentum)
        self._blocks = nn.ModuleList()
        size = math.ceil(image_size / 2)
        stages = _scaled_stages(scaling)
        for number, stage in enumerate(stages):
            self._blocks.append(Block(stage, size, batch_norm_momentum, drop_connect * number / len(stages)))
            size = math.ceil(size / stage.stride)
        self._conv_head = SameConv2d(stages[-1].channels_out, head)
        self._bn1 = _norm(head, batch_norm_momentum)
        self._dropout = nn.Dropout(scaling.dropout)
        self._fc = nn.Linear(head, n_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Classify (n, 3, image_size, image_size) normalised images: (n, n_classes) logits."""
        hidden = Activated(self._bn0, self._conv_stem(images)).values
        for block in self._blocks:
            hidden = block(hidden)
        features = Activated(self._bn1, self._conv_head(hidden)).values.mean((2, 3))
        logits: torch.Tensor = self._fc(self._dropout(features))
        return logits


def _scaled_stages(scaling: Scaling) -> list[Stage]:
    """A stage of one block for each block of the network."""
    blocks = []
    for stage in STAGES:
        channels_in, channels_out = scaling.channels(stage.channels_in), scaling.channels(stage.channels_out)
        first = stage._replace(blocks=1, channels_in=channels_in, channels_out=channels_out)
        blocks.append(first)
        blocks += [first._replace(stride=1, channels_in=channels_out)] * (scaling.blocks(stage.blocks) - 1)
    return blocks

"""A copy of a network that does nothing but predict, and does it faster."""

from __future__ import annotations

import copy

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from animl_kedro.classifier.efficientnet import Block, EfficientNet, SameConv2d


def for_inference(network: nn.Module) -> nn.Module:
    """Copy a network for prediction, on the device where it is; the original stays as it was.

    In an `EfficientNet` batch norm is made part of the convolution before it, so that the outputs are equal to 1e-5;
    any other network is as it was. The copy is in evaluation mode, its parameters are fixed, its channels last in
    memory. Its state dict has other names: it is not for saving.
    """
    folded = copy.deepcopy(network).eval().requires_grad_(requires_grad=False)
    with torch.no_grad():
        if isinstance(folded, EfficientNet):
            _fold(folded, "_conv_stem", "_bn0")
            _fold(folded, "_conv_head", "_bn1")
            for block in folded.modules():
                if isinstance(block, Block):
                    _fold_block(block)
    return folded.to(memory_format=torch.channels_last)


def _fold_block(block: Block) -> None:
    if block.expands:
        _fold(block, "_expand_conv", "_bn0")
    _fold(block, "_depthwise_conv", "_bn1")
    _fold(block, "_project_conv", "_bn2")


def _fold(module: nn.Module, convolution: str, norm: str) -> None:
    """Put a convolution in the place of itself and the batch norm behind it."""
    before, behind = module.get_submodule(convolution), module.get_submodule(norm)
    assert isinstance(before, SameConv2d)  # noqa: S101 - the networks here have no others
    assert isinstance(behind, nn.BatchNorm2d)  # noqa: S101
    setattr(module, convolution, fuse_conv_bn_eval(before, behind).requires_grad_(requires_grad=False))
    setattr(module, norm, nn.Identity())

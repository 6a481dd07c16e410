"""Activations that the backward pass makes again from the outputs of the convolution before them.

Autograd keeps what it needs: of a convolution, its normalisation and activation three large tensors, of which the last
two take little time to be made again. On a CPU, where memory is slow as well as scarce, one is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn import functional

WORTHWHILE = 8_000_000
"""Bytes of a tensor that it takes to be made again: smaller ones need little memory, and as much time."""


class Recomputed:
    """A tensor that is made anew when the backward pass asks for it, and given up when all have had it."""

    def __init__(self, make: Callable[[], torch.Tensor]) -> None:
        self._make = make
        self._value: torch.Tensor | None = None
        self._wanted = 0

    def instead_of(self, tensor: torch.Tensor) -> AbstractContextManager[None]:
        """Have autograd keep this where an operation within the context would have it keep `tensor`."""
        place, shape = tensor.data_ptr(), tensor.shape  # autograd keeps `pack`, which must not keep the tensor

        def pack(kept: torch.Tensor) -> torch.Tensor | Recomputed:
            if kept.data_ptr() != place or kept.shape != shape:
                return kept
            self._wanted += 1
            return self

        def unpack(kept: torch.Tensor | Recomputed) -> torch.Tensor:
            return kept.take() if isinstance(kept, Recomputed) else kept

        return torch.autograd.graph.saved_tensors_hooks(pack, unpack)

    def value(self) -> torch.Tensor:
        """The tensor, for another that is made of it."""
        if self._value is None:
            with torch.no_grad():
                self._value = self._make()
        return self._value

    def take(self) -> torch.Tensor:
        """The tensor, for one of those that asked to keep it."""
        value = self.value()
        self._wanted -= 1
        if self._wanted <= 0:
            self._value = None
        return value


class Activated:
    """The (n, channels, height, width) outputs of a convolution, normalised and activated by SiLU."""

    def __init__(self, norm: nn.BatchNorm2d, outputs: torch.Tensor) -> None:
        self._recomputed: Recomputed | None = None
        is_learned_from = torch.is_grad_enabled() and norm.training
        is_large = outputs.dtype == torch.float32 and outputs.nbytes >= WORTHWHILE
        if is_learned_from and is_large and outputs.device.type == "cpu":
            self.values = self._recomputable(norm, outputs)
        else:
            # written over the values where no backward pass will ask for them
            self.values = functional.silu(norm(outputs), inplace=not torch.is_grad_enabled())

    def _recomputable(self, norm: nn.BatchNorm2d, outputs: torch.Tensor) -> torch.Tensor:
        weight, bias, momentum, epsilon = norm.weight, norm.bias, float(norm.momentum or 0), norm.eps
        if norm.num_batches_tracked is not None:
            norm.num_batches_tracked.add_(1)
        normalised, mean, inverse_deviation = torch.native_batch_norm(
            outputs, weight, bias, norm.running_mean, norm.running_var, True, momentum, epsilon
        )
        kept, mean, variance = outputs.detach(), mean.detach(), inverse_deviation.detach().pow(-2).sub_(epsilon)

        def normalise() -> torch.Tensor:
            return functional.batch_norm(kept, mean, variance, weight, bias, False, 0.0, epsilon)

        again = Recomputed(normalise)
        self._recomputed = Recomputed(lambda: functional.silu(again.value()))
        with again.instead_of(normalised):
            return functional.silu(normalised)

    def into(self, convolution: nn.Conv2d) -> torch.Tensor:
        """Convolve the values."""
        with self._recomputed.instead_of(self.values) if self._recomputed else nullcontext():
            return convolution.forward(self.values)

    def weighed_into(self, channel_weights: torch.Tensor, convolution: nn.Conv2d) -> torch.Tensor:
        """Convolve the values after each channel was multiplied by its (n, channels, 1, 1) weight."""
        values, recomputed = self.values, self._recomputed
        if recomputed is None:
            return convolution.forward(values * channel_weights)
        with recomputed.instead_of(values):
            weighed = values * channel_weights
        kept = channel_weights.detach()
        with Recomputed(lambda: recomputed.value() * kept).instead_of(weighed):
            return convolution.forward(weighed)

"""Crops that are mixed in pairs, and their labels with them."""

import numpy as np
import torch
from torch.nn import functional


def mix(
    images: torch.Tensor,
    targets: torch.Tensor,
    n_classes: int,
    rng: np.random.Generator,
    *,
    mixup: float,
    cutmix: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix every crop of a batch with the one before it, which is any other: batches are in random order.

    `images` are (n, 3, height, width), `targets` (n,) numbers of classes. `mixup` and `cutmix` are the alphas of the
    beta distributions that shares are drawn from, one share a batch; 0 is no such mixing, and where there are both, a
    coin decides. Mixup takes the weighted mean of the pixels (Zhang et al. 2018), CutMix puts a rectangle of one crop
    into the other (Yun et al. 2019). Returns the images and the (n, n_classes) shares of the classes in each.
    """
    use_mixup = mixup > 0 and (not cutmix or rng.random() < 0.5)
    alpha = mixup if use_mixup else cutmix
    share = rng.beta(alpha, alpha)
    others = images.roll(1, dims=0)
    if use_mixup:
        images = images * share + others * (1 - share)
    else:
        top, bottom, left, right = rectangle(images.shape[2], images.shape[3], 1 - share, rng)
        images = images.clone()
        images[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
        share = 1 - (bottom - top) * (right - left) / (images.shape[2] * images.shape[3])
    shares = functional.one_hot(targets, n_classes).float()
    return images, shares * share + shares.roll(1, dims=0) * (1 - share)


def rectangle(height: int, width: int, area: float, rng: np.random.Generator) -> tuple[int, int, int, int]:
    """A random rectangle in pixels, (top, bottom, left, right), shaped like the image and cut off at its edge.

    `area` is its share of the image before that. Its centre is anywhere in the image, as in Yun et al. 2019.
    """
    half_height, half_width = (round(side * area**0.5 / 2) for side in (height, width))
    row, column = int(rng.integers(height)), int(rng.integers(width))
    top, bottom = max(row - half_height, 0), min(row + half_height, height)
    return top, bottom, max(column - half_width, 0), min(column + half_width, width)

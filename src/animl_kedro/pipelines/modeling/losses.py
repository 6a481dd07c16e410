"""What training minimises."""

import torch
from torch.nn import functional


def losses_of(
    logits: torch.Tensor, targets: torch.Tensor, *, label_smoothing: float = 0.0, focal_gamma: float = 0.0
) -> torch.Tensor:
    """The loss of every crop, (n,), of (n, n_classes) logits.

    `targets` are (n,) numbers of classes, or (n, n_classes) shares of classes, where crops are mixed. It is the
    cross-entropy, of which `label_smoothing` gives this share of every target to all classes alike (Szegedy et al.
    2016), and `focal_gamma` weighs every class's term by (1 - its probability) ** gamma (Lin et al. 2017), so that
    crops that are told apart already count for less.
    """
    logits = logits.float()
    if not focal_gamma:
        return functional.cross_entropy(logits, targets, label_smoothing=label_smoothing, reduction="none")
    n_classes = logits.shape[1]
    shares = functional.one_hot(targets, n_classes).to(logits.dtype) if targets.ndim == 1 else targets
    shares = shares * (1 - label_smoothing) + label_smoothing / n_classes
    logarithms = logits.log_softmax(dim=1)
    return -(shares * (1 - logarithms.exp()) ** focal_gamma * logarithms).sum(dim=1)

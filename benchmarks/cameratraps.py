"""CameraTraps' training loop, as its classification/train_classifier.py has it, for comparisons with ours.

efficientnet-pytorch's network, its optimizer and schedule, augmentation, loader, and passes over a split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from efficientnet_pytorch import EfficientNet
from PIL import Image
from torch.utils.data import DataLoader, Dataset, WeightedRandomSampler
from torchvision import transforms

LEARNING_RATE = 0.016
"""Its default, for 256 crops in a batch; for others in proportion."""


@dataclass(frozen=True)
class Pass:
    """What a pass over a split gives: (n, n_classes) logits and (n,) targets in the loader's order, on the device."""

    logits: torch.Tensor
    targets: torch.Tensor


class Crops(Dataset[Any]):
    """Its SimpleDataset: tensor, target and path of a crop."""

    def __init__(self, paths: Sequence[Path], targets: Sequence[int], transform: Any) -> None:
        self.paths = [str(path) for path in paths]
        self.targets = list(targets)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, number: int) -> tuple[Any, int, str]:
        with Image.open(self.paths[number]) as image:
            return self.transform(image.convert("RGB")), self.targets[number], self.paths[number]


def image_transforms(size: int) -> tuple[Any, Any]:
    """Its transforms for training and for evaluation, to tensors of `size` pixels."""
    end = [transforms.ToTensor(), transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), inplace=True)]
    train = [
        transforms.RandomResizedCrop(size),
        transforms.RandomRotation((-90, 90)),
        transforms.RandomHorizontalFlip(0.5),
        transforms.RandomVerticalFlip(0.1),
        transforms.RandomGrayscale(0.1),
        transforms.ColorJitter(brightness=0.25, contrast=0.25, saturation=0.25),
    ]
    plain = [transforms.Resize(size, transforms.InterpolationMode.BICUBIC), transforms.CenterCrop(size)]
    return transforms.Compose(train + end), transforms.Compose(plain + end)


def loader_of(
    crops: Crops, batch_size: int, workers: int, weights: Sequence[float] | None = None
) -> DataLoader[tuple[Any, int, str]]:
    """Its loader: in the crops' order, or, with `weights`, as many crops drawn by them."""
    sampler: Any = None if weights is None else WeightedRandomSampler(weights, len(crops))
    return DataLoader(crops, batch_size, sampler=sampler, num_workers=workers, pin_memory=torch.cuda.is_available())


def network_of(backbone: str, n_classes: int, size: int, device: str = "cpu") -> torch.nn.Module:
    """Its network with new weights, for images of `size` pixels."""
    torch.backends.cudnn.benchmark = True
    network: torch.nn.Module = EfficientNet.from_name(backbone, num_classes=n_classes, image_size=size)
    return network.to(device)


def optimizer_of(
    network: torch.nn.Module, batch_size: int, weight_decay: float = 1e-5
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    """Its optimizer with its default learning rate, and the schedule, of which an epoch is a step."""
    optimizer = torch.optim.RMSprop(
        network.parameters(), LEARNING_RATE * batch_size / 256, alpha=0.9, momentum=0.9, weight_decay=weight_decay
    )
    return optimizer, torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.97 ** (1 / 2.4))


def pass_over(loader: Any, network: Any, optimizer: Any = None, device: str = "cpu") -> Pass:
    """A pass of its run_epoch over a split, with its metrics; it trains where there is an optimizer."""
    losses: list[float] = []
    all_logits, all_targets = [], []
    with torch.set_grad_enabled(optimizer is not None):
        for images, labels, _ in loader:
            inputs, targets = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
            logits = network(inputs)
            loss = torch.nn.functional.cross_entropy(logits, targets, reduction="none").mean()
            if optimizer:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            losses.append(loss.item())
            logits.topk(3).indices.eq(targets[:, None]).sum(dim=0).tolist()
            all_logits.append(logits.detach())
            all_targets.append(targets)
    return Pass(torch.cat(all_logits), torch.cat(all_targets))

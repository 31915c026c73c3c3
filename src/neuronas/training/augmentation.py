"""Augmentation of whole batches on their device. Random numbers come from torch's default generator."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.errors import ConfigurationError


@dataclass(frozen=True)
class Augmentation:
    """Augmentation of training images.

    Attributes:
        kind: ``none``, ``shift`` (random crop after padding by one eighth of the shorter side), ``flip`` (``shift``
            and random horizontal flip), ``autoaugment`` or ``randaugment`` (``flip``, then torchvision's policy).
        border: padding: ``zero``, or ``reflect`` (the image mirrored at its outermost pixels).
        cutout: side in pixels of a square that is set to 0 at a random position (arXiv 1708.04552); 0 disables it.
        mixup: alpha of the beta distribution for mixing pairs of images (arXiv 1710.09412); 0 disables it.

    Raises:
        ConfigurationError: ``kind`` needs torchvision, which is missing or does not match torch.
    """

    kind: str
    border: str = "zero"
    cutout: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        if self.kind in ("autoaugment", "randaugment"):
            _policy(self.kind)

    def pixels(self, images: Tensor) -> Tensor:
        """Augment uint8 images [n, C, H, W]; the result has the same type and shape.

        All time steps of a sequence [n, T, C, H, W] are augmented in the same way.
        """
        if self.kind == "none":
            return images
        flat = _shifted(images.flatten(1, -3), self.border)
        if self.kind != "shift":
            mirrored = torch.rand(len(flat), device=flat.device) < 0.5
            flat = torch.where(mirrored[:, None, None, None], flat.flip(-1), flat)
        images = flat.view(images.shape)
        if self.kind in ("autoaugment", "randaugment"):
            policy = _policy(self.kind)
            images = torch.stack([policy(image) for image in images])
        return images

    def mixed(self, x: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Apply cutout and mixup to normalised images [n, (T,) C, H, W] and their targets [n, n_classes]."""
        if self.cutout:
            x = _blanked(x.flatten(1, -3), self.cutout).view(x.shape)
        if self.mixup:
            share = torch.distributions.Beta(self.mixup, self.mixup).sample().item()
            order = torch.randperm(len(x), device=x.device)
            x = share * x + (1 - share) * x[order]
            targets = share * targets + (1 - share) * targets[order]
        return x, targets


def _shifted(images: Tensor, border: str) -> Tensor:
    n, channels, height, width = images.shape
    margin = max(1, min(height, width) // 8)
    padded = F.pad(images, [margin] * 4) if border == "zero" else _mirrored(images, margin)
    top, left = torch.randint(2 * margin + 1, (2, n), device=images.device)
    rows = top[:, None] + torch.arange(height, device=images.device)
    columns = left[:, None] + torch.arange(width, device=images.device)
    rows = rows[:, None, :, None].expand(n, channels, height, padded.shape[3])
    columns = columns[:, None, None, :].expand(n, channels, height, width)
    return padded.gather(2, rows).gather(3, columns)


def _mirrored(images: Tensor, margin: int) -> Tensor:
    """Pad by reflection; ``F.pad`` supports this for uint8 on CPUs only."""
    for dim in (2, 3):
        last = images.shape[dim] - 1
        at = torch.arange(-margin, last + margin + 1, device=images.device).abs()
        images = images.index_select(dim, last - (last - at).abs())
    return images


def _blanked(x: Tensor, size: int) -> Tensor:
    n, _, height, width = x.shape
    top = torch.randint(height, (n, 1), device=x.device) - size // 2
    left = torch.randint(width, (n, 1), device=x.device) - size // 2
    rows, columns = torch.arange(height, device=x.device), torch.arange(width, device=x.device)
    inside_rows = (rows >= top) & (rows < top + size)
    inside_columns = (columns >= left) & (columns < left + size)
    return x.masked_fill((inside_rows[:, :, None] & inside_columns[:, None, :])[:, None], 0.0)


def _policy(kind: str) -> Any:
    try:
        from torchvision.transforms import v2  # noqa: PLC0415 - an optional package, slow to import
    except (ImportError, RuntimeError) as error:
        raise ConfigurationError(
            f"augment '{kind}' given, which needs torchvision matching torch "
            f"{torch.__version__} ({' '.join(str(error).split())[:80]}); run: pip install torchvision, or choose "
            "augment none, shift or flip"
        ) from error
    if kind == "randaugment":
        return v2.RandAugment()
    return v2.AutoAugment(v2.AutoAugmentPolicy.CIFAR10)

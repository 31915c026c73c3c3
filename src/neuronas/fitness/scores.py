"""Fitness as a pure function of binary spikes: how differently a network answers to different images.

Each LIF layer gives a kernel for each time step; H below is the Hamming distance of two images' patterns, n the number
of neurons. The kernels of all layers and time steps are averaged; fitness is the log of the absolute determinant.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf, nan
from typing import TYPE_CHECKING

from neuronas.fitness.patterns import Patterns

if TYPE_CHECKING:
    from torch import Tensor

_SINGULAR = 1e-12
_EPSILON = 1e-3
"""Added to the expected distance, so that silent layers do not divide by zero (SNASNet's value)."""

Kernel = Callable[[Patterns], "Tensor"]
"""A kernel matrix for each time step: [T, B, B] float64."""


def expected_distance(patterns: Patterns) -> Tensor:
    """Hamming distance that independent spike patterns of these rates would have: [T, B, B]."""
    rates = patterns.rates
    one, other = rates[:, :, None], rates[:, None]
    return patterns.n * (one * (1 - other) + (1 - one) * other)


def sahd(patterns: Patterns) -> Tensor:
    """Sparsity-aware Hamming distance in the paper's form (arXiv 2201.10355, equation 6).

    ``K = n - 0.5 n H / E``: images with unrelated patterns get n / 2.
    """
    return patterns.n - 0.5 * patterns.n * patterns.hamming / (expected_distance(patterns) + _EPSILON)


def sahd_snasnet(patterns: Patterns) -> Tensor:
    """The form that SNASNet's published code computes: ``K = n - 0.5 H / E``. K is then almost of rank one."""
    return patterns.n - 0.5 * patterns.hamming / (expected_distance(patterns) + _EPSILON)


def plain_hamming(patterns: Patterns) -> Tensor:
    """Hamming distance without the correction for sparsity (NASWOT, arXiv 2006.04647): ``K = n - H``."""
    return patterns.n - patterns.hamming


KERNELS: dict[str, Kernel] = {"sahd": sahd, "sahd-snasnet": sahd_snasnet, "hamming": plain_hamming}


def log_determinant(kernel: Tensor) -> float:
    """``log |det K|`` of a symmetric matrix, from its eigenvalues.

    A singular K means that the network answers alike to different images. Its computed determinant would be
    rounding noise, so an eigenvalue below 1e-12 of the largest counts as zero. Twelve digits are kept, so that no
    linear algebra library shows through.

    Args:
        kernel: [B, B] float64, symmetric.

    Returns:
        The logarithm, ``-inf`` if K is numerically singular, ``nan`` if it is not finite.
    """
    import torch

    if not kernel.isfinite().all():
        return nan
    eigenvalues = torch.linalg.eigvalsh(kernel.cpu()).abs()
    if not eigenvalues.min() > _SINGULAR * eigenvalues.max():
        return -inf
    return float(f"{eigenvalues.log().sum().item():.12g}")

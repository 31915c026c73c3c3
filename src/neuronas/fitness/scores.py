"""Kernels of spike patterns: they measure how well a network distinguishes images.

Each LIF layer has one kernel matrix per time step. In the equations, H is the Hamming distance between the spike
patterns of two images and n the number of neurons. Fitness is the logarithm of the absolute determinant of the sum, or
of the mean, of the kernels of all layers and time steps (``measure.KernelMeasure``).
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
"""Added to the expected distance to avoid division by 0 in layers without spikes (SNASNet's value)."""

Kernel = Callable[[Patterns], "Tensor"]
"""A kernel: patterns -> one kernel matrix per time step, [T, B, B] float64."""


def expected_distance(patterns: Patterns) -> Tensor:
    """Expected Hamming distance between independent spike patterns with the same firing rates, [T, B, B] float64."""
    rates = patterns.rates
    one, other = rates[:, :, None], rates[:, None]
    return patterns.n * (one * (1 - other) + (1 - one) * other)


def sahd(patterns: Patterns) -> Tensor:
    """Sparsity-aware Hamming distance as SNASNet prints it (arXiv 2201.10355, equation 6).

    ``K = n - 0.5 n H / E``, where E is the expected distance: for images with independent patterns K is n / 2.
    """
    return patterns.n - 0.5 * patterns.n * patterns.hamming / (expected_distance(patterns) + _EPSILON)


def sahd_snasnet(patterns: Patterns) -> Tensor:
    """The kernel of SNASNet's published code: ``K = n - 0.5 H / E``. It is almost of rank one."""
    return patterns.n - 0.5 * patterns.hamming / (expected_distance(patterns) + _EPSILON)


def hamming(patterns: Patterns) -> Tensor:
    """Hamming distance without the correction for sparsity (NASWOT, arXiv 2006.04647): ``K = n - H``."""
    return patterns.n - patterns.hamming


def log_determinant(kernel: Tensor) -> float:
    """``log |det K|`` of a symmetric matrix, from its eigenvalues.

    K is singular if the network gives the same spikes for different images. The computed determinant would then be
    rounding noise, so K counts as singular if an eigenvalue is at most 1e-12 of the largest. The result is rounded to
    12 significant digits to hide differences between linear algebra libraries.

    Args:
        kernel: K, [B, B] float64, symmetric.

    Returns:
        the logarithm; ``-inf`` if K is numerically singular, ``nan`` if K is not finite.
    """
    import torch

    if not kernel.isfinite().all():
        return nan
    eigenvalues = torch.linalg.eigvalsh(kernel.cpu()).abs()
    if not eigenvalues.min() > _SINGULAR * eigenvalues.max():
        return -inf
    return float(f"{eigenvalues.log().sum().item():.12g}")

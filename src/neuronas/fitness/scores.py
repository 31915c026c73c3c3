"""Fitness as a pure function of binary spikes: how differently a network answers to different images.

For each LIF layer and time step, ``hamming[i, j]`` counts the neurons that answer differently to images i and
j, ``n`` is the number of neurons and ``rates[i]`` the share of them that spikes for image i. The kernels of all
layers and time steps are averaged; fitness is the log of the absolute determinant.
"""

from collections.abc import Callable
from math import inf, nan

import torch
from torch import Tensor

_SINGULAR = 1e-12
_EPSILON = 1e-3
"""Added to the expected distance, so that silent layers do not divide by zero (SNASNet's value)."""

Kernel = Callable[[Tensor, Tensor, int], Tensor]
"""(hamming [B, B], rates [B], n) -> kernel matrix [B, B], all float64."""


def expected_distance(rates: Tensor, n: int) -> Tensor:
    """Hamming distance that independent spike patterns of these rates would have: [B] -> [B, B]."""
    return n * (rates[:, None] * (1 - rates) + (1 - rates[:, None]) * rates)


def sahd(hamming: Tensor, rates: Tensor, n: int) -> Tensor:
    """Sparsity-aware Hamming distance in the paper's form (arXiv 2201.10355, equation 6).

    ``K = n - 0.5 n H / E``: images with unrelated patterns get n / 2.
    """
    return n - 0.5 * n * hamming / (expected_distance(rates, n) + _EPSILON)


def sahd_snasnet(hamming: Tensor, rates: Tensor, n: int) -> Tensor:
    """The form that SNASNet's published code computes: ``K = n - 0.5 H / E``. K is then almost of rank one."""
    return n - 0.5 * hamming / (expected_distance(rates, n) + _EPSILON)


def plain_hamming(hamming: Tensor, rates: Tensor, n: int) -> Tensor:
    """Hamming distance without the correction for sparsity (NASWOT, arXiv 2006.04647): ``K = n - H``."""
    return n - hamming


KERNELS: dict[str, Kernel] = {"sahd": sahd, "sahd-snasnet": sahd_snasnet, "hamming": plain_hamming}


def distances(spikes: Tensor) -> tuple[Tensor, Tensor]:
    """Hamming distances and rates of binary patterns.

    Args:
        spikes: [B, N], values 0 or 1, N below 2^24.

    Returns:
        distances [B, B] (whole numbers) and rates [B], float64.
    """
    spikes = spikes.float()
    counts = spikes.sum(dim=1).double()
    common = (spikes @ spikes.T).double()
    return counts[:, None] + counts - 2 * common, counts / spikes.shape[1]


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
    if not kernel.isfinite().all():
        return nan
    eigenvalues = torch.linalg.eigvalsh(kernel.cpu()).abs()
    if not eigenvalues.min() > _SINGULAR * eigenvalues.max():
        return -inf
    return float(f"{eigenvalues.log().sum().item():.12g}")

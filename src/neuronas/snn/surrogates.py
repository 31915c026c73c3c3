"""Surrogate gradients replace the derivative of a spike, d(spike)/dh, as a function of u = h - v_threshold.

All have the value 1 at the threshold, so that they work with the same learning rate.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


NO_KERNEL = -1


@dataclass(frozen=True)
class Surrogate:
    """One surrogate gradient.

    Attributes:
        code: its number in ``kernels/training.cpp`` and ``snn.lif_triton``; ``NO_KERNEL``: computed by PyTorch.
        slope: the surrogate of d(spike)/dh as a function of u, elementwise.
        source: publication, and the value of its parameter.
    """

    code: int
    slope: "Callable[[Tensor], Tensor]"
    source: str


def _atan(u: "Tensor") -> "Tensor":
    return 1 / (1 + (pi * u) ** 2)


def _sigmoid(u: "Tensor") -> "Tensor":
    s = (4 * u).sigmoid()
    return 4 * s * (1 - s)


def _triangle(u: "Tensor") -> "Tensor":
    return (1 - u.abs()).clamp_min(0)


def _rectangle(u: "Tensor") -> "Tensor":
    return (u.abs() < 0.5).to(u.dtype)


def _fast_sigmoid(u: "Tensor") -> "Tensor":
    return 1 / (1 + 2 * u.abs()) ** 2


BUILTIN: dict[str, Surrogate] = {
    "atan": Surrogate(0, _atan, "Fang et al. 2021, arXiv 2007.05785 (alpha = 2)"),
    "sigmoid": Surrogate(1, _sigmoid, "Zenke and Ganguli 2018, arXiv 1705.11146 (alpha = 4)"),
    "triangle": Surrogate(2, _triangle, "Esser et al. 2016, arXiv 1603.08270"),
    "rectangle": Surrogate(3, _rectangle, "Wu et al. 2018, arXiv 1706.02609 (width 1)"),
    "fast-sigmoid": Surrogate(4, _fast_sigmoid, "Zenke and Vogels 2021, doi 10.1162/neco_a_01367 (slope 2)"),
}

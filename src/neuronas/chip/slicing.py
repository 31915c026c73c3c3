"""Weights with a sign on cells without: bit slices, and the columns that hold them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Columns:
    """The columns that hold the weights of each filter; ``weight = sum over k of factors[k] * levels[..., k]``.

    Attributes:
        levels: of the cells, 0 to 2^bits_per_cell - 1; the weights' shape and, last, K columns.
        factors: digital factor of each column, K of them.
        has_reference: whether the last column is the same in all filters: a crossbar has it once.
    """

    levels: Tensor
    factors: tuple[float, ...]
    has_reference: bool = False


def _differential(codes: Tensor, weight_bits: int, bits_per_cell: int) -> Columns:
    """Positive weights on one set of columns, negative on another (SpikeSim, arXiv 2210.12899).

    A magnitude has weight_bits - 1 bits, so that is what is sliced.
    """
    positive, factors = _sliced(codes.clamp_min(0), weight_bits - 1, bits_per_cell)
    negative, _ = _sliced((-codes).clamp_min(0), weight_bits - 1, bits_per_cell)
    return Columns(torch.cat([positive, negative], dim=-1), (*factors, *(-factor for factor in factors)))


def _offset_binary(codes: Tensor, weight_bits: int, bits_per_cell: int) -> Columns:
    """Offset 2^(weight_bits - 1), and a column of cells that are all on, whose reading is subtracted (ISAAC)."""
    offset = 2 ** (weight_bits - 1)
    levels, factors = _sliced(codes + offset, weight_bits, bits_per_cell)
    largest = 2**bits_per_cell - 1
    reference = torch.full_like(levels[..., :1], largest)
    return Columns(torch.cat([levels, reference], dim=-1), (*factors, -offset / largest), has_reference=True)


def _twos_complement(codes: Tensor, weight_bits: int, bits_per_cell: int) -> Columns:
    """The low weight_bits - 1 bits in slices, and the sign bit on a column of its own."""
    half = 2 ** (weight_bits - 1)
    levels, factors = _sliced(torch.where(codes < 0, codes + half, codes), weight_bits - 1, bits_per_cell)
    largest = 2**bits_per_cell - 1
    sign = (codes < 0).to(levels.dtype).unsqueeze(-1) * largest
    return Columns(torch.cat([levels, sign], dim=-1), (*factors, -half / largest))


SCHEMES: dict[str, Callable[[Tensor, int, int], Columns]] = {
    "differential": _differential,
    "offset-binary": _offset_binary,
    "twos-complement": _twos_complement,
}
"""How weights with a sign are held, by name."""


def columns_of(codes: Tensor, scheme: str, weight_bits: int, bits_per_cell: int) -> Columns:
    """Lay out integer weights.

    Args:
        codes: any shape, -(2^(weight_bits - 1) - 1) to 2^(weight_bits - 1) - 1, float64.
        scheme: one of ``SCHEMES``.
        weight_bits: of the weights.
        bits_per_cell: of a cell.
    """
    return SCHEMES[scheme](codes, weight_bits, bits_per_cell)


def _sliced(values: Tensor, n_bits: int, bits_per_cell: int) -> tuple[Tensor, tuple[float, ...]]:
    """Whole numbers of n_bits as ceil(n_bits / bits_per_cell) digits, lowest first, and the digits' weights."""
    base = 2**bits_per_cell
    n_slices = -(-n_bits // bits_per_cell)
    digits = [(values / base**number).floor().remainder(base) for number in range(n_slices)]
    return torch.stack(digits, dim=-1), tuple(float(base**number) for number in range(n_slices))

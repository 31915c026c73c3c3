"""Representation of signed weights on memory cells, which have no sign: bit slices on several columns."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Columns:
    """The K columns that store the weights of a filter: ``weight = sum over k of factors[k] * levels[..., k]``.

    Attributes:
        levels: levels of the cells, 0 to 2^bits_per_cell - 1, [..., K] for weights of shape [...].
        factors: digital factor of each of the K columns.
        has_reference: whether the last column is a reference column: equal for all filters, and shared by them.
    """

    levels: Tensor
    factors: tuple[float, ...]
    has_reference: bool = False


def _differential(codes: Tensor, weight_bits: int, bits_per_cell: int) -> Columns:
    """Positive weights on one set of columns, negative ones on another (SpikeSim, arXiv 2210.12899).

    Magnitudes of weight_bits - 1 bits are sliced.
    """
    positive, factors = _sliced(codes.clamp_min(0), weight_bits - 1, bits_per_cell)
    negative, _ = _sliced((-codes).clamp_min(0), weight_bits - 1, bits_per_cell)
    return Columns(torch.cat([positive, negative], dim=-1), (*factors, *(-factor for factor in factors)))


def _offset_binary(codes: Tensor, weight_bits: int, bits_per_cell: int) -> Columns:
    """Weights plus 2^(weight_bits - 1); a reference column with all cells on is subtracted (ISAAC, ISCA 2016)."""
    offset = 2 ** (weight_bits - 1)
    levels, factors = _sliced(codes + offset, weight_bits, bits_per_cell)
    largest = 2**bits_per_cell - 1
    reference = torch.full_like(levels[..., :1], largest)
    return Columns(torch.cat([levels, reference], dim=-1), (*factors, -offset / largest), has_reference=True)


def _twos_complement(codes: Tensor, weight_bits: int, bits_per_cell: int) -> Columns:
    """Two's complement: slices of the low weight_bits - 1 bits, and a separate column for the sign bit."""
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
"""Representations of signed weights by name."""


def columns_of(codes: Tensor, scheme: str, weight_bits: int, bits_per_cell: int) -> Columns:
    """Distribute integer weights over columns.

    Args:
        codes: integers from -(2^(weight_bits - 1) - 1) to 2^(weight_bits - 1) - 1, float64, any shape.
        scheme: one of ``SCHEMES``.
        weight_bits: bits of a weight.
        bits_per_cell: bits that one cell stores.
    """
    return SCHEMES[scheme](codes, weight_bits, bits_per_cell)


def _sliced(values: Tensor, n_bits: int, bits_per_cell: int) -> tuple[Tensor, tuple[float, ...]]:
    """Digits of integers of ``n_bits`` bits to the base 2^bits_per_cell, lowest first, and the weight of each digit."""
    base = 2**bits_per_cell
    n_slices = -(-n_bits // bits_per_cell)
    digits = [(values / base**number).floor().remainder(base) for number in range(n_slices)]
    return torch.stack(digits, dim=-1), tuple(float(base**number) for number in range(n_slices))

"""Operations of a layer graph from the parameters of layers of all formats; unsupported parameters raise an error."""

from collections.abc import Sequence
from typing import Literal

from neuronas.space.node_operations import Pool, Weights

UNSUPPORTED = "unsupported; expected a convolution, linear layer, pool, sum, batch normalisation, ReLU or LIF"
Size = int | Sequence[int]


def convolution(
    n_out: int, kernel: Size, stride: Size = 1, padding: Size = 0, dilation: Size = 1, groups: int = 1
) -> Weights:
    """A convolution.

    Raises:
        ValueError: it is dilated, or not square.
    """
    if _same("dilation", dilation) != 1:
        raise ValueError(f"dilation {_same('dilation', dilation)} given; expected 1")
    side, pad = _same("kernel", kernel), _same("padding", padding)
    keeps = side % 2 == 1 and pad == side // 2
    return Weights(n_out, side, _same("stride", stride), groups, False, None if keeps else pad)


def linear(n_out: int) -> Weights:
    """A fully connected layer."""
    return Weights(n_out, normalised=False)


def pooling(
    reduce: Literal["mean", "max"],
    kernel: Size,
    stride: Size,
    padding: Size = 0,
    *,
    ceil: bool = False,
    counts_padding: bool = True,
) -> Pool:
    """Pooling.

    Raises:
        ValueError: windows extend beyond the padding, or a mean excludes the padding.
    """
    pad = _same("padding", padding)
    if ceil:
        raise ValueError("ceil_mode given; expected windows inside the image and its padding")
    if reduce == "mean" and pad and not counts_padding:
        raise ValueError("mean without padding given (count_include_pad is false); expected zeros to count")
    return Pool(_pair(kernel), _pair(stride), pad, reduce)


def _pair(size: Size) -> tuple[int, int]:
    height, width = (size, size) if isinstance(size, int) else size
    return int(height), int(width)


def _same(what: str, size: Size) -> int:
    values = {size} if isinstance(size, int) else set(map(int, size))
    if len(values) != 1:
        raise ValueError(f"{what} {list(size) if not isinstance(size, int) else size} given; expected equal sides")
    return values.pop()

"""Integer convolutions of spikes with quantised weights on CPUs: exact, and faster than float32.

They use oneDNN's uint8 x int8 convolution with int32 sums, through PyTorch (VNNI, AMX, or slower instructions). Codes
of more than 8 bits are split into two signed 8-bit slices.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

MAX_BITS = 14
"""Largest number of bits of a code. More would not be faster than float32."""
_SLICE = 256


class IntegerKernel:
    """A convolution with weights prepared for ``torch.ops.onednn.qconv2d_pointwise``.

    Args:
        codes: [out, in, k, k] int8.
        step: step of the codes, one value or [out]; None: 1.
        stride: stride of the convolution.
        padding: zeros on each side of the image; None: half of the kernel, which keeps the sides.
    """

    def __init__(self, codes: Tensor, step: Tensor | None = None, stride: int = 1, padding: int | None = None):
        n = len(codes)
        self.steps = torch.ones(n) if step is None else step.float().flatten().expand(n).contiguous()
        self.zeros = torch.zeros(n, dtype=torch.int64)
        self.stride, self.padding = [stride] * 2, [codes.shape[-1] // 2 if padding is None else padding] * 2
        self.packed = torch.ops.onednn.qconv_prepack(
            codes, self.steps, 1.0, 0, self.stride, self.padding, [1, 1], 1, None
        )

    def __call__(self, spikes: Tensor) -> Tensor:
        """[n, in, H, W] uint8, channels last -> [n, out, H', W'] float32, channels last."""
        found: Tensor = torch.ops.onednn.qconv2d_pointwise(
            spikes, 1.0, 0, self.packed, self.steps, self.zeros, None,
            self.stride, self.padding, [1, 1], 1, 1.0, 0, torch.float32, "none", [], "",
        )  # fmt: skip
        return found.contiguous(memory_format=torch.channels_last)


@lru_cache
def onednn_works() -> str:
    """Whether the integer convolution is available and exact on this machine: empty if so, otherwise the reason."""
    codes = torch.randint(-127, 128, (8, 5, 3, 3), dtype=torch.int8, generator=torch.Generator().manual_seed(0))
    spikes = (torch.rand(2, 5, 6, 6, generator=torch.Generator().manual_seed(1)) < 0.5).to(torch.uint8)
    try:
        found = IntegerKernel(codes)(spikes.contiguous(memory_format=torch.channels_last))
    except (RuntimeError, AttributeError, TypeError, NotImplementedError) as error:
        return " ".join(str(error).split())[:120]
    expected = F.conv2d(spikes.double(), codes.double(), padding=1)
    return "" if torch.equal(found.double(), expected) else "its results are not exact on this machine"


def serves(x: Tensor, weight_bits: int) -> bool:
    """Whether spikes x are convolved as integers on this machine, for weights of ``weight_bits`` bits."""
    fits = weight_bits <= MAX_BITS and x.device.type == "cpu" and x.dtype == torch.float32
    return fits and not onednn_works()


def spike_convolution(
    spikes: Tensor, weight: Tensor, codes: Tensor, step: Tensor, stride: int, padding: int | None = None
) -> Tensor:
    """Convolve spikes as integers (if ``serves``); the backward pass is that of a float32 convolution.

    Args:
        spikes: [n, in, H, W] float32, 0 or 1.
        weight: [out, in, k, k], equal to ``codes * step``; receives the gradient.
        codes: [out, in, k, k] integers of at most ``MAX_BITS`` bits.
        step: step of the codes, one value or one per output.
        stride: stride of the convolution.
        padding: see ``IntegerKernel``.

    Returns:
        [n, out, H', W'] float32.
    """
    found: Tensor = _SpikeConvolution.apply(spikes, weight, codes, step, stride, padding)  # type: ignore[no-untyped-call]
    return found


class _SpikeConvolution(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, spikes: Tensor, weight: Tensor, codes: Tensor, step: Tensor, stride: int, padding: int | None
    ) -> Tensor:
        ctx.save_for_backward(spikes, weight)
        ctx.stride, ctx.padding = stride, weight.shape[-1] // 2 if padding is None else padding
        x = spikes.to(torch.uint8).contiguous(memory_format=torch.channels_last)
        low = (codes + _SLICE // 2).remainder(_SLICE) - _SLICE // 2
        found = IntegerKernel(low.to(torch.int8), step, stride, padding)(x)
        if torch.equal(low, codes):
            return found
        high = (codes - low) / _SLICE
        return found.add_(IntegerKernel(high.to(torch.int8), step * _SLICE, stride, padding)(x))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None, None, None, None]:
        spikes, weight = ctx.saved_tensors
        padding, needed = [ctx.padding] * 2, [*ctx.needs_input_grad[:2], False]
        x, w, _ = torch.ops.aten.convolution_backward(
            gradients[0], spikes, weight, None, [ctx.stride] * 2, padding, [1, 1], False, [0, 0], 1, needed
        )
        return x, w, None, None, None, None

"""LIF layers for training: all time steps at once with surrogate gradients, in fused kernels on CPU and CUDA."""

import ctypes
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from neuronas.kernels.library import loaded_library, native
from neuronas.kernels.structures import CLif, accepted
from neuronas.snn.lif_cuda import is_fused, lif_backward, lif_forward
from neuronas.snn.neuron import NeuronParameters, lif_step
from neuronas.snn.surrogates import NO_KERNEL, Surrogate

_WORTH_A_THREAD = 2**16
"""Minimum number of values per thread; with fewer, starting a thread takes longer than the work."""


class Lif(nn.Module):
    """LIF layer for sequences; it keeps no state between calls.

    Args:
        neuron: parameters of the neurons.
        surrogate: surrogate gradient of a spike; no gradient flows through the reset.
        timesteps: number of time steps T of the output.
        threshold: firing threshold; None: ``neuron.v_threshold``.
    """

    def __init__(self, neuron: NeuronParameters, surrogate: Surrogate, timesteps: int, threshold: float | None = None):
        super().__init__()
        self.neuron, self.surrogate, self.timesteps = neuron, surrogate, timesteps
        self.threshold = neuron.v_threshold if threshold is None else threshold
        self.observer: Callable[[Tensor], None] | None = None
        """Called with the spikes of all time steps, or with those of one time step."""

    def forward(self, x: Tensor) -> Tensor:
        """[T, ...] (or [1, ...], equal at every time step) -> spikes [T, ...], 0 or 1, of the same type."""
        spikes: Tensor = _Spikes.apply(x, self)  # type: ignore[no-untyped-call]
        if self.observer:
            self.observer(spikes)
        return spikes

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
        """One time step: input and previous potential (None: at rest) -> spikes and new potential in float32."""
        u, v = self.charged(x.float(), v)
        spikes: Tensor = _Spike.apply(u, self.surrogate)  # type: ignore[no-untyped-call]
        spikes = spikes.to(x.dtype)
        if self.observer:
            self.observer(spikes)
        return spikes, v

    def charged(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
        """One time step, see ``lif_step``: input and previous potential -> u and new potential."""
        neuron = self.neuron
        v = torch.full_like(x, neuron.v_reset) if v is None else v
        return lif_step(x, v, neuron.tau, self.threshold, neuron.v_reset, neuron.v_reset)


@contextmanager
def observed(neurons: Mapping[str, Lif], seen: Callable[[str, Tensor], None]) -> Iterator[None]:
    """Call ``seen(name, spikes)`` for each LIF layer of a network that runs in this context."""
    for name, lif in neurons.items():
        lif.observer = partial(seen, name)
    try:
        yield
    finally:
        for lif in neurons.values():
            lif.observer = None


class _Spike(torch.autograd.Function):
    """Heaviside step with a surrogate derivative."""

    @staticmethod
    def forward(ctx: Any, u: Tensor, surrogate: Surrogate) -> Tensor:
        ctx.save_for_backward(u)
        ctx.surrogate = surrogate
        return (u >= 0).to(u.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (u,) = ctx.saved_tensors
        return gradients[0] * ctx.surrogate.slope(u), None


class _Spikes(torch.autograd.Function):
    """All time steps; only the input is stored for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, lif: Lif) -> Tensor:
        x = _dense(x)
        ctx.save_for_backward(x)
        ctx.lif = lif
        if _has_kernel(x):
            # The memory layout of x, even if its strides are ambiguous because the leading dimension is 1.
            spikes = _empty_as(x, lif.timesteps)
            _run_kernel(lif, x, None, spikes)
            return spikes
        return torch.stack([u >= 0 for u in _above_threshold(x, lif)]).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (x,) = ctx.saved_tensors
        lif: Lif = ctx.lif
        gradient = gradients[0]
        if _has_kernel(x) and lif.surrogate.code != NO_KERNEL:
            if _channels_inside(x):
                gradient = gradient.movedim(2, -1).contiguous().movedim(-1, 2)
            else:
                gradient = gradient.contiguous()
            found = torch.empty_like(x)
            _run_kernel(lif, x, gradient, found)
            return found, None
        found_steps: list[Tensor] = []
        dv = torch.zeros_like(x[0], dtype=torch.float32)
        for u, g in zip(reversed(_above_threshold(x, lif)), reversed(gradient.unbind()), strict=True):
            dh = g.float() * lif.surrogate.slope(u) + torch.where(u >= 0, 0.0, dv)
            dv = dh * (1 - 1 / lif.neuron.tau)
            found_steps.append(dh / lif.neuron.tau)
        steps = torch.stack(found_steps[::-1])
        return (steps.sum(dim=0, keepdim=True) if len(x) < lif.timesteps else steps).to(x.dtype), None


def _above_threshold(x: Tensor, lif: Lif) -> list[Tensor]:
    """Potential before the reset minus threshold, for each time step, in float32."""
    found: list[Tensor] = []
    v: Tensor | None = None
    for x_t in x.float().expand(lif.timesteps, *x.shape[1:]):
        u, v = lif.charged(x_t, v)
        found.append(u)
    return found


def _channels_inside(x: Tensor) -> bool:
    """Whether a tensor of shape [T, B, C, H, W] is stored as [T, B, H, W, C]."""
    return x.dim() == 5 and not x.is_contiguous() and x.movedim(2, -1).is_contiguous()


def _empty_as(x: Tensor, timesteps: int) -> Tensor:
    """Uninitialised tensor [T, ...] in the memory layout of x."""
    if not _channels_inside(x):
        return x.new_empty(timesteps, *x.shape[1:])
    return x.new_empty(timesteps, *x.movedim(2, -1).shape[1:]).movedim(-1, 2)


def _dense(x: Tensor) -> Tensor:
    return x if x.is_contiguous() or _channels_inside(x) else x.contiguous()


def _has_kernel(x: Tensor) -> bool:
    return _is_native(x) or is_fused(x.device)


def _run_kernel(lif: Lif, x: Tensor, gradient: Tensor | None, output: Tensor) -> None:
    """Run the forward kernel if ``gradient`` is None, otherwise the backward kernel."""
    if _is_native(x):
        _run_native(lif, x, gradient, output)
    elif gradient is None:
        lif_forward(x, output, lif.neuron, lif.threshold)
    else:
        lif_backward(x, gradient, output, lif.neuron, lif.threshold, lif.surrogate.code)


def _is_native(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.bfloat16) and native().library is not None


def _run_native(lif: Lif, x: Tensor, gradient: Tensor | None, output: Tensor) -> None:
    library, n = loaded_library(), x[0].numel()
    arguments = CLif(
        x.data_ptr(), None if gradient is None else gradient.data_ptr(), output.data_ptr(), lif.timesteps, n,
        lif.neuron.tau, lif.threshold, lif.neuron.v_reset,
        len(x) < lif.timesteps, lif.surrogate.code, x.dtype == torch.bfloat16,
    )  # fmt: skip
    threads = min(torch.get_num_threads(), 1 + n * lif.timesteps // _WORTH_A_THREAD)
    kernel = library.neuronas_lif_forward if gradient is None else library.neuronas_lif_backward
    accepted(kernel(ctypes.byref(arguments), ctypes.c_int32(threads)))

"""Triton kernels for ``snn.lif_cuda``, in a separate module because importing Triton is slow and needs Linux."""

# Arguments in capitals are compile-time constants.

from math import pi

import triton
import triton.language as tl

_PI = tl.constexpr(pi)


@triton.jit
def forward(
    x_ptr,
    spikes_ptr,
    state_ptr,
    n,
    x_stride,
    n_steps,
    tau,
    threshold,
    reset,
    HAS_STATE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """See ``lif_cuda.lif_forward``; ``x_stride``: number of values between two time steps of x."""
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    x_at, spikes_at = x_ptr + at, spikes_ptr + at
    if HAS_STATE:  # noqa: SIM108 - decided when the kernel is compiled
        v = tl.load(state_ptr + at, mask=inside, other=0.0)
    else:
        v = tl.zeros((BLOCK,), tl.float32) + reset
    for _ in range(n_steps):
        x = tl.load(x_at, mask=inside, other=0.0).to(tl.float32)
        h = v + tl.div_rn(x - (v - reset), tl.zeros_like(v) + tau)
        fires = h >= threshold
        tl.store(spikes_at, tl.where(fires, 1.0, 0.0).to(spikes_ptr.dtype.element_ty), mask=inside)
        v = tl.where(fires, reset, h)
        x_at += x_stride
        spikes_at += n
    if HAS_STATE:
        tl.store(state_ptr + at, v, mask=inside)


@triton.jit
def backward(
    x_ptr,
    gradient_ptr,
    found_ptr,
    n,
    x_stride,
    last,
    n_steps,
    tau,
    decay,
    threshold,
    reset,
    IS_CONSTANT: tl.constexpr,
    SURROGATE: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """See ``lif_cuda.lif_backward``; ``last``: offset of the last time step.

    Potentials are recomputed from the first time step for each time step: inputs are cached, so this needs no memory.
    """
    at = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = at < n
    gradient_at, found_at = gradient_ptr + last + at, found_ptr + last + at
    dv = tl.zeros((BLOCK,), tl.float32)
    total = tl.zeros((BLOCK,), tl.float32)
    for back in range(n_steps):
        x_at = x_ptr + at
        v = tl.zeros((BLOCK,), tl.float32) + reset
        h = v
        for _ in range(n_steps - back):
            x = tl.load(x_at, mask=inside, other=0.0).to(tl.float32)
            h = v + tl.div_rn(x - (v - reset), tl.zeros_like(v) + tau)
            v = tl.where(h >= threshold, reset, h)
            x_at += x_stride
        u = h - threshold
        if SURROGATE == 0:  # atan
            slope = 1 / (1 + (_PI * u) * (_PI * u))
        elif SURROGATE == 1:  # sigmoid
            s = tl.sigmoid(4 * u)
            slope = 4 * s * (1 - s)
        elif SURROGATE == 2:  # triangle
            slope = tl.maximum(1 - tl.abs(u), 0.0)
        elif SURROGATE == 3:  # rectangle
            slope = tl.where(tl.abs(u) < 0.5, 1.0, 0.0)
        else:  # fast sigmoid
            tl.static_assert(SURROGATE == 4, "unknown surrogate")
            slope = 1 / ((1 + 2 * tl.abs(u)) * (1 + 2 * tl.abs(u)))
        gradient = tl.load(gradient_at, mask=inside, other=0.0).to(tl.float32)
        dh = gradient * slope + tl.where(u >= 0, 0.0, dv)
        dv = dh * decay
        if IS_CONSTANT:
            total += dh / tau
        else:
            tl.store(found_at, (dh / tau).to(found_ptr.dtype.element_ty), mask=inside)
        gradient_at -= n
        found_at -= n
    if IS_CONSTANT:
        tl.store(found_ptr + at, total.to(found_ptr.dtype.element_ty), mask=inside)

"""LIF neurons on CUDA: all time steps of a neuron in one Triton kernel, forward and backward.

Written plainly, every time step reads and writes potentials and spikes several times; here each input is read once
and each spike written once. The arithmetic is that of ``snn.lif``, operation by operation: divisions are rounded as
IEEE 754 asks for and nothing is contracted, so that spikes are the CPU's.
"""

import subprocess
from functools import lru_cache

import torch
from torch import Tensor

from neuronas.snn.neuron import NeuronParameters

_BLOCK = 1024
"""Neurons of one program."""


@lru_cache
def fused_works(device: torch.device) -> str:
    """Run the kernel once; return why it does not run on a device, empty where it does."""
    if device.type != "cuda":
        return f"made for CUDA, not for {device.type}"
    x = torch.full((2, 4), 1.5, device=device)
    spikes = torch.empty_like(x)
    try:
        lif_forward(x, spikes, NeuronParameters(), 1.0)
    except ImportError as error:
        return f"{error}; pip install triton"
    # Triton compiles at the first use: without a C compiler or Python's headers that fails, in several ways.
    except (RuntimeError, OSError, AttributeError, subprocess.SubprocessError) as error:
        return (
            f"Triton cannot run its kernels here ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        )
    expected = torch.tensor([[0.0], [1.0]], device=device).expand_as(x)
    return "" if torch.equal(spikes, expected) else "Triton's kernel gives wrong spikes here"


def is_fused(device: torch.device) -> bool:
    """Whether the kernels run on a device."""
    return device.type == "cuda" and not fused_works(device)


def lif_forward(
    x: Tensor, spikes: Tensor, neuron: NeuronParameters, threshold: float, state: Tensor | None = None
) -> None:
    """Run neurons over time.

    Args:
        x: [T, ...] inputs, float32 or bfloat16, or [1, ...]: the same at every step; dense, time outermost.
        spikes: [T, ...] of any type and of x's layout, is filled with 0 and 1.
        neuron: parameters.
        threshold: firing threshold.
        state: [...] float32, potentials before the first step; is updated. None: neurons start at rest.
    """
    from neuronas.snn import lif_triton

    n = x[0].numel()
    with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
        lif_triton.forward[(-(-n // _BLOCK),)](
            x, spikes, x if state is None else state, n, _stride(x, spikes), len(spikes),
            neuron.tau, threshold, neuron.v_reset, HAS_STATE=state is not None, BLOCK=_BLOCK, enable_fp_fusion=False,
        )  # fmt: skip


def lif_backward(
    x: Tensor, gradient: Tensor, found: Tensor, neuron: NeuronParameters, threshold: float, surrogate: int
) -> None:
    """Turn the gradient of spikes into that of inputs; potentials are computed again from the inputs.

    Args:
        x: as in ``lif_forward``.
        gradient: [T, ...] of the spikes, in x's layout.
        found: of x's shape, type and layout, is filled.
        neuron: parameters.
        threshold: firing threshold.
        surrogate: ``Surrogate.code``.
    """
    from neuronas.snn import lif_triton

    n = x[0].numel()
    with torch.cuda.device_of(x):  # type: ignore[no-untyped-call]
        lif_triton.backward[(-(-n // _BLOCK),)](
            x, gradient, found, n, _stride(x, gradient), (len(gradient) - 1) * n, len(gradient),
            neuron.tau, 1 - 1 / neuron.tau, threshold, neuron.v_reset,
            IS_CONSTANT=len(x) < len(gradient), SURROGATE=surrogate, BLOCK=_BLOCK, enable_fp_fusion=False,
        )  # fmt: skip


def _stride(x: Tensor, steps: Tensor) -> int:
    """Values from one time step of x to the next: none where x is the same at every step."""
    return 0 if len(x) < len(steps) else x[0].numel()

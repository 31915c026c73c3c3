"""LIF neurons on CUDA: Triton kernels that run all time steps of a neuron, forward and backward.

In plain PyTorch every time step reads and writes potentials and spikes several times; here each input is read once and
each spike written once. The arithmetic is that of ``snn.lif``: divisions are rounded as in IEEE 754 and no fused
multiply-add is used, so that the spikes are equal to those of the CPU.
"""

import subprocess
from functools import lru_cache

import torch
from torch import Tensor

from neuronas.snn.neuron import NeuronParameters

_BLOCK = 1024
"""Number of neurons per Triton program."""


@lru_cache
def fused_works(device: torch.device) -> str:
    """Run the kernel once; return the reason if it does not work on a device, otherwise an empty string."""
    if device.type != "cuda":
        return f"supported on CUDA only; given {device.type}"
    x = torch.full((2, 4), 1.5, device=device)
    spikes = torch.empty_like(x)
    try:
        lif_forward(x, spikes, NeuronParameters(), 1.0)
    except ImportError as error:
        return f"{error}; run: pip install triton"
    # Triton compiles on first use, which raises various errors without a C compiler or Python's headers.
    except (RuntimeError, OSError, AttributeError, subprocess.SubprocessError) as error:
        return (
            f"Triton cannot run its kernels here ({str(error).splitlines()[0] if str(error) else type(error).__name__})"
        )
    expected = torch.tensor([[0.0], [1.0]], device=device).expand_as(x)
    return "" if torch.equal(spikes, expected) else "Triton's kernel gives wrong spikes on this device"


def is_fused(device: torch.device) -> bool:
    """Whether the kernels run on a device."""
    return device.type == "cuda" and not fused_works(device)


def lif_forward(
    x: Tensor, spikes: Tensor, neuron: NeuronParameters, threshold: float, state: Tensor | None = None
) -> None:
    """Run LIF neurons over all time steps.

    Args:
        x: inputs [T, ...], or [1, ...] if equal at every time step; float32 or bfloat16, dense, with time outermost.
        spikes: output [T, ...] of any type, in the memory layout of x; filled with 0 and 1.
        neuron: parameters of the neurons.
        threshold: firing threshold.
        state: potentials [...] float32 before the first time step; updated in place. None: neurons start at rest.
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
    """Compute the gradient of the inputs from that of the spikes; potentials are recomputed from the inputs.

    Args:
        x: as in ``lif_forward``.
        gradient: gradient of the spikes [T, ...], in the memory layout of x.
        found: output: gradient of x, of its shape, type and memory layout.
        neuron: parameters of the neurons.
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
    """Number of values between two time steps of x; 0 if x is equal at every time step."""
    return 0 if len(x) < len(steps) else x[0].numel()

"""Selects the fastest back end that this machine supports, and describes which faster ones are not available."""

from dataclasses import dataclass

import torch

from neuronas.fitness.engine import int8
from neuronas.fitness.engine.backend import Backend
from neuronas.fitness.engine.native.backend import NativeBackend
from neuronas.fitness.engine.torch_backend import TorchBackend
from neuronas.kernels.library import native
from neuronas.snn.lif_cuda import fused_works, is_fused
from neuronas.snn.neuron import NeuronParameters


@dataclass(frozen=True)
class Kernels:
    """Description of the kernels of a machine.

    Attributes:
        chosen: the selected back end.
        missing: faster kernels that are not available, with the reason, fastest first.
    """

    chosen: str
    missing: tuple[str, ...]


def select_backend(neuron: NeuronParameters, device: torch.device, threads: int, memory_limit_bytes: int) -> Backend:
    """Return the fastest back end. All back ends give the same spikes.

    Args:
        neuron: parameters of the LIF neurons.
        device: CPU or CUDA device.
        threads: number of CPU threads.
        memory_limit_bytes: limit for memory that the back end keeps for reuse.
    """
    if device.type != "cpu":
        return TorchBackend(neuron, device, has_integers=int8.available(device), is_fused=is_fused(device))
    found = native()
    if found.library is None:
        return TorchBackend(neuron, device)
    return NativeBackend(found, neuron, threads, memory_limit_bytes)


def describe_kernels(device: torch.device) -> Kernels:
    """Describe the kernels that a search on a device uses, and why faster ones are not available."""
    backend = select_backend(NeuronParameters(), device, torch.get_num_threads(), 0)
    origin = native().origin if isinstance(backend, NativeBackend) else None
    chosen = f"{backend.name}, {origin}" if origin else backend.name
    return Kernels(chosen, tuple(_missing_on_cpu() if device.type == "cpu" else _missing_on_gpu(device)))


def _missing_on_gpu(device: torch.device) -> list[str]:
    missing = []
    if not int8.available(device):
        missing.append("int8 matrix products: not supported by this version of torch or this device")
    if reason := fused_works(device):
        missing.append(f"fused neurons: {reason}")
    return missing


def _missing_on_cpu() -> list[str]:
    found = native()
    return [f"native kernels: {found.reason}"] if found.library is None else []

"""Selects the fastest back end that this machine supports, and describes which faster ones are not available."""

from dataclasses import dataclass

import torch

from neuronas.fitness.engine import int8
from neuronas.fitness.engine.backend import Backend
from neuronas.fitness.engine.native.backend import NativeBackend
from neuronas.fitness.engine.native.convolution import Convolve, OneDnnConvolve, TileConvolve
from neuronas.fitness.engine.torch_backend import TorchBackend
from neuronas.kernels.library import Instructions, native
from neuronas.snn.integer_convolution import onednn_works
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


def select_backend(
    neuron: NeuronParameters, device: torch.device, max_kernel: int, threads: int, memory_limit_bytes: int
) -> Backend:
    """Return the fastest back end. All back ends give the same spikes.

    Args:
        neuron: parameters of the LIF neurons.
        device: CPU or CUDA device.
        max_kernel: side of the largest convolution kernel of the space.
        threads: number of CPU threads.
        memory_limit_bytes: limit for memory that the back end keeps for reuse.
    """
    if device.type != "cpu":
        return TorchBackend(neuron, device, has_integers=int8.available(device), is_fused=is_fused(device))
    found = native()
    if found.library is None:
        return TorchBackend(neuron, device)
    if found.instructions:
        convolve: Convolve = TileConvolve(found.library, found.instructions[0], max_kernel)
    elif not onednn_works():
        convolve = OneDnnConvolve(found.library)
    else:
        return TorchBackend(neuron, device)
    return NativeBackend(found.library, convolve, neuron, threads, memory_limit_bytes)


def describe_kernels(device: torch.device) -> Kernels:
    """Describe the kernels that a search on a device uses, and why faster ones are not available."""
    backend = select_backend(NeuronParameters(), device, 3, torch.get_num_threads(), 0)
    return Kernels(backend.name, tuple(_missing_on_cpu() if device.type == "cpu" else _missing_on_gpu(device)))


def _missing_on_gpu(device: torch.device) -> list[str]:
    missing = []
    if not int8.available(device):
        missing.append("int8 matrix products: not supported by this version of torch or this device")
    if reason := fused_works(device):
        missing.append(f"fused neurons: {reason}")
    return missing


def _missing_on_cpu() -> list[str]:
    found = native()
    missing = []
    if found.library is None:
        missing.append(f"native kernels: {found.reason}")
    else:
        for better in Instructions:
            if better in found.instructions:
                break
            missing.append(f"{better.label} int8 convolution: not supported by this processor or operating system")
    if not found.instructions and (reason := onednn_works()):
        missing.append(f"oneDNN int8 convolution: {reason}")
    return missing

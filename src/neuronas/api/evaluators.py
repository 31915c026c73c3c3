"""From a plan to what computes fitness: images, weights, kernels. Torch is imported here and not before."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil

from neuronas.api.compose import Plan
from neuronas.api.devices import device_named, fetch
from neuronas.errors import ConfigurationError
from neuronas.fitness.evaluator import Evaluator
from neuronas.search.screening import Evaluators
from neuronas.space.operations import OPERATIONS

if TYPE_CHECKING:
    import torch

_SHARE_OF_FREE_MEMORY = 0.5


def make_evaluators(run: Plan, *, download: bool) -> Evaluators:
    """Read the images and make the evaluators of a search.

    Args:
        run: the settings.
        download: fetch the data set if it is missing.

    Raises:
        ConfigurationError: no such device.
        DataError: images are missing, too few, or broken.
    """
    try:
        device = device_named(run.config.device)
        batches = _batches(run, download=download).to(device)
        make = _maker(run, device)
    except ImportError as error:
        raise ConfigurationError(f"{error}; run 'neuronas doctor' to see what is missing") from error
    fitness = run.config.fitness
    small = fitness.screen_batch_size
    if fitness.exact or fitness.screen_keep == 1 or batches.shape[1] < 4 * small:
        return Evaluators(make(batches))  # a screen would save next to nothing
    return Evaluators(make(batches), make(batches[:1, :small]), fitness.screen_keep)


def _batches(run: Plan, *, download: bool) -> "torch.Tensor":
    from neuronas.data.batches import search_batches
    from neuronas.data.datasets import load

    data, fitness = run.config.data, run.config.fitness
    if download:
        fetch(data)
    source = load(data.name, "train", data.data_dir, run.shape.image_side)
    size = fitness.batch_size or run.preset.batch_size
    return search_batches(
        source, size, fitness.n_batches, run.config.seed, run.preset.mean, run.preset.std, data.skip_corrupt
    )


def _maker(run: Plan, device: "torch.device") -> Callable[["torch.Tensor"], Evaluator]:
    """What makes an evaluator for batches; all of them share one backend and its memory."""
    import torch

    from neuronas.fitness.engine.evaluator import EngineEvaluator
    from neuronas.fitness.engine.select import select_backend
    from neuronas.fitness.reference import ReferenceEvaluator
    from neuronas.snn.neuron import NeuronParameters
    from neuronas.snn.weights import WeightSource

    network, name = run.config.network, run.config.fitness.name
    weights = WeightSource(run.config.seed, network.weight_bits, network.rounding)
    neuron = NeuronParameters(network.tau, network.v_threshold, network.v_reset)
    if run.config.engine.name == "reference":
        return lambda batches: ReferenceEvaluator(batches, run.shape, weights, neuron, network.timesteps, name)
    limit = run.config.engine.memory_limit_gib
    free = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else psutil.virtual_memory().available
    limit_bytes = int(limit * 2**30 if limit else free * _SHARE_OF_FREE_MEMORY)
    max_kernel = max(OPERATIONS[operation].kernel for operation in (*run.space.operations, "conv_3x3"))
    backend = select_backend(neuron, device, max_kernel, torch.get_num_threads(), limit_bytes)
    return lambda batches: EngineEvaluator(
        batches, run.shape, weights, network.timesteps, name, backend, limit_bytes, network.v_threshold
    )

"""From a plan to the evaluators of fitness: images, weights, kernels. Torch is imported here, not earlier."""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from neuronas.api.setup.devices import device_named, missing
from neuronas.api.setup.images import prepare_images
from neuronas.api.setup.plan import Plan
from neuronas.data.datasets import check_described
from neuronas.fitness.evaluator import Evaluator
from neuronas.machine import memory
from neuronas.runs.work import Work
from neuronas.search.screening import Evaluators

if TYPE_CHECKING:
    import torch

    from neuronas.snn.weights import WeightSource

_SHARE_OF_GPU_MEMORY = 0.5
"""Share of the free memory of a GPU."""


@dataclass(frozen=True)
class Setup:
    """The evaluators of fitness in this process.

    Attributes:
        evaluators: evaluators of a search.
        computes: device type and digest of the images; if they are equal, so is every fitness.
    """

    evaluators: Evaluators
    computes: str


def make_evaluators(run: Plan, scan: Work | None, *, download: bool) -> Evaluators:
    """Read the images and build the evaluators of a search.

    Args:
        run: settings.
        scan: see ``prepare_images``; None: only the images of the batches are read, and nothing is downloaded.
        download: download the data set if it is missing.

    Raises:
        ConfigurationError: the device is not available.
        DataError: images are missing, too few, or damaged.
    """
    if scan is not None:
        prepare_images(run, scan, download=download)
    return make_setup(run).evaluators


def make_setup(
    run: Plan,
    memory_limit_bytes: int | None = None,
    cuda_device: int | None = None,
    images: "torch.Tensor | None" = None,
) -> Setup:
    """See ``make_evaluators``.

    Args:
        run: settings.
        memory_limit_bytes: memory limit on the CPU instead of the one in the settings.
        cuda_device: index of the CUDA device, if there are several.
        images: see ``search_images``; None: they are read here.
    """
    try:
        from neuronas.data.batches import first_images

        device = device_named(run.config.device, cuda_device)
        batches = (search_images(run) if images is None else images).to(device)
        make = _maker(run, device, memory_limit_bytes)
    except ImportError as error:
        raise missing(error) from error
    digest = blake2b(batches.cpu().numpy().tobytes(), digest_size=8).hexdigest()
    small = run.config.fitness.screen_batch_size
    screen = make(first_images(batches, small)) if run.config.fitness.has_screen else None
    return Setup(evaluators_of(run, make(batches), screen), f"images {digest} on {device.type}")


def evaluators_of(run: Plan, full: Evaluator, screen: Evaluator | None) -> Evaluators:
    """The evaluators of a search, with the fraction of survivors from the settings."""
    return Evaluators(full) if screen is None else Evaluators(full, screen, run.config.fitness.screen_keep)


def search_images(run: Plan) -> "torch.Tensor":
    """Draw the images on which fitness is computed, normalised: see ``data.batches.search_batches``.

    Raises:
        DataError: images are missing, too few, or damaged.
    """
    from neuronas.data.batches import search_batches

    data, fitness = run.config.data, run.config.fitness
    check_described(data, run.dataset)  # which images are drawn depends on the order of the classes
    source = run.dataset.load("train", run.shape.image_size)
    return search_batches(
        source,
        fitness.batch_size,
        fitness.n_batches,
        run.config.seed,
        data.mean,
        data.std,
        data.skip_corrupt,
    )


def _maker(run: Plan, device: "torch.device", limit_bytes: int | None) -> Callable[["torch.Tensor"], Evaluator]:
    """Factory of evaluators for batches; all of them share one backend and its memory."""
    import torch

    from neuronas.snn.neuron import NeuronParameters

    network = run.config.network
    neuron = NeuronParameters(network.tau, network.v_threshold, network.v_reset)
    if run.config.engine.name == "reference":
        from neuronas.fitness.reference import ReferenceEvaluator

        return _on_chips(
            run,
            lambda weights, batches: ReferenceEvaluator(
                batches, run.fitness_shape, weights, neuron, network.timesteps, run.measure
            ),
        )
    from neuronas.fitness.engine.evaluator import EngineEvaluator
    from neuronas.fitness.engine.select import select_backend

    if device.type == "cuda":
        limit_bytes = _limit_bytes(run, int(torch.cuda.mem_get_info(device)[0] * _SHARE_OF_GPU_MEMORY))
    elif limit_bytes is None:
        limit_bytes = machine_limit_bytes(run)
    backend = select_backend(neuron, device, torch.get_num_threads(), limit_bytes)
    return _on_chips(
        run,
        lambda weights, batches: EngineEvaluator(
            batches,
            run.fitness_shape,
            weights,
            network.timesteps,
            run.measure,
            backend,
            limit_bytes,
            network.v_threshold,
        ),
    )


def _on_chips(
    run: Plan, make: "Callable[[WeightSource, torch.Tensor], Evaluator]"
) -> "Callable[[torch.Tensor], Evaluator]":
    """Evaluator of the quantised network or, with ``chip_fitness``, of the networks as simulated chips hold them."""
    from neuronas.snn.weights import WeightSource

    network, fitness = run.config.network, run.config.fitness
    drawn = WeightSource(run.config.seed, network.weight_bits, network.rounding)
    if not fitness.chip_fitness:
        return lambda batches: make(drawn, batches)
    from neuronas.chip.chip_model import chip_model
    from neuronas.chip.chip_weights import WITHOUT, ChipWeights
    from neuronas.fitness.evaluator import MeanEvaluator

    model = chip_model(run.accelerator, run.config.hardware.accelerator, network.weight_bits).without(WITHOUT)
    chips = [
        ChipWeights(drawn.seed, drawn.weight_bits, drawn.rounding, model=model, chip=number)
        for number in range(fitness.chips if model.is_random else 1)
    ]
    return lambda batches: MeanEvaluator([make(weights, batches) for weights in chips])


def machine_limit_bytes(run: Plan) -> int:
    """Limit on the main memory of one engine, or of all engines on this machine together."""
    return _limit_bytes(run, memory().for_work)


def _limit_bytes(run: Plan, default: int) -> int:
    limit = run.config.engine.memory_limit_gib
    return int(limit * 2**30) if limit else default

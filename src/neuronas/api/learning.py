"""From a plan to the training of one architecture, for ``train`` and for the finalists of a search."""

from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.api.plan import Plan
from neuronas.api.teacher import TeacherRun
from neuronas.config import distinct_bits
from neuronas.errors import ConfigurationError
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    from neuronas.training.distributed import Process
    from neuronas.training.images import Images, Split
    from neuronas.training.loop import Trainer


def begin_training(
    run: Plan,
    architecture: Architecture,
    images: "Images",
    split: "Split",
    directory: Path,
    identity: str,
    process: "Process",
    teacher: TeacherRun | None,
    *,
    resume: bool,
) -> "Trainer":
    """Build the network of an architecture, and prepare its training; see ``neuronas.training.begin.begin``.

    Args:
        run: settings of network, training and chip.
        architecture: architecture to train.
        images: images of the training split of the data set.
        split: division of these images into training and validation.
        directory: folder for checkpoints and metrics.
        identity: digest of everything that determines the result of the training.
        process: current process of a distributed training.
        teacher: run whose class probabilities are learned besides the labels.
        resume: continue from the last checkpoint if there is one.

    Raises:
        ConfigurationError: settings cannot be combined.
        NeuronasError: see ``begin``.
    """
    from neuronas.training.begin import begin
    from neuronas.training.build import make_classifier

    settings, noise = run.config.train, _weight_noise(run)
    network = make_classifier(architecture, run.shape, run.config.network, settings, process.device, noise)
    loaded = teacher.load(process.device) if teacher is not None else None
    return begin(network, settings, images, split, directory, identity, process, resume=resume, teacher=loaded)


def _weight_noise(run: Plan) -> dict[int, tuple[float, ...]]:
    """Noise on the weights during training, by bits: write variation ``chip_noise`` on the run's accelerator."""
    from neuronas.chip.chip_model import chip_model
    from neuronas.chip.chip_weights import weight_noise

    settings, network = run.config.train, run.config.network
    if not settings.chip_noise:
        return {}
    if settings.quantise == "after":
        raise ConfigurationError("chip_noise given with quantise after; a chip's cells hold rounded weights: use aware")
    model = chip_model(run.accelerator, run.config.hardware.accelerator, network.weight_bits)
    return {bits: weight_noise(model, bits, settings.chip_noise) for bits in distinct_bits(network.weight_bits)}

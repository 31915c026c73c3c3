"""From a plan to the training of one architecture, for ``train`` and for the finalists of a search."""

from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.api.setup.plan import Plan
from neuronas.api.training.teacher import TeacherRun
from neuronas.config import distinct_bits, is_there
from neuronas.errors import ConfigurationError
from neuronas.runs.directory import CHECKPOINTS
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
    """Build the network of an architecture, and prepare its training in a directory, with checkpoints and metrics.

    Args:
        run: settings of network, training and chip.
        architecture: architecture to train.
        images: images of the training split of the data set.
        split: division of these images into training and validation.
        directory: folder for checkpoints and metrics.
        identity: digest of everything that affects the trained weights; checkpoints with another digest are rejected.
        process: current process of a distributed training.
        teacher: run whose class probabilities are learned besides the labels.
        resume: continue from the last checkpoint if there is one.

    Raises:
        ConfigurationError: settings cannot be combined.
        VerificationError: the checkpoint is damaged, or belongs to another training or another teacher.
        DataError: there are fewer training images than one batch.
    """
    from neuronas.training.build import make_classifier
    from neuronas.training.checkpoint import LAST
    from neuronas.training.loop import Trainer
    from neuronas.training.metrics import Metrics
    from neuronas.training.state import State

    settings, noise = run.config.train, _weight_noise(run)
    network = make_classifier(architecture, run.shape, run.config.network, settings, process.device, noise)
    loaded = teacher.load(process.device) if teacher is not None else None
    state = State(network, settings, identity, loaded.digest if loaded is not None else None)
    folder = directory / CHECKPOINTS
    if resume and is_there(folder / LAST):
        state.load(folder / LAST)
    metrics = Metrics(directory, state.progress.epoch, tensorboard=settings.tensorboard, writes=process.rank == 0)
    return Trainer(state, images, split, folder, metrics, process, loaded)


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

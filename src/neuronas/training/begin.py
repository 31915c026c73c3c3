"""Creates the trainer of a network, with checkpoints and metrics in a run directory."""

from pathlib import Path

from neuronas.config import TrainConfig, is_there
from neuronas.runs.directory import CHECKPOINTS
from neuronas.snn.classifier import Classifier
from neuronas.training.checkpoint import LAST
from neuronas.training.distributed import Process
from neuronas.training.images import Images, Split
from neuronas.training.loop import Trainer
from neuronas.training.metrics import Metrics
from neuronas.training.state import State
from neuronas.training.teacher import Teacher


def begin(
    network: Classifier,
    settings: TrainConfig,
    images: Images,
    split: Split,
    directory: Path,
    identity: str,
    process: Process,
    *,
    resume: bool,
    teacher: Teacher | None = None,
) -> Trainer:
    """Prepare the training of a network in a run directory, with checkpoints and metrics.

    Args:
        network: the network with its initial weights.
        settings: resolved settings of training.
        images: all images of the training split of the data set.
        split: which of them are used for training and which for validation.
        directory: the run directory.
        identity: digest of everything that affects the trained weights; checkpoints with another digest are rejected.
        process: the current process of a distributed training.
        resume: resume from the last checkpoint if there is one.
        teacher: trained network for knowledge distillation.

    Raises:
        VerificationError: the checkpoint is damaged, or belongs to another training or another teacher.
        DataError: there are fewer training images than one batch.
    """
    state = State(network, settings, identity, teacher.digest if teacher is not None else None)
    folder = directory / CHECKPOINTS
    if resume and is_there(folder / LAST):
        state.load(folder / LAST)
    metrics = Metrics(directory, state.progress.epoch, tensorboard=settings.tensorboard, writes=process.rank == 0)
    return Trainer(state, images, split, folder, metrics, process, teacher)

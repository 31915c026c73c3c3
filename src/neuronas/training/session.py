"""One training, from where its checkpoints stand to its end."""

from pathlib import Path

from neuronas.config import TrainConfig, is_there
from neuronas.snn.classifier import Classifier
from neuronas.training.checkpoint import FOLDER, LAST
from neuronas.training.distributed import Process
from neuronas.training.images import Images, Split
from neuronas.training.loop import Trainer
from neuronas.training.metrics import Metrics
from neuronas.training.state import State


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
) -> Trainer:
    """Make ready to train a network in a run directory, with checkpoints and metrics.

    Args:
        network: with its first weights.
        settings: resolved.
        images: training images.
        split: which of them train and which validate.
        directory: of the run.
        identity: of everything that decides what is learned; a checkpoint of another training is refused.
        process: this process among those that train together.
        resume: go on from the last checkpoint if there is one.

    Raises:
        VerificationError: the checkpoint is damaged or belongs to another training.
        DataError: fewer training images than one batch.
    """
    state = State(network, settings, identity)
    folder = directory / FOLDER
    if resume and is_there(folder / LAST):
        state.load(folder / LAST)
    metrics = Metrics(directory, state.progress.epoch, tensorboard=settings.tensorboard, writes=process.rank == 0)
    return Trainer(state, images, split, folder, metrics, process)

"""The trained run that a training learns from (``train.teacher``)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import planned
from neuronas.config import as_path
from neuronas.errors import ConfigurationError, RunDirectoryError
from neuronas.runs.architectures import read_architecture_of
from neuronas.space.genotype import Architecture

if TYPE_CHECKING:
    import torch

    from neuronas.training.teacher import Teacher

_SAME = (
    ("classes", lambda run: run.dataset.class_names or run.shape.n_classes),
    ("image channels", lambda run: run.shape.image_channels),
    ("image size", lambda run: run.shape.image_size),
    ("sequences of images", lambda run: run.shape.sequence),
    ("mean", lambda run: tuple(run.config.data.mean)),
    ("standard deviation", lambda run: tuple(run.config.data.std)),
)
"""Properties of the input that a teacher and its student must share."""


@dataclass(frozen=True)
class TeacherRun:
    """A run whose network is the teacher.

    Attributes:
        directory: run directory.
        architecture: architecture of the teacher.
        plan: settings of the run.
        share: weight of its class probabilities in the targets.
        digest: digest of its best weights and of their training; independent of the directory.
    """

    directory: Path
    architecture: Architecture
    plan: Plan
    share: float
    digest: str

    def load(self, device: "torch.device") -> "Teacher":
        """The teacher network with its best weights.

        Raises:
            RunDirectoryError: its weights have changed since.
            VerificationError: its checkpoint is damaged.
        """
        from neuronas.training.build import load_trained
        from neuronas.training.checkpoint import best_digest
        from neuronas.training.teacher import Teacher

        config = self.plan.config
        trained = load_trained(
            self.directory, self.architecture, self.plan.shape, config.network, config.train, device, precision="auto"
        )
        if best_digest(self.directory) != self.digest:
            raise RunDirectoryError(
                f"teacher {self.directory}: its weights changed while this training was prepared; wait for the end of "
                "the teacher's training, then start again"
            )
        return Teacher(trained.network, self.share, self.digest)


def teacher_of(run: Plan) -> TeacherRun | None:
    """The teacher of a training; None: training on the labels only.

    Raises:
        ConfigurationError: it was trained on other images or classes.
        RunDirectoryError: the run does not exist, or was not trained.
        VerificationError: its settings or its checkpoint are damaged.
    """
    settings = run.config.train
    if settings.teacher is None:
        return None
    from neuronas.training.checkpoint import best_digest

    directory = as_path(settings.teacher)
    if not directory.is_dir():
        raise RunDirectoryError(
            f"train.teacher {directory} given, which is not a directory; expected the directory of a trained run: "
            "if it was moved, give its new place with --teacher"
        )
    given = read_architecture_of(directory)
    plan = planned("evaluate", {}, run=given.run)
    for name, read in _SAME:
        if (theirs := read(plan)) != (ours := read(run)):
            raise ConfigurationError(
                f"teacher {directory} was trained with {name} {theirs}, this training has {ours}; expected a run with "
                "the same"
            )
    return TeacherRun(directory, given.architecture, plan, settings.teacher_share, best_digest(directory))

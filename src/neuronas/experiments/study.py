"""Experiments as data: descriptions, sizes, and the documents that they write."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from neuronas.config import value_at
from neuronas.experiments.figures import Figure, markdown
from neuronas.runs.costs import Budgeted
from neuronas.runs.document import Document, Share
from neuronas.runs.environment import Machine

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

Scale = Literal["small", "medium", "full"]
_DATASET = "cifar10"
Settings = Mapping[str, Any]
"""Values of a run's settings, nested as in its YAML file."""


class Experiment(Document):
    """Description of an experiment.

    Attributes:
        shows: purpose, as listed by ``neuronas reproduce --list``.
        needs: required images and devices.
        takes: time at each scale.
        source: the figure or table that it reproduces; empty if there is none.
    """

    shows: str
    needs: str
    takes: str
    source: str = ""

    def line(self) -> dict[str, str]:
        """Entry of the list."""
        return {"shows": self.shows, "needs": self.needs, "takes": self.takes}


class Experiments(Document):
    """``experiments.json``: description of each experiment, by name."""

    experiments: dict[str, Experiment]


@cache
def experiments() -> dict[str, Experiment]:
    """Descriptions of all experiments, from the file in the package."""
    return Experiments.packaged(__package__, "experiments.json").experiments


class Size(Document):
    """Size of an experiment.

    Attributes:
        settings: settings of every run; cases change them.
        n_seeds: number of repetitions, each with its own seed.
        n_training: number of training images of a run, including validation images; null: all.
        n_test: number of test images, the same for all runs; null: all.
        engines: fitness engines, if these are timed.
    """

    settings: dict[str, Any]
    n_seeds: int
    n_training: int | None = None
    n_test: int | None = None
    engines: tuple[str, ...] = ("fast",)


class SearchPiece(Budgeted):
    """A search of a study. Costs are those of the run's cost model and precision."""

    case: str
    piece: Literal["search"] = "search"
    seed: int
    architecture: str
    fitness: float
    memory_bits: int
    n_candidates: int
    n_evaluated: int
    seconds: float


def effort(case: str, found: Sequence[SearchPiece]) -> Iterable[Figure]:
    """Effort of the searches of a case, one per seed."""
    yield Figure.of(case, "candidates", [one.n_candidates for one in found])
    yield Figure.of(case, "evaluated", [one.n_evaluated for one in found])
    yield Figure.of(case, "search, s", [one.seconds for one in found])


class TrainingPiece(Document):
    """A training of a study. The epoch is chosen on validation images; test images are used once, after that.

    Attributes:
        epoch: epoch whose weights are used.
        test_accuracy: test accuracy by weight bits (32: full precision); rounded afterwards if not the trained bits.
        seconds: time of the training.
    """

    case: str
    piece: Literal["train"] = "train"
    seed: int
    epoch: int
    validation_accuracy: Share | None
    test_accuracy: dict[str, Share]
    seconds: float


class StudyResult(Document):
    """``results/NAME-SCALE.json``: every figure of a study, and the searches and trainings behind them.

    Attributes:
        compared_with: data set of the paper whose figures are given as ``published``: the study's own, or CIFAR-10 for
            images that the papers do not use.
        deviations: a sentence for each difference from the paper.
        remarks: a sentence for each conclusion from the figures.
    """

    experiment: str
    scale: Scale
    source: str
    shows: str
    dataset: str
    seeds: tuple[int, ...]
    size: Size
    compared_with: str
    figures: tuple[Figure, ...]
    deviations: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    command: str
    machine: Machine
    pieces: tuple[SearchPiece | TrainingPiece, ...]

    @property
    def table(self) -> str:
        """The figures as a table in Markdown."""
        return markdown(self.figures)


SMALL = Size(
    settings={
        "data": {"image_side": 16},
        "network": {"channels": 8, "timesteps": 2, "head": "gap"},
        "fitness": {"batch_size": 32},
        "search": {"n_draws": 300},
        "train": {
            "recipe": "default",
            "epochs": 10,
            "batch_size": 32,
            "ema": 0.98,
            "warmup_epochs": 1.0,
            "augment": "shift",
            "precision": "float32",
        },
    },
    n_seeds=3,
    n_training=2000,
    n_test=5000,
)
"""Images of 16x16 pixels, 8/16 channels, two time steps, 2,000 training images: a training takes less than a minute on
one thread. Everything else is as at full scale except the head, whose linear layers would dominate such a network."""

MEDIUM = Size(
    settings={
        "data": {"image_side": 32},
        "network": {"channels": 32, "timesteps": 2, "head": "gap"},
        "search": {"n_draws": 1000},
        "train": {"recipe": "default", "epochs": 5, "ema": 0.99, "warmup_epochs": 0.5},
    },
    n_seeds=5,
)
"""Between the other sizes: all images, of 32x32 pixels, 32/64 channels, two time steps, five epochs. A training on
CIFAR-10 takes about two hours on one core without matrix instructions, and a minute or two on a GPU."""

FULL = Size(
    settings={"search": {"n_draws": 5000}},
    n_seeds=3,
)
"""As published: 128/256 channels, five time steps, batches of 256 for fitness, all images, 200 epochs; five or more
runs would be better statistics, but one takes hours on a GPU."""

SIZES: Mapping[Scale, Size] = {"small": SMALL, "medium": MEDIUM, "full": FULL}


def with_seeds(n: int) -> dict[Scale, Size]:
    """Every size with a different number of repetitions."""
    return {scale: size.model_copy(update={"n_seeds": n}) for scale, size in SIZES.items()}


@dataclass(frozen=True)
class Study:
    """An experiment of searches and trainings over seeds.

    Attributes:
        name: name in ``neuronas reproduce``.
        run: runs the study and yields its figures, including published values.
        sizes: sizes by scale.
        trains: whether it trains networks, and so needs a GPU at full scale.
        remarks: returns a sentence for each conclusion from the figures.
    """

    name: str
    run: "Callable[[Pieces], Iterable[Figure]]"
    sizes: Mapping[Scale, Size] = field(default_factory=lambda: SIZES)
    trains: bool = True
    remarks: Callable[[Sequence[Figure]], tuple[str, ...]] = lambda _: ()

    def dataset(self, scale: Scale) -> str:
        """Default data set of a scale."""
        return str(value_at(self.sizes[scale].settings, "data.name") or _DATASET)

    @property
    def about(self) -> Experiment:
        """Description of the study."""
        return experiments()[self.name]

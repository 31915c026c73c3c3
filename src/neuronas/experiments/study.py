"""What an experiment is, as data: what it shows, its sizes, and the document that it leaves."""

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
    """What is said of an experiment.

    Attributes:
        shows: its line in ``neuronas reproduce --list``.
        needs: images and devices.
        takes: time, at each scale.
        source: the figure or table that it repeats; empty where there is none.
    """

    shows: str
    needs: str
    takes: str
    source: str = ""

    def line(self) -> dict[str, str]:
        """What the list says."""
        return {"shows": self.shows, "needs": self.needs, "takes": self.takes}


class Experiments(Document):
    """``experiments.json``: what is said of each experiment, by name."""

    experiments: dict[str, Experiment]


@cache
def experiments() -> dict[str, Experiment]:
    """All experiments, as the file that comes with the package describes them."""
    return Experiments.packaged(__package__, "experiments.json").experiments


class Size(Document):
    """How large an experiment is.

    Attributes:
        settings: of every run; cases change them.
        n_seeds: how often everything is repeated.
        n_training: training images of a run (validation is set aside from them); null: all.
        n_test: test images, the same for all runs; null: all.
        engines: of the fitness, where these are timed.
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
    """How much the searches of a case, one for each seed, had to do."""
    yield Figure.of(case, "candidates", [one.n_candidates for one in found])
    yield Figure.of(case, "evaluated", [one.n_evaluated for one in found])
    yield Figure.of(case, "search, s", [one.seconds for one in found])


class TrainingPiece(Document):
    """A training of a study: validation images chose the epoch, test images were read once it was chosen.

    Attributes:
        epoch: whose weights count.
        test_accuracy: by weight bits (32: full precision); other bits than the trained ones are rounded afterwards.
        seconds: of training.
    """

    case: str
    piece: Literal["train"] = "train"
    seed: int
    epoch: int
    validation_accuracy: Share | None
    test_accuracy: dict[str, Share]
    seconds: float


class StudyResult(Document):
    """``results/NAME-SCALE.json``: every figure of a study, and every piece of work behind them.

    Attributes:
        compared_with: the data set of the paper whose figures stand as ``published`` beside ours: the study's own, or
            CIFAR-10 for images that the papers do not use.
        deviations: what differs from the paper, a sentence each.
        remarks: what the figures say, a sentence each.
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
one thread. Everything else is as at full scale but for the head, whose linear layers would dwarf such a network."""

MEDIUM = Size(
    settings={
        "data": {"image_side": 32},
        "network": {"channels": 32, "timesteps": 2, "head": "gap"},
        "search": {"n_draws": 1000},
        "train": {"recipe": "default", "epochs": 5, "ema": 0.99, "warmup_epochs": 0.5},
    },
    n_seeds=5,
)
"""Between the two: images of 32x32 pixels, all of them, 32/64 channels, two time steps, five epochs. A training on
CIFAR-10 takes about two hours of one core without instructions for matrices, and a minute or two on a GPU."""

FULL = Size(
    settings={"search": {"n_draws": 5000}},
    n_seeds=3,
)
"""As published: 128/256 channels, five time steps, batches of 256 for fitness, all images, 200 epochs; five or more
runs would be better statistics, but one takes hours on a GPU."""

SIZES: Mapping[Scale, Size] = {"small": SMALL, "medium": MEDIUM, "full": FULL}


def with_seeds(n: int) -> dict[Scale, Size]:
    """Every size with another number of repetitions."""
    return {scale: size.model_copy(update={"n_seeds": n}) for scale, size in SIZES.items()}


@dataclass(frozen=True)
class Study:
    """An experiment of searches and trainings over seeds.

    Attributes:
        name: of the command.
        run: does it and yields figures; published values stand in them.
        sizes: by scale.
        trains: at full scale it needs a GPU.
        remarks: what its figures say, a sentence each.
    """

    name: str
    run: "Callable[[Pieces], Iterable[Figure]]"
    sizes: Mapping[Scale, Size] = field(default_factory=lambda: SIZES)
    trains: bool = True
    remarks: Callable[[Sequence[Figure]], tuple[str, ...]] = lambda _: ()

    def dataset(self, scale: Scale) -> str:
        """The data set that a scale has if none is given."""
        return str(value_at(self.sizes[scale].settings, "data.name") or _DATASET)

    @property
    def about(self) -> Experiment:
        """What is said of it."""
        return experiments()[self.name]

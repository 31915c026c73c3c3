"""What an experiment is, as data, and the bench on which the experiments with searches and training run."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from neuronas.config import RunConfig
from neuronas.experiments.figures import Figure
from neuronas.hardware.cost import Cost
from neuronas.space.spaces import Space

Settings = Mapping[str, Any]
"""Values of a run's settings, nested as in its YAML file."""


@dataclass(frozen=True)
class Experiment:
    """One line of ``neuronas reproduce --list``."""

    shows: str
    needs: str
    takes: str

    def line(self) -> dict[str, str]:
        """What the list says."""
        return {"shows": self.shows, "needs": self.needs, "takes": self.takes}


@dataclass(frozen=True)
class Searched:
    """What a search found. Costs are those of the run's cost model and precision."""

    architecture: str
    fitness: float
    parameters: int
    memory_bits: int
    area_mm2: float
    latency_ms: float
    energy_uj: float
    n_candidates: int
    n_evaluated: int
    seconds: float


@dataclass(frozen=True)
class Learned:
    """A trained network: validation images chose the epoch, test images were read once it was chosen.

    Attributes:
        epoch: the one that counts.
        validation_accuracy: share of validation images.
        test_accuracy: share of test images by weight bits; other bits than the trained ones are rounded afterwards.
        seconds: of training and measuring.
    """

    epoch: int
    validation_accuracy: float
    test_accuracy: Mapping[int, float]
    seconds: float


class Bench(Protocol):
    """Searches and trains for an experiment. Each piece of work is a run directory, done once and found again."""

    @property
    def seeds(self) -> range:
        """The seeds over which an experiment repeats everything."""
        ...

    def config(self, seed: int, changes: Settings) -> RunConfig:
        """The settings of the experiment's size, with changes.

        Args:
            seed: decides weights, images and draws of search and training.
            changes: sections to change.
        """
        ...

    def space(self, name: str, space: Space) -> str:
        """Write a search space of the experiment's own; returns what ``space`` in settings is to be."""
        ...

    def cost(self, config: RunConfig, architecture: str) -> Cost:
        """Cost of an architecture."""
        ...

    def search(self, what: str, config: RunConfig, n_evaluated: int | None = None) -> Searched:
        """Search.

        Args:
            what: of which case, for the display.
            config: the settings.
            n_evaluated: end when so many distinct functions were evaluated (see ``limited``).
        """
        ...

    def train(self, what: str, config: RunConfig, architecture: str) -> Learned:
        """Train and measure. A network that learned in full precision is measured at every precision."""
        ...


@dataclass(frozen=True)
class Size:
    """How large an experiment is.

    Attributes:
        settings: of every run; cases change them.
        n_seeds: how often everything is repeated.
        n_training: training images of a run, drawn by its seed (validation is set aside from them); None: all.
        n_test: test images, the same for all runs; None: all.
    """

    settings: Settings
    n_seeds: int
    n_training: int | None = None
    n_test: int | None = None


@dataclass(frozen=True)
class Study(Experiment):
    """An experiment of searches and trainings over seeds.

    Attributes:
        name: of the command.
        source: the figure or table that it repeats.
        difference: why ours and the published figures differ.
        run: does it and yields figures; published values stand in them.
        sizes: ``small`` and ``full``.
        trains: at full scale it needs a GPU.
    """

    name: str
    source: str
    difference: str
    run: Callable[[Bench], Iterable[Figure]]
    sizes: Mapping[str, Size]
    trains: bool = True

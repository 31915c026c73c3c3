"""The searches and trainings of a study: ordinary runs in one folder, identified by all settings that affect them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neuronas.api.estimating.estimate import estimate
from neuronas.api.evaluating.evaluate import evaluate
from neuronas.api.searching.evaluators import make_evaluators
from neuronas.api.searching.search import Search, plan_search
from neuronas.api.setup.images import scan_of
from neuronas.api.training.train import plan_training
from neuronas.config import EVALUATED_BITS, FULL_PRECISION, SETTINGS, merged, precision_text
from neuronas.errors import InfeasibleError
from neuronas.experiments.figures import ACCURACY, MEMORY, PARAMETERS, Figure
from neuronas.experiments.study import SearchPiece, Settings, Size, TrainingPiece
from neuronas.hardware.cost import Cost
from neuronas.hardware.units import BUDGETED
from neuronas.runs.costs import CostSummary
from neuronas.runs.directory import CONFIG, EVALUATION, RESULT, TRAINING
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.observer import RunEnded
from neuronas.runs.results import SearchSummary, TrainingResult
from neuronas.runs.work import Work
from neuronas.space.genotype import Architecture, Edge, Genotype

_SKIPS = "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|"
PAPER: Settings = {"preset": "paper"}
_OF_TRAINING = ("preset", "device", "space", "data", "network", "train")
"""Settings that training reads; other settings of a search are ignored, so that equal networks are trained once."""


@dataclass(frozen=True)
class Case:
    """Results of one case for all seeds, in order."""

    name: str
    searched: tuple[SearchPiece, ...]
    trained: tuple[TrainingPiece, ...]

    @property
    def weight_bits(self) -> int:
        """Precision of the searches."""
        return self.searched[0].memory_bits // self.searched[0].parameters

    def accuracy(self, bits: int | None = None) -> tuple[float, ...]:
        """Test accuracy in percent per seed; ``bits``: precision, by default that of the searches."""
        return tuple(100 * one.test_accuracy[str(bits or self.weight_bits)] for one in self.trained)

    def figures(self, printed_accuracy: Mapping[str, float] | None = None) -> list[Figure]:
        """Parameters, memory and accuracy.

        Args:
            printed_accuracy: printed accuracy in percent, by data set.
        """
        return [
            Figure.of(self.name, PARAMETERS, [one.parameters for one in self.searched]),
            Figure.of(self.name, MEMORY, [one.memory_bits / 1000 for one in self.searched]),
            Figure.of(self.name, ACCURACY, self.accuracy(), printed_accuracy),
        ]


class Pieces:
    """Runs the searches and trainings of a study. Complete runs are read, incomplete ones resumed.

    Args:
        size: size of the study.
        common: settings of every run besides those of the size: data set, device.
        seeds: random seeds; everything is repeated for each.
        folder: folder of the run directories.
        work: reports the progress.
    """

    def __init__(self, size: Size, common: Settings, seeds: range, folder: Path, work: Work):
        self.size, self._settings, self.seeds = size, merged(PAPER, size.settings, common), seeds
        self._folder, self._work = folder, work
        self.done: list[SearchPiece | TrainingPiece] = []

    def check(self, *, test_images: bool) -> None:
        """Check settings and images before any run starts.

        Raises:
            ConfigurationError, DataError: see ``neuronas.search``.
        """
        run = plan_search(
            {}, config=merged(self._settings, {"seed": self.seeds[0]}), out=self._folder, warns=False
        ).plan
        make_evaluators(run, scan_of(self._folder, None), download=False)
        if test_images:
            run.dataset.load("test", run.shape.image_size)

    def extremes(self, changes: Settings) -> tuple[Cost, Cost]:
        """Cost of the smallest and the largest network of a space: skips only, and 3x3 convolutions only."""
        settings = merged(self._settings, changes)
        cells = (Genotype((Edge(name),) * 6) for name in ("skip", "conv_3x3"))
        least, most = (estimate(Architecture((cell,)), config=settings).cost for cell in cells)
        return least, most

    def search_and_train(self, case: str, changes: Settings) -> Case:
        """Search and train with every seed.

        Args:
            case: name of the case.
            changes: settings of the case.
        """
        return self.train_each(case, changes, self.search_each(case, changes))

    def search_each(self, case: str, changes: Settings) -> tuple[SearchPiece, ...]:
        """Search with every seed; see ``search_and_train``."""
        return tuple(self.search(case, seed, changes) for seed in self.seeds)

    def train_each(self, case: str, changes: Settings, searched: Sequence[SearchPiece]) -> Case:
        """Train the networks found, each with the seed of its search; see ``search_and_train``."""
        trained = tuple(self.train(case, one.seed, changes, one.architecture) for one in searched)
        return Case(case, tuple(searched), trained)

    def search(self, case: str, seed: int, changes: Settings) -> SearchPiece:
        """Search with one seed."""
        planned = plan_search({}, config=merged(self._settings, changes, {"seed": seed}), out=self._folder, warns=False)
        directory = self._folder / f"search-{_engine(planned)}{planned.identity}"
        found = SearchSummary.read_if_there(directory / RESULT)
        is_new = found is None
        if found is None:
            begun = replace(planned, directory=directory, resume=(directory / CONFIG).is_file())
            found = begun.run(self._work.within(f"{case}, seed {seed}")).summary
        if found.fitness is None:
            raise InfeasibleError("no candidate that fits distinguishes two images; expected a larger budget")
        piece = SearchPiece(
            case=case,
            seed=seed,
            architecture=found.architecture,
            fitness=found.fitness,
            **_costs(found.cost),
            n_candidates=found.n_candidates,
            n_evaluated=found.n_evaluated,
            seconds=found.seconds,
        )
        self._keep(piece, f"fitness {piece.fitness:.6g}, {piece.n_evaluated:,} evaluated", is_new=is_new)
        return piece

    def train(self, case: str, seed: int, changes: Settings, architecture: str) -> TrainingPiece:
        """Train with one seed, and measure on the test images at every precision."""
        images = {"train": {"n_images": self.size.n_training}, "data": {"n_test": self.size.n_test}}
        settings = merged(self._settings, changes, images)
        settings = {name: settings[name] for name in _OF_TRAINING if name in settings} | {"seed": seed}
        planned = plan_training(architecture, {}, config=settings, out=self._folder, warns=False)
        directory = self._folder / f"train-{planned.identity}"
        is_new = not (directory / EVALUATION).exists()
        if is_new:
            within = self._work.within(f"{case}, seed {seed}")
            replace(planned, directory=directory, resume=(directory / CONFIG).is_file()).run(within)
            evaluate(directory, observer=within)
        training, evaluation = TrainingResult.read(directory / TRAINING), Evaluation.read(directory / EVALUATION)
        piece = TrainingPiece(
            case=case,
            seed=seed,
            epoch=evaluation.epoch,
            validation_accuracy=training.validation_accuracy,
            test_accuracy={bits.replace("float", "32"): share for bits, share in evaluation.accuracy_by_bits.items()},
            seconds=training.seconds,
        )
        self._keep(
            piece, f"test accuracy {evaluation.top1:.1%} at {precision_text(evaluation.weight_bits)}", is_new=is_new
        )
        return piece

    def _keep(self, piece: SearchPiece | TrainingPiece, text: str, *, is_new: bool) -> None:
        if not is_new:
            self._work.skip(1)
        part = f"{piece.case}, seed {piece.seed}"
        ended = RunEnded(f"{part}: {text}, {piece.seconds:.0f} s")
        self._work.advance(int(is_new), part, detail=ended)
        if piece not in self.done:
            self.done.append(piece)


def _engine(planned: Search) -> str:
    """Beginning of the folder's name: the engine, unless it is the default. It affects times, not results."""
    name = planned.plan.config.engine.name
    return "" if name == SETTINGS["engine.name"].default else f"{name}-"


def _costs(cost: Cost | CostSummary) -> dict[str, Any]:
    """The costs that a piece records."""
    return {name: getattr(cost, name) for name in ("memory_bits", *BUDGETED)}


class Rehearsal(Pieces):
    """Counts the pieces of a study without running them; its costs are those of the largest network.

    Attributes:
        n: number of pieces.
    """

    n = 0

    def search(self, case: str, seed: int, changes: Settings) -> SearchPiece:
        """Count a search."""
        self.n += 1
        costs = _costs(self.extremes({"network": changes.get("network", {})})[1])
        return SearchPiece(
            case=case, seed=seed, architecture=_SKIPS, fitness=0.0, n_candidates=1, n_evaluated=1, seconds=1.0, **costs
        )

    def train(self, case: str, seed: int, changes: Settings, architecture: str) -> TrainingPiece:
        """Count a training."""
        self.n += 1
        accuracy = {str(bits): 0.0 for bits in (FULL_PRECISION, *EVALUATED_BITS)}
        return TrainingPiece(
            case=case, seed=seed, epoch=1, validation_accuracy=None, test_accuracy=accuracy, seconds=0.0
        )

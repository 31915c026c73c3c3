"""Comparison of several runs."""

from collections.abc import Callable, Sequence
from math import inf

from neuronas.hardware.units import BUDGETED, quantity, word
from neuronas.report.accuracy_tables import chip_accuracy
from neuronas.report.facts import RunFacts
from neuronas.report.tables import Table, number, share
from neuronas.runs.results import NOT_CALIBRATED

_ROWS: tuple[tuple[str, Callable[[RunFacts], str]], ...] = (
    ("directory", lambda run: run.directory),
    ("data set", lambda run: run.config.data.name),
    ("space", lambda run: run.config.space),
    ("algorithm", lambda run: run.config.search.algorithm),
    ("chip", lambda run: run.config.hardware.accelerator),
    ("cost model", lambda run: run.config.hardware.cost_model),
    ("weight bits", lambda run: str(run.config.network.weight_bits)),
    ("time steps", lambda run: str(run.config.network.timesteps)),
    ("channels", lambda run: str(run.config.network.channels)),
    ("seed", lambda run: str(run.config.seed)),
    ("fitness", lambda run: f"{number(run.fitness, 7)} ({run.config.fitness.name})"),
    *((word(name), lambda run, name=name: _cost(run, name)) for name in BUDGETED),
    ("chosen by", lambda run: _chosen_by(run)),
    ("candidates", lambda run: f"{len(run.candidates):,}" if run.candidates else "–"),
    ("exceeded a limit", lambda run: f"{run.candidates.n_rejected:,}" if run.candidates else "–"),
    ("search", lambda run: _search(run)),
    ("epochs trained", lambda run: _training(run)),
    ("test accuracy", lambda run: _accuracy(run)),
    ("artificial twin", lambda run: _twin(run)),
    ("accuracy on chips", lambda run: _on_chips(run)),
)


def runs_table(runs: Sequence[RunFacts]) -> Table:
    """One column for each run."""
    rows = tuple((title, *map(text, runs)) for title, text in _ROWS)
    rows = (*rows, ("expected accuracy", *(_expected(run, runs[0]) for run in runs)))
    return Table("Runs compared", ("", *(run.name for run in runs)), rows)


def different_settings(runs: Sequence[RunFacts]) -> list[str]:
    """Quantities that cannot be compared because settings differ: ``fitness``, ``cost``, both, or none."""
    kinds: dict[str, Callable[[RunFacts], object]] = {
        "fitness": lambda run: (_images(run), run.config.fitness, _network(run), run.config.seed),
        "cost": lambda run: (_images(run), run.config.hardware, run.config.network.weight_bits),
    }
    return [what for what, key in kinds.items() if any(key(run) != key(runs[0]) for run in runs)]


def _search(run: RunFacts) -> str:
    if run.result is None:
        return "–"
    return f"{run.result.seconds:,.1f} s{', out of time' if run.is_search_out_of_time else ''}"


def _chosen_by(run: RunFacts) -> str:
    if run.finalists is not None:
        return run.finalists.verdict
    return run.config.search.prefer if run.result else "–"


def _training(run: RunFacts) -> str:
    if not run.epochs and not run.training:
        return "not trained"
    return f"{len(run.epochs)}{', out of time' if run.is_training_out_of_time else ''}"


def _accuracy(run: RunFacts) -> str:
    if run.evaluation is None:
        return "not evaluated"
    low, high = map(share, run.evaluation.interval_95(run.evaluation.top1))
    return f"{share(run.evaluation.top1)} ({low} to {high})"


def _twin(run: RunFacts) -> str:
    if run.evaluation is None or (twin := run.evaluation.twin) is None:
        return "not compared"
    energies = " against ".join(quantity("energy_uj", side.energy_uj) for side in (twin.spiking, twin.artificial))
    return f"{share(twin.artificial.top1)}; {energies} on {twin.hardware}, {twin.wins}"


def _expected(run: RunFacts, first: RunFacts) -> str:
    """Expected accuracy, and whether it differs from the first run's beyond noise."""
    if run.result is None:
        return "–"
    expected, other = run.result.expected_accuracy, first.result and first.result.expected_accuracy
    if expected is None:
        return NOT_CALIBRATED
    noise = expected.against(other) if other and run is not first else None
    return f"{expected.text}{f'; differs from {first.name} {noise}' if noise else ''}"


def _on_chips(run: RunFacts) -> str:
    return "; ".join(f"{chip_accuracy(one)} on {one.chip}" for one in run.chips) or "not simulated"


def _cost(run: RunFacts, name: str) -> str:
    if run.answer is None:
        return "–"
    cost, limit = float(getattr(run.answer.cost, name)), run.budget.limits[name]
    return f"{quantity(name, cost)}{',' if limit == inf else ' of'} {quantity(name, limit)}"


def _images(run: RunFacts) -> tuple[object, ...]:
    return run.config.data.name, run.config.data.image_side


def _network(run: RunFacts) -> tuple[object, ...]:
    return run.config.network.channels, run.config.network.timesteps

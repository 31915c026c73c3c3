"""How much a fitness knows of trained accuracy: evaluate labelled networks and compare the rankings."""

from collections.abc import Callable, Sequence
from random import Random
from time import perf_counter

from neuronas.errors import ConfigurationError, WorkerError
from neuronas.experiments.labels import Labelled
from neuronas.fitness.evaluator import Evaluator, Failure
from neuronas.runs.history import History
from neuronas.space.canonical import architecture_key

Report = Callable[[int, int], None]
"""Progress: (functions evaluated, functions in all)."""


def draw(rows: Sequence[Labelled], n: int | None, seed: int) -> list[Labelled]:
    """Draw n rows without replacement, in the order of the file; all of them if n is None.

    Raises:
        ConfigurationError: n is larger than the table.
    """
    if n is None:
        return list(rows)
    if not 1 <= n <= len(rows):
        raise ConfigurationError(f"--sample {n} given; expected 1 to {len(rows):,}, the connected networks")
    chosen = Random(seed).sample(range(len(rows)), n)  # noqa: S311 - no cryptography
    return [rows[index] for index in sorted(chosen)]


def evaluate(rows: Sequence[Labelled], evaluator: Evaluator, history: History, report: Report) -> list[float]:
    """Fitness of each row; what the history holds is not computed again, what is computed is kept at once.

    Rows that compute the same function share one evaluation.

    Args:
        rows: labelled networks.
        evaluator: computes fitness.
        history: keeps it; belongs to these settings.
        report: called with the progress.
    """
    keys = [architecture_key(row.architecture) for row in rows]
    first: dict[str, int] = {}
    for index, key in enumerate(keys):
        first.setdefault(key, index)
    known = history.fitness(screened=False)
    todo = [(key, index) for key, index in first.items() if key not in known]
    n_done = len(first) - len(todo)
    started = perf_counter()
    for number, fitness in evaluator.evaluate([rows[index].architecture for _, index in todo]):
        key, index = todo[number]
        if isinstance(fitness, Failure):
            raise WorkerError(f"row {index + 1} has no fitness: {fitness.reason}")
        now = perf_counter()
        history.add_fitness(key, index, fitness, now - started, screened=False)
        started, known[key] = now, fitness
        n_done += 1
        report(n_done, len(first))
    return [known[key] for key in keys]

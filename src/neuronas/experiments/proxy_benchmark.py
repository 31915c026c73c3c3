"""How much a fitness knows of trained accuracy: evaluate labelled networks and compare the rankings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

from neuronas.api.search import plan_search
from neuronas.api.settings import Config, planned
from neuronas.config import SearchConfig
from neuronas.errors import WorkerError
from neuronas.experiments.labels import draw, read_labels
from neuronas.runs.directory import HISTORY
from neuronas.runs.document import Document, Finite
from neuronas.runs.history_file import HistorySnapshot
from neuronas.runs.observer import Observer
from neuronas.search.algorithms.base import Proposals
from neuronas.space.canonical import architecture_key
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.spaces import Space

_SPACE, _RESULT = "spikenas-bench", "proxy-benchmark.json"


@dataclass(frozen=True)
class RankAgreement:
    """RankAgreement of fitness with accuracy over n networks.

    Attributes:
        rho: Spearman's rank correlation; nan where either side is constant.
        tau: Kendall's tau-b; nan likewise.
        regret: accuracy of the best network minus that of the network ranked first, in the accuracies' unit.
    """

    n: int
    rho: float
    tau: float
    regret: float


def agreement(fitness: Sequence[float], accuracy: Sequence[float]) -> RankAgreement:
    """Compare two rankings. Fitness may be ``-inf``. Of equally fit networks the worst counts as ranked first.

    Args:
        fitness: of each network.
        accuracy: of each network.
    """
    highest = max(fitness)
    regret = max(accuracy) - min(own for own, fit in zip(accuracy, fitness, strict=True) if fit == highest)
    if len(set(fitness)) < 2 or len(set(accuracy)) < 2:
        return RankAgreement(len(fitness), float("nan"), float("nan"), regret)
    from scipy.stats import kendalltau, spearmanr

    rho, tau = (float(test(fitness, accuracy).statistic) for test in (spearmanr, kendalltau))
    return RankAgreement(len(fitness), rho, tau, regret)


class ProxyResult(Document):
    """``proxy-benchmark.json``; see ``RankAgreement``. A correlation of null does not exist."""

    fitness: str
    n: int
    rho: Finite
    tau: Finite
    regret: float
    seconds_per_candidate: float


@dataclass(frozen=True)
class _Table:
    """An algorithm that proposes the networks of a table, all at once."""

    name: ClassVar[str] = "table"
    architectures: tuple[str, ...]

    def __call__(self, space: Space, random: Random, settings: SearchConfig) -> Proposals:
        """See ``Propose``."""
        yield list(map(parse_architecture, self.architectures))


def run(
    labels: Path,
    sample: int | None,
    config: Config,
    *,
    out: Path | None = None,
    resume: bool = False,
    download: bool = False,
    observer: Observer | None = None,
) -> tuple[ProxyResult, Path]:
    """Evaluate the networks of a table, as a search that proposes them all, and compare the rankings.

    Args:
        labels: CSV file, see ``read_labels``.
        sample: how many of its networks, drawn with the run's seed; None: all.
        config: settings of the run.
        out: see ``neuronas.search``.
        resume: see there.
        download: see there.
        observer: see there.

    Returns:
        The result, and the run's directory.

    Raises:
        NeuronasError: see ``neuronas.search``; a row has no fitness.
    """
    rows = draw(read_labels(labels), sample, planned("search", {}, config=config).config.seed)
    table = _Table(tuple(format_architecture(row.architecture) for row in rows))
    fixed = {"space": _SPACE, "algorithm": table, "exact": True, "preset": "paper"}
    search = plan_search(fixed, config=config, out=out, resume=resume)
    search.run(observer, download=download)
    history = HistorySnapshot(search.directory / HISTORY)
    try:
        by_key, failures = history.fitness(screened=False), history.failures(screened=False)
        n_evaluated, seconds = history.evaluation_seconds()
    finally:
        history.close()
    keys = [architecture_key(row.architecture) for row in rows]
    for row, key in zip(rows, keys, strict=True):
        if key not in by_key:
            raise WorkerError(f"row {row.row_id} has no fitness: {failures.get(key, 'it breaks a budget')}")
    found = agreement([by_key[key] for key in keys], [row.accuracy for row in rows])
    result = ProxyResult(
        fitness=search.plan.config.fitness.name, **asdict(found), seconds_per_candidate=seconds / n_evaluated
    )
    result.write(search.directory / _RESULT)
    return result, search.directory

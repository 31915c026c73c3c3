"""How well a fitness predicts trained accuracy: evaluates networks of known accuracy and compares the rankings."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from neuronas.api.setup.settings import Config, gathered
from neuronas.config import one_precision, value_at, written
from neuronas.experiments.labels import LabelledNetwork, Labels, TrainingTask, draw, read_labels
from neuronas.experiments.proxy_result import NoiseCeiling, Precision, Predictor, ProxyResult, TableResult
from neuronas.experiments.ranking import agreement, sampled_regret, within_groups
from neuronas.experiments.run_study import check_folder
from neuronas.experiments.structure import LONGEST_PATH, PREDICTORS
from neuronas.experiments.table_runs import Part, TableRuns, n_functions
from neuronas.runs.directory import new_directory
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work
from neuronas.space.canonical import architecture_key

_RESULT = "proxy-benchmark.json"
_PUBLISHED, _DATASET = "sahd", "cifar10"
"""The reference fitness for comparison, and the default data set."""


@dataclass(frozen=True)
class _Planned:
    """One task of a table, and its runs."""

    labels: str
    task: str | None
    rows: tuple[LabelledNetwork, ...]
    own: tuple[Part, ...]
    published: tuple[Part, ...]


def run(
    labels: Sequence[Labels],
    sample: int | None,
    config: Config,
    *,
    out: Path | None = None,
    resume: bool = False,
    download: bool = False,
    observer: Observer | None = None,
) -> tuple[ProxyResult, Path]:
    """Evaluate the networks of tables, in searches that propose all of them, and compare the rankings.

    Args:
        labels: tables, see ``read_labels``.
        sample: number of networks per table, drawn with the run's seed; None: all. If there are several tables, smaller
            ones are used completely.
        config: settings of all runs; they override what a table states about its rows.
        out: folder of the runs and of the result; default: a new one under ``runs``.
        resume: continue the work in ``out``.
        download: see ``neuronas.search``.
        observer: see ``neuronas.search``.

    Returns:
        The result, and the folder.

    Raises:
        NeuronasError: see ``neuronas.search``; a row has no fitness.
    """
    given = gathered("benchmark", {}, config)
    seed, dataset = value_at(written(given), "seed") or 0, value_at(written(given), "data.name")
    folder = out or new_directory("tables", "proxy-benchmark")
    check_folder(folder, "--out", resume=resume)
    runs = TableRuns(given, folder, download)
    planned: list[_Planned] = []
    for table in labels:
        rows = read_labels(table.path)
        chosen = draw(rows, min(sample, len(rows)) if sample and len(labels) > 1 else sample, seed)
        for task, own in _by_task(chosen).items():
            images = table.dataset or dataset or task.dataset or _DATASET
            stem = "-".join([table.path.stem, *([task.dataset] if task.dataset else [])])
            parts = runs.plan(stem, own, images, None)
            published = [] if _fitness(parts) == _PUBLISHED else runs.plan(stem, own, images, _PUBLISHED)
            planned.append(_Planned(table.path.name, task.dataset, tuple(own), tuple(parts), tuple(published)))
    work = Work("reproduce", folder, "runs", observer)
    work.start(sum(len(one.own) + len(one.published) for one in planned))
    tables = tuple(_result(one, runs, work) for one in planned)
    first, best = tables[0], tables[0].predictors[0]
    result = ProxyResult(
        fitness=best.name,
        n=first.n,
        rho=best.rho,
        tau=best.tau,
        regret=best.regret,
        seconds_per_candidate=first.seconds_per_candidate,
        tables=tables,
    )
    result.write(folder / _RESULT)
    work.finish(result)
    return result, folder


def _by_task(rows: Sequence[LabelledNetwork]) -> dict[TrainingTask, list[LabelledNetwork]]:
    found: defaultdict[TrainingTask, list[LabelledNetwork]] = defaultdict(list)
    for row in rows:
        found[row.task].append(row)
    return found


def _result(planned: _Planned, runs: TableRuns, work: Work) -> TableResult:
    rows = planned.rows
    own = runs.evaluate(planned.own, work)
    columns = {_fitness(planned.own): own.fitness}
    if planned.published:
        columns[_PUBLISHED] = runs.evaluate(planned.published, work).fitness
    columns |= {
        name: [float(predict(row.architecture, row.n_cells)) for row in rows] for name, predict in PREDICTORS.items()
    }
    columns["parameters"] = own.parameters
    accuracy, depth = [row.accuracy for row in rows], columns[LONGEST_PATH]
    config = planned.own[0].search.plan.config
    return TableResult(
        labels=planned.labels,
        task=planned.task,
        images=config.data.name,
        channels=planned.own[0].search.plan.fitness_shape.channels,
        image_side=str(config.data.model_dump()["image_side"]),
        n=len(rows),
        n_functions=n_functions(rows),
        precisions=_precisions(planned.own),
        seconds_per_candidate=own.seconds / own.n_evaluated,
        predictors=tuple(_predictor(name, values, accuracy, depth) for name, values in columns.items()),
        noise_ceiling=_noise_ceiling(rows),
    )


def _fitness(parts: Sequence[Part]) -> str:
    return parts[0].search.plan.config.fitness.name


def _precisions(parts: Sequence[Part]) -> tuple[Precision, ...]:
    counts: Counter[tuple[int, int]] = Counter()
    for part in parts:
        network = part.search.plan.config.network
        bits = one_precision(network.weight_bits, "a table of trained networks")
        counts[bits, network.timesteps] += len(part.rows)
    return tuple(Precision(weight_bits=bits, timesteps=steps, n=n) for (bits, steps), n in sorted(counts.items()))


def _predictor(name: str, values: Sequence[float], accuracy: Sequence[float], depth: Sequence[float]) -> Predictor:
    found, (mean, deviation) = agreement(values, accuracy), sampled_regret(values, accuracy)
    return Predictor(
        name=name,
        rho=found.rho,
        tau=found.tau,
        rho_within_depth=within_groups(values, accuracy, depth),
        regret=found.regret,
        sampled_regret=mean,
        sampled_regret_sd=deviation,
    )


def _noise_ceiling(rows: Sequence[LabelledNetwork]) -> NoiseCeiling | None:
    """Rank agreement of two trainings of each function: with different seeds if the table has seeds, else any two."""
    functions: defaultdict[tuple[object, ...], list[LabelledNetwork]] = defaultdict(list)
    for row in rows:
        functions[architecture_key(row.architecture), row.n_cells, row.weight_bits, row.timesteps].append(row)
    random = Random(0)  # noqa: S311 - not for cryptography
    pairs = []
    for trained in functions.values():
        by_seed = {row.seed: row for row in sorted(trained, key=lambda row: row.seed or 0, reverse=True)}
        if len(by_seed) > 1:
            one, other = (by_seed[seed].accuracy for seed in sorted(by_seed, key=lambda seed: seed or 0)[:2])
            pairs.append((one, other))
        elif len(trained) > 1 and trained[0].seed is None:
            one, other = (row.accuracy for row in random.sample(trained, 2))
            pairs.append((one, other))
    if not pairs:
        return None
    found = agreement(*zip(*pairs, strict=True))
    return NoiseCeiling(n=found.n, rho=found.rho, tau=found.tau)

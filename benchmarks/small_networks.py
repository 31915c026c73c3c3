"""Ranks the small networks trained here by each fitness, also across precisions and numbers of time steps.

    python benchmarks/small_networks.py --cifar10 imagefolder:DIR --fashion-mnist DIR --work FOLDER

Rows of ``benchmarks/trained/networks.csv``, to which no constant of any fitness was fitted. For each data set:

* ``one setting``: networks with 8 bits and T = 2, mean accuracy of both random seeds where there are two;
* ``all settings``: all combinations of bits and T, likewise;
* ``settings of a network``: the mean of rho over networks with at least four combinations, and how many there are.

rho is Spearman's rank correlation with accuracy, with a 95 % bootstrap interval over networks, since rows of one
network are not independent; ``within depth`` is its mean over networks with the same longest path. Regret is the
accuracy lost by choosing the first of the ranking, in points. The fitness of each row is computed with its bits and T
(``sahd`` only for ``one setting``), in runs of ``neuronas.experiments.table_runs``, which are kept in ``--work``.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import write
from neuronas.config import RunConfig
from neuronas.experiments.labels import LabelledNetwork, read_labels
from neuronas.experiments.ranking import agreement, within_groups
from neuronas.experiments.structure import LONGEST_PATH, N_CONVOLUTIONS, PREDICTORS
from neuronas.experiments.table_runs import TableRuns
from neuronas.runs.work import Work
from neuronas.space.notation import format_architecture
from trained_networks import BITS, TABLE, TIMESTEPS

FITNESS, PUBLISHED = ("path-and-size", "path-information"), "sahd"
PARAMETERS = "parameters"
N_BOOTSTRAP, FEWEST_SETTINGS = 1_000, 4
Array = NDArray[np.float64]
Row = dict[str, Any]


@dataclass(frozen=True)
class Ranked:
    """Distinct trained settings of one data set.

    Attributes:
        networks: [n] number of the network.
        settings: [n, 2] bits and T.
        depth: [n] longest path.
        accuracy: [n] mean accuracy over random seeds, in percent.
        values: [n] values of each predictor.
    """

    networks: NDArray[np.intp]
    settings: NDArray[np.intp]
    depth: Array
    accuracy: Array
    values: Mapping[str, Array]

    def only(self, chosen: NDArray[Any]) -> "Ranked":
        """A selection of the rows."""
        values = {name: of[chosen] for name, of in self.values.items()}
        return Ranked(self.networks[chosen], self.settings[chosen], self.depth[chosen], self.accuracy[chosen], values)

    def rho(self, name: str) -> float:
        """Spearman's rank correlation of a predictor with accuracy."""
        return agreement(self.values[name].tolist(), self.accuracy.tolist()).rho


def evaluated(rows: Sequence[LabelledNetwork], where: str, runs: TableRuns, work: Work) -> Ranked:
    """Compute all predictors of the rows of one data set."""
    kinds: defaultdict[tuple[str, int, int], list[LabelledNetwork]] = defaultdict(list)
    for row in rows:
        assert row.weight_bits is not None and row.timesteps is not None
        kinds[format_architecture(row.architecture), row.weight_bits, row.timesteps].append(row)
    first = [same[0] for same in kinds.values()]
    stem = str(first[0].task.dataset)
    values: dict[str, Array] = {}
    for name in FITNESS:
        found = runs.evaluate(runs.plan(stem, first, where, name), work)
        values[name], values[PARAMETERS] = np.array(found.fitness), np.array(found.parameters)
    values[PUBLISHED] = np.full(len(first), np.nan)
    base = [number for number, row in enumerate(first) if (row.weight_bits, row.timesteps) == (BITS, TIMESTEPS)]
    chosen = [first[number] for number in base]
    values[PUBLISHED][base] = runs.evaluate(runs.plan(stem, chosen, where, PUBLISHED), work).fitness
    for name, predict in PREDICTORS.items():
        values[name] = np.array([float(predict(row.architecture, row.n_cells)) for row in first])
    _, networks = np.unique([text for text, _, _ in kinds], return_inverse=True)
    return Ranked(
        networks=networks,
        settings=np.array([key[1:] for key in kinds], dtype=np.intp),
        depth=values[LONGEST_PATH],
        accuracy=np.array([np.mean([row.accuracy for row in same]) for same in kinds.values()]),
        values=values,
    )


def report(of: Ranked, spread: Callable[[Ranked, str], list[float]]) -> Row:
    """Agreement of each predictor with accuracy."""
    found: Row = {"n": len(of.accuracy), "n_networks": len(np.unique(of.networks))}
    found["accuracy, lowest, mean, highest"] = [round(float(one(of.accuracy)), 1) for one in (np.min, np.mean, np.max)]
    for name in (*FITNESS, PUBLISHED, LONGEST_PATH, N_CONVOLUTIONS, PARAMETERS):
        values = of.values[name].tolist()
        if np.isnan(values).any():
            continue
        own = agreement(values, of.accuracy.tolist())
        found[name] = {
            "rho": round(own.rho, 3),
            "interval_95": spread(of, name),
            "within depth": round(within_groups(values, of.accuracy.tolist(), of.depth.tolist()), 3),
            "regret": round(own.regret, 2),
        }
    return found


def bootstrapped(of: Ranked, name: str) -> list[float]:
    """95 % interval of rho over random samples of networks."""
    random, members = np.random.default_rng(0), [np.flatnonzero(of.networks == one) for one in np.unique(of.networks)]
    found = []
    for _ in range(N_BOOTSTRAP):
        chosen = random.integers(len(members), size=len(members))
        found.append(of.only(np.concatenate([members[one] for one in chosen])).rho(name))
    return [round(float(one), 3) for one in np.nanquantile(found, (0.025, 0.975))]


def of_one_network(of: Ranked) -> Row:
    """Rank correlation among the settings of each network, mean over networks."""
    groups = [of.only(of.networks == one) for one in np.unique(of.networks)]
    groups = [one for one in groups if len(one.accuracy) >= FEWEST_SETTINGS]
    means = {
        name: round(float(np.nanmean([one.rho(name) for one in groups])), 3) if groups else None for name in FITNESS[:2]
    }
    return {"n_networks": len(groups), **means}


def noise_ceiling(rows: Sequence[LabelledNetwork]) -> Row:
    """Agreement of the accuracies of two random seeds of the same network and setting."""
    pairs: defaultdict[object, dict[int | None, float]] = defaultdict(dict)
    for row in rows:
        pairs[format_architecture(row.architecture), row.weight_bits, row.timesteps][row.seed] = row.accuracy
    both = [(one[0], one[1]) for one in pairs.values() if {0, 1} <= set(one)]
    if len(both) < FEWEST_SETTINGS:
        return {"n": len(both)}
    first, second = map(np.array, zip(*both, strict=True))
    spread = float(np.sqrt(np.mean((first - second) ** 2) / 2))
    return {"n": len(both), "rho": round(agreement(first.tolist(), second.tolist()).rho, 3), "sd": round(spread, 2)}


def main() -> None:
    """Evaluate, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", required=True, help="imagefolder:DIR")
    parser.add_argument("--fashion-mnist", required=True, help="folder that holds fashion-mnist/*.gz")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    given = parser.parse_args()
    table, results = read_labels(TABLE), {}
    for dataset, where, folder in (
        ("cifar10", given.cifar10, None),
        ("fashion-mnist", "fashion-mnist", given.fashion_mnist),
    ):
        rows = [row for row in table if row.task.dataset == dataset]
        config = RunConfig.model_validate({"data": {"data_dir": folder}, "network": {"head": "gap"}})
        place = given.work / dataset
        of = evaluated(rows, where, TableRuns(config, place), Work("reproduce", place, "runs", logs=False))
        base = of.only((of.settings == (BITS, TIMESTEPS)).all(axis=1))
        results[dataset] = {
            "one setting": report(base, bootstrapped),
            "all settings": report(of, bootstrapped),
            "settings of a network": of_one_network(of),
            "two random seeds": noise_ceiling(rows),
        }
        for name, found in results[dataset].items():
            print(dataset, name, found, flush=True)
    write("small_networks", results)


if __name__ == "__main__":
    main()

"""Optuna's optimisers on the joint space of network and chip, against uniform draws and the enumerated front.

    python benchmarks/front_optimisers.py digits --work FOLDER [--design all] [--seeds 5] [--processes 2]

``FOLDER`` is that of ``front_proof.py``, whose enumeration is used if it is there. A method's result is the hypervolume
(box ``whole`` of ``front_proof.py``) of the evaluated designs that keep the limits. Methods:

* ``random``: independent uniform draws of every axis;
* ``nsga2-50``, ``nsga2-200``: Optuna's NSGA-II with its default population and with a larger one;
* ``tpe``: Optuna's multi-objective TPE, a Bayesian optimiser; its own time grows with the square of the number of
  designs, so it ends at 1,000;
* ``exact``: the front by enumeration and bounds.

The encoding favours the optimisers: cells are one axis sorted by fitness, numeric axes are ordered, the schedule is the
best one, and a combination of axes that cannot be built does not count as an evaluation.
"""

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import optuna
import torch

from common import write
from front_proof import Box, Numbers, boxes, joint_plan
from neuronas.hardware.circuits import SIGN_COLUMNS
from neuronas.hardware.cost import Array
from neuronas.hardware.design_space import NETWORK
from neuronas.hardware.pareto import non_dominated
from neuronas.search.joint_designs import logarithms
from neuronas.search.joint_space import JointSpace, Pairs

EVALUATIONS = (1_000, 10_000)
MOST_BY_TPE = 1_000
Row = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """The joint space as a function of independent axes."""

    space: JointSpace

    @cached_property
    def ranked(self) -> Numbers:
        """Numbers of the networks among those with a fitness, the fittest first."""
        found: Numbers = np.argsort(-self.space.fitness[self.space.known], kind="stable")
        return found

    @cached_property
    def settings(self) -> dict[tuple[int, ...], int]:
        """Number of the setting with these channels, time steps and bits."""
        return {tuple(getattr(one, name) for name in NETWORK): n for n, one in enumerate(self.space.settings)}

    @cached_property
    def pairs(self) -> dict[int, Pairs]:
        """Networks and chips of the settings that were evaluated."""
        return {}

    @cached_property
    def chips(self) -> dict[int, dict[tuple[float, ...], int]]:
        """Number of the chip with these values of the axes, by weight bits."""
        return {}

    @cached_property
    def axes(self) -> dict[str, tuple[Any, ...]]:
        """Values of the axes other than the cells."""
        network = {name: tuple(sorted({one[place] for one in self.settings})) for place, name in enumerate(NETWORK)}
        return network | {name: values for name, values in self.space.values.items() if name != "schedule"}

    def place(self, chosen: Row) -> tuple[int, int] | None:
        """Numbers of setting and chip; None: no such chip can be built."""
        number = self.settings.get(tuple(chosen[name] for name in NETWORK))
        if number is None:
            return None
        bits = chosen["weight_bits"]
        if bits not in self.chips:
            chips = self.space.chips_at(bits)
            columns = {**vars(chips.arrays), "replication": chips.replication}
            rows = zip(*(column.tolist() for column in columns.values()), strict=True)
            self.chips[bits] = {row: n for n, row in enumerate(rows)}
        values = {**chosen, "n_sign_columns": SIGN_COLUMNS[chosen["sign_scheme"]]}
        names = [*vars(self.space.chips_at(bits).arrays), "replication"]
        chip = self.chips[bits].get(tuple(float(values[name]) for name in names))
        return None if chip is None else (number, chip)

    def evaluate(self, chosen: Row) -> tuple[Array, bool] | None:
        """Error, energy, latency and area, and whether the limits are kept; None: no such chip can be built."""
        if (found := self.place(chosen)) is None:
            return None
        number, chip = found
        if number not in self.pairs:
            self.pairs[number] = self.space.pairs(number)
        every = self.pairs[number]
        one = every.of_networks(self.ranked[[chosen["cells"]]]).on_chips(np.array([chip]))
        (costed,) = self.space.costed(one, every.chips.schedules[-1:])
        return costed.values[:, 0, 0], bool(costed.fits[0, 0])


Choose = Callable[[str, tuple[Any, ...]], Any]
"""A value of an axis."""


def sampled(problem: Problem, choose: Choose) -> Row:
    """A value of each axis."""
    cells = tuple(range(len(problem.ranked)))
    return {name: choose(name, values) for name, values in {"cells": cells, **problem.axes}.items()}


def at_random(problem: Problem, n: int, seed: int) -> list[Array]:
    """The designs of n uniform draws that keep the limits, [n, 5]: number of the evaluation, values."""
    random, found, count = np.random.default_rng(seed), [], 0
    while count < n:
        measured = problem.evaluate(sampled(problem, lambda _, values: values[random.integers(len(values))]))
        if measured is not None:
            count += 1
            if measured[1]:
                found.append(np.array([count, *measured[0]]))
    return found


def by_optuna(problem: Problem, sampler: optuna.samplers.BaseSampler, n: int) -> list[Array]:
    """As ``at_random``, by a sampler."""
    study = optuna.create_study(directions=["minimize"] * 4, sampler=sampler)
    found, count = [], 0
    while count < n:
        trial = study.ask()

        def choose(name: str, values: tuple[Any, ...], trial: optuna.Trial = trial) -> Any:
            if isinstance(values[0], str):
                return trial.suggest_categorical(name, values)
            return values[trial.suggest_int(name, 0, len(values) - 1)]

        measured = problem.evaluate(sampled(problem, choose))
        if measured is None:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
            continue
        count += 1
        values, fits = measured
        trial.set_constraint("limits", 0.0 if fits else 1.0)
        study.tell(trial, logarithms(values).tolist())
        if fits:
            found.append(np.array([count, *values]))
    return found


def methods(seed: int) -> dict[str, tuple[optuna.samplers.BaseSampler | None, int]]:
    """Sampler and number of evaluations of each method; None: uniform draws."""
    samplers = optuna.samplers
    return {
        "random": (None, EVALUATIONS[-1]),
        "nsga2-50": (samplers.NSGAIISampler(seed=seed), EVALUATIONS[-1]),
        "nsga2-200": (samplers.NSGAIISampler(seed=seed, population_size=200), EVALUATIONS[-1]),
        "tpe": (samplers.TPESampler(seed=seed, multivariate=True), MOST_BY_TPE),
    }


def measured(problem: Problem, box: Box, seed: int) -> list[Row]:
    """A row for each method and number of evaluations."""
    rows = []
    for name, (sampler, most) in methods(seed).items():
        started = process_time()
        designs = at_random(problem, most, seed) if sampler is None else by_optuna(problem, sampler, most)
        seconds = process_time() - started
        every = np.array(designs).reshape(-1, 5)
        for n in EVALUATIONS:
            if n <= most:
                points = every[every[:, 0] <= n, 1:]
                share = box.share(points[non_dominated(points)]) if len(points) else 0.0
                rows.append({"method": name, "seed": seed, "evaluations": n, "hypervolume": round(share, 4)})
        rows[-1]["seconds"] = round(seconds, 1)
        print(rows[-1], flush=True)
    return rows


_inherited: list[tuple[Problem, Box]] = []


def _inherit(problem: Problem, box: Box) -> None:
    _inherited.append((problem, box))


def _of_seed(seed: int) -> list[Row]:
    return measured(*_inherited[0], seed)


def main() -> None:
    """Enumerate, or read the enumeration; optimise, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="name, or imagefolder:DIR")
    parser.add_argument("--work", type=Path, required=True, help="folder of the enumeration")
    parser.add_argument("--design", default="all", help="design space: a name or file")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--processes", type=int, default=1, help="seeds at a time")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    enumerated = joint_plan(given).enumerated()
    points = enumerated.state.front.points
    box = boxes(points)["whole"]
    problem, exact = Problem(enumerated.space), box.share(points)
    fork = get_context("fork")  # processes inherit the problem, which cannot be pickled
    with ProcessPoolExecutor(given.processes, fork, _inherit, (problem, box)) as processes:
        rows = [row for of_seed in processes.map(_of_seed, range(given.seeds)) for row in of_seed]
    means = {}
    for name in methods(0):
        for n in EVALUATIONS:
            shares = [row["hypervolume"] for row in rows if (row["method"], row["evaluations"]) == (name, n)]
            if shares:
                means[f"{name}, {n:,} designs"] = {
                    "mean": round(float(np.mean(shares)), 4),
                    "standard deviation": round(float(np.std(shares, ddof=1)), 4) if len(shares) > 1 else None,
                    "of the exact front": round(float(np.mean(shares)) / exact, 3),
                }
    facts = {
        "dataset": given.dataset,
        "exact": round(exact, 4),
        "n_costed by the enumeration": enumerated.state.count("n_costed"),
    }
    write(f"front_optimisers-{given.dataset}", {**facts, "means": means, "rows": rows})


if __name__ == "__main__":
    main()

"""Trains narrow networks on digits, and fits a model of their loss of accuracy above chance.

    python benchmarks/narrow_networks.py RUNS [--networks 56]

Each row of ``benchmarks/trained/narrow.csv`` is one random network with the fitness computed by a survey of ``design
--design``. Existing rows are not trained again, so the command can be interrupted at any time and repeated. ``RUNS``
keeps the trained networks. The columns are explained in ``benchmarks/trained/README.md``.

The constants (``NarrowCalibration``) are fitted to this table, with the other factors of the prior unchanged. Their
errors are measured on the networks of ``designs-digits.csv``, which are not in the fit, and on each network of the
table by a fit to networks with other cells. For comparison: the prior without a term for narrow networks, with the
width only, and with the number of weights only.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.stats import spearmanr

from common import trained_and_measured, write
from fit_firing_rate import write_calibration
from neuronas.api.designing.choice import survey_plan
from neuronas.api.designing.front import plan_front
from neuronas.api.searching.evaluators import make_evaluators
from neuronas.fitness.calibration import NarrowCalibration, kept_by_size
from neuronas.fitness.network_error import network_error, wide_factor
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from neuronas.space.workload import rows as work_of

TRAINED = Path(__file__).parent / "trained"
TABLE, OTHERS = TRAINED / "narrow.csv", TRAINED / "designs-digits.csv"
DATASET, N_CLASSES = "digits", 10
CHANNELS, TIMESTEPS, WEIGHT_BITS = (4, 6, 8, 12, 16), (2, 3, 4, 5), (4, 6, 8)
N_CONVOLUTIONS = 8
"""Networks have 0 to 7 convolutions, with equal probability."""
FITTEST = 7.43431723
"""Fitness of the fittest cells in a survey of digits."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    number: int
    architecture: str
    channels: int
    timesteps: int
    weight_bits: int
    n_weights: int
    fitness: float
    accuracy: float


@dataclass(frozen=True)
class Networks:
    """The rows as columns.

    Attributes:
        cells: indices of the networks' cells; equal cells have the same index.
        settings: [n, 3] channels, timesteps, weight bits.
        n_weights: [n] number of weights.
        fitness: [n].
        accuracy: [n] measured accuracy.
    """

    cells: NDArray[np.intp]
    settings: Array
    n_weights: Array
    fitness: Array
    accuracy: Array

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Networks":
        """Columns of the rows."""
        _, cells = np.unique([row.architecture for row in rows], return_inverse=True)
        settings = np.array([(row.channels, row.timesteps, row.weight_bits) for row in rows], dtype=np.float64)
        values = np.array([(row.n_weights, row.fitness, row.accuracy) for row in rows]).T
        return cls(cells, settings, *values)

    def only(self, chosen: NDArray[np.bool_]) -> "Networks":
        """A selection of the networks."""
        return Networks(*(values[chosen] for values in vars(self).values()))


def expected(constants: Array, networks: Networks) -> Array:
    """Accuracy expected by the prior, [n].

    Args:
        constants: error of the fittest cells, logarithm of the scale of the loss, exponents of width and of weights.
        networks: n networks.
    """
    error, scale, channels, weights = constants
    factor = wide_factor(FITTEST - networks.fitness, *networks.settings.T)
    kept = kept_by_size(np.exp(scale), channels, weights, networks.settings[:, 0], networks.n_weights)
    return 1 - network_error(error, factor, kept, N_CLASSES)


TERMS: dict[str, tuple[bool, bool]] = {
    "width and weights": (True, True),
    "width": (True, False),
    "weights": (False, True),
    "nothing": (False, False),
}
"""Whether the loss depends on width and on the number of weights; if on neither, there is no loss."""


def fitted(terms: tuple[bool, bool], networks: Networks) -> Array:
    """Constants by least squares."""
    is_free = np.array([True, any(terms), *terms])
    start = np.where(is_free, [0.05, 5.0 if all(terms) else 4.0, 2.0, 0.5], [0, -50, 0, 0])

    def whole(free: Array) -> Array:
        constants = start.copy()
        constants[is_free] = free
        return constants

    low, high = np.array([1e-3, -20, 0, 0])[is_free], np.array([0.5, 20, 10, 10])[is_free]
    found = least_squares(
        lambda free: expected(whole(free), networks) - networks.accuracy, start[is_free], bounds=(low, high),
        loss="soft_l1", f_scale=0.05,
    )  # fmt: skip
    return whole(found.x)


def left_out(terms: tuple[bool, bool], networks: Networks) -> Array:
    """Predictions for each network by a fit to those with other cells."""
    found = np.zeros(len(networks.accuracy))
    for cells in np.unique(networks.cells):
        own = networks.cells == cells
        found[own] = expected(fitted(terms, networks.only(~own)), networks.only(own))
    return found


def agreement(forecast: Array, networks: Networks) -> dict[str, float | int]:
    """Errors of the predictions."""
    off = np.abs(forecast - networks.accuracy)
    return {
        "n": len(off),
        "rho": round(float(spearmanr(forecast, networks.accuracy).statistic), 3),
        "mean expected": round(float(forecast.mean()), 4),
        "mean measured": round(float(networks.accuracy.mean()), 4),
        "median_off": round(float(np.median(off)), 4),
        "off_of_9_in_10": round(float(np.quantile(off, 0.9)), 4),
        "most_off": round(float(off.max()), 4),
    }


class Survey:
    """Computes fitness and number of weights like a search of network and chip."""

    def __init__(self, directory: Path):
        plan = plan_front("converters", {}, config={"data": {"name": DATASET}}, out=directory)
        self.plan = survey_plan(plan.plan, plan.axes)
        self.evaluator = make_evaluators(self.plan, None, download=False).full

    def fitness(self, architectures: Sequence[Architecture]) -> list[float]:
        """Fitness of each architecture.

        Raises:
            SystemExit: an architecture has no fitness.
        """
        found = dict(self.evaluator.evaluate(architectures))
        values = [found[number] for number in range(len(architectures))]
        if not all(isinstance(value, float) for value in values):
            raise SystemExit(f"expected the fitness of {len(architectures)} architectures, found {values}")
        return [round(float(value), 5) for value in values if isinstance(value, float)]

    def n_weights(self, architecture: Architecture, channels: int) -> int:
        """Number of weights of a network."""
        shape: NetworkShape = replace(self.plan.shape, channels=channels)
        return sum(row.n_weights for row in work_of(architecture, shape))


def drawn(number: int) -> tuple[Architecture, dict[str, int]]:
    """Cells and setting of a network."""
    random, space = Random(number), load_space("neuronas")
    while True:
        architecture = space.random_architecture(random)
        if format_architecture(architecture).count("conv") == number % N_CONVOLUTIONS:
            break
    values = (CHANNELS, TIMESTEPS, WEIGHT_BITS)
    return architecture, dict(zip(("channels", "timesteps", "weight_bits"), map(random.choice, values), strict=True))


def trained(number: int, runs: Path, survey: Survey) -> Row:
    """The row of a network."""
    architecture, setting = drawn(number)
    text = format_architecture(architecture)
    measured = trained_and_measured(text, runs / str(number), dataset=DATASET, recipe="fast", seed=number, **setting)
    (fitness,) = survey.fitness([architecture])
    n_weights = survey.n_weights(architecture, setting["channels"])
    return Row(number, text, **setting, n_weights=n_weights, fitness=fitness, accuracy=round(measured.top1, 4))


def rows() -> list[Row]:
    """Existing rows."""
    if not TABLE.exists():
        return []
    types = {field.name: str if field.name == "architecture" else float for field in fields(Row)}
    lines = csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())
    return [Row(**{name: types[name](value) for name, value in line.items()}) for line in lines]  # type: ignore[arg-type]


def others(survey: Survey) -> Networks:
    """The networks of the front's designs, without duplicates."""
    lines = csv.DictReader(OTHERS.read_text(encoding="utf-8").splitlines())
    names = ("architecture", "channels", "timesteps", "weight_bits")
    distinct = {tuple(line[name] for name in names): float(line["accuracy"]) for line in lines}
    found = []
    for (text, *setting), accuracy in distinct.items():
        channels, timesteps, bits = (int(float(value)) for value in setting)
        architecture = parse_architecture(text)
        (fitness,) = survey.fitness([architecture])
        n_weights = survey.n_weights(architecture, channels)
        found.append(Row(len(found), text, channels, timesteps, bits, n_weights, fitness, accuracy))
    return Networks.of(found)


def main() -> None:
    """Train missing networks, fit, report and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path)
    parser.add_argument("--networks", type=int, default=56)
    given = parser.parse_args()
    torch.set_num_threads(1)
    survey = Survey(given.runs / "survey")
    with TABLE.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Row)], lineterminator="\n")
        if not file.tell():
            writer.writeheader()
        for number in range(len(rows()), given.networks):
            row = trained(number, given.runs, survey)
            writer.writerow(asdict(row))
            file.flush()
            print(row, flush=True)
    table, apart = Networks.of(rows()), others(survey)
    results = {}
    for name, terms in TERMS.items():
        constants = fitted(terms, table)
        results[name] = {
            "constants": [round(float(one), 4) for one in constants],
            "left out": agreement(left_out(terms, table), table),
            "designs of the front": agreement(expected(constants, apart), apart),
        }
        print(name, results[name], flush=True)
    error, scale, channels, weights = map(float, fitted(TERMS["width and weights"], table))
    checked = results["width and weights"]["designs of the front"]
    narrow = NarrowCalibration(
        dataset=DATASET,
        fittest=FITTEST,
        error=round(error, 4),
        scale=float(f"{np.exp(scale):.4g}"),
        channels_power=round(channels, 3),
        weights_power=round(weights, 3),
        n_networks=len(table.accuracy),
        n_others=checked["n"],
        **{name: checked[name] for name in ("rho", "median_off", "most_off")},
    )
    write_calibration(narrow=narrow)
    write("narrow_networks", {"dataset": DATASET, "by": results})


if __name__ == "__main__":
    main()

"""Fits the four constants of the forecast of firing rates to a part of a table, and reports on the rest.

    python benchmarks/fit_firing_rate.py --labels CIFAR10.csv --others CIFAR100.csv TINY.csv

Networks that compute the same function stay together. Each row is forecast with constants fitted to the other half of
the functions; the constants of the first half are written to ``calibration.json``, and ``--others`` are forecast with
them. Rows of connected networks with a rate of 0 were not measured; they are excluded and counted. Column
``firing_rate_mean`` is the mean over one LIF layer per convolution of the network *as written*: layers on edges that
lead nowhere fire and count, and those that are never read count as 0 (in the table, a network with one such edge more
has exactly 4/6 of the rate). The forecast is averaged in the same way.
"""

import argparse
import csv
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from common import write
from neuronas.experiments.labels import OPERATION_CODES, read_labels
from neuronas.experiments.ranking import agreement
from neuronas.fitness.calibration import RateCalibration, RateError, calibration
from neuronas.fitness.firing_rate import LifNeuron, RateConstants, forecast_rates, mean_rate
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture, Genotype, node_pairs
from neuronas.space.graph import Node
from neuronas.space.lowering import lower_as_written
from neuronas.space.shape import NetworkShape

Floats = NDArray[np.float64]
CALIBRATION = Path(str(files("neuronas.fitness"))) / "calibration.json"
NEURON = LifNeuron(tau=4 / 3, v_threshold=1.0, v_reset=0.0, timesteps=5)
UNTRAINED = RateConstants(mean=0.0, deviation=1.0, image_deviation=1.0, correlation=0.0)
"""Values at initialisation, for independent pixels."""


class Table:
    """The connected rows of a table: their nodes as written, their functions, and the rates measured after training."""

    def __init__(self, path: Path):
        with path.open(encoding="utf-8", newline="") as file:
            by_id = {row["id"]: row for row in csv.DictReader(file)}
        connected = read_labels(path)
        rows = [row for row in connected if float(by_id[row.row_id]["firing_rate_mean"]) > 0]
        self.n_unmeasured = len(connected) - len(rows)
        keys = [architecture_key(row.architecture) for row in rows]
        number = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        self.dataset = path.stem.removeprefix("spikenas-bench-").removesuffix("-dev")
        self.functions = np.array([number[key] for key in keys])
        self.rates = np.array([float(by_id[row.row_id]["firing_rate_mean"]) for row in rows])
        self.nodes = [_nodes(by_id[row.row_id]) for row in rows]
        self.has_dead_edges = np.array([_written(by_id[row.row_id]) != row.architecture for row in rows])

    def forecast(self, constants: RateConstants, chosen: NDArray[np.bool_] | None = None) -> Floats:
        """Mean rate of the chosen rows, or of all rows."""
        rows = range(len(self.nodes)) if chosen is None else np.flatnonzero(chosen)
        return np.array(
            [mean_rate(self.nodes[row], forecast_rates(self.nodes[row], NEURON, constants)) for row in rows]
        )


def _written(row: dict[str, str]) -> Architecture:
    columns = [f"op_{low}{high}" for low, high in node_pairs(4)]
    return Architecture((Genotype(tuple(OPERATION_CODES[int(row[column])] for column in columns)),))


def _nodes(row: dict[str, str]) -> Sequence[Node]:
    return lower_as_written(_written(row), NetworkShape(3, 32, 10, 128, head="gap"))


def fitted(table: Table, chosen: NDArray[np.bool_]) -> RateConstants:
    """Least squares (Huber) of the forecast and the measured rate, in percent."""

    def residuals(x: Floats) -> Floats:
        return 100 * (table.forecast(RateConstants(*map(float, x)), chosen) - table.rates[chosen])

    limits = ([-3, 0.1, 0.1, 0], [3, 5, 5, 1])
    found = least_squares(residuals, [-0.3, 1.0, 1.5, 0.3], bounds=limits, loss="huber", max_nfev=30)
    return RateConstants(*map(float, found.x))


def error(table: Table, forecast: Floats, chosen: NDArray[np.bool_] | None = None) -> RateError:
    """Errors of the forecasts; ``chosen``: rows, None: all."""
    chosen = np.ones(len(forecast), bool) if chosen is None else chosen
    mine, measured = forecast[chosen], table.rates[chosen]
    factors = np.exp(np.abs(np.log(mine / measured)))
    return RateError(
        dataset=table.dataset,
        n=len(mine),
        rho=round(agreement(mine.tolist(), measured.tolist()).rho, 3),
        median_factor=round(float(np.median(factors)), 3),
        factor_of_9_in_10=round(float(np.quantile(factors, 0.9)), 3),
    )


def write_calibration(**sections: object) -> None:
    """Replace sections of the package's ``calibration.json``."""
    everything = calibration().model_copy(update=sections)
    CALIBRATION.write_text(everything.model_dump_json(indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Fit, report and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    table = Table(given.labels)
    half = (np.random.default_rng(given.seed).random(table.functions.max() + 1) < 0.5)[table.functions]
    forecast, constants = np.empty(len(half)), []
    for on in (half, ~half):
        constants.append(fitted(table, on))
        forecast[~on] = table.forecast(constants[-1], ~on)
        print(constants[-1], flush=True)
    chosen = RateConstants(**{name: round(value, 3) for name, value in asdict(constants[0]).items()})
    others = [(other, other.forecast(chosen)) for other in map(Table, given.others)]
    errors = [error(table, forecast), *(error(*one) for one in others)]
    found = RateCalibration(
        constants=chosen, timesteps=NEURON.timesteps, operations=("conv_3x3", "skip"), errors=tuple(errors)
    )
    write_calibration(firing_rate=found)
    tables = [(table, forecast), *others]
    write(
        "fit_firing_rate",
        {
            "seed": given.seed,
            "constants": [asdict(one) for one in constants],
            "held out": [one.model_dump() for one in errors],
            "without dead edges": [error(*one, ~one[0].has_dead_edges).model_dump() for one in tables],
            "nothing fitted": [error(one, one.forecast(UNTRAINED)).model_dump() for one, _ in tables],
            "not measured": {one.dataset: one.n_unmeasured for one, _ in tables},
        },
    )


if __name__ == "__main__":
    main()

"""Finds shifted labels of SpikeNAS-Bench by their id, and evaluates ``path-information`` without them.

    python benchmarks/shifted_labels.py --labels FILE.csv --dataset imagefolder:DIR --entropies FILE.json

Accuracy minus ``path-information`` (constants of the other half, from the results of ``fit_path_information.py``) is
ordered by id and split where its mean jumps (least squares with a penalty per split). A step between two ids is
unlikely to be a property of networks; each piece is checked with rows of other ids that compute the same function. The
spike entropies of the networks are kept in ``--entropies``, which is written if it does not exist.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.model_selection import GroupKFold, cross_val_predict

from common import RESULTS, write
from fit_path_information import Function, record, report
from neuronas.experiments.labels import LabelledNetwork, read_labels
from neuronas.experiments.ranking import agreement
from neuronas.fitness.path_information import Coefficients
from neuronas.space.canonical import architecture_key

Floats = NDArray[np.float64]
LARGEST_RESIDUAL = 1.2
"""Limit of residuals, points; larger ones are clipped."""
NOISE, PENALTY = 0.42, 28.0
"""Standard deviation of residuals, points; required gain of a split, in squares of the standard deviation."""
SOUND = 0.2
"""Points; pieces with means closer to zero are the reference."""


def entropies(rows: list[LabelledNetwork], given: argparse.Namespace) -> dict[str, Function]:
    """Spike entropies of each distinct function, read from ``--entropies`` or measured and stored there."""
    cells = {architecture_key(row.architecture): row.architecture.cells[0] for row in reversed(rows)}
    if given.entropies.exists():
        kept = json.loads(given.entropies.read_text(encoding="utf-8"))
        return {
            key: Function(cells[key], [{int(edge): h for edge, h in place.items()} for place in places])
            for key, places in kept
        }
    found = record(rows, given)
    kept = [(key, function.entropies) for key, function in found.items()]
    given.entropies.write_text(json.dumps(kept), encoding="utf-8")
    return found


def cross_fitted(functions: dict[str, Function], seed: int) -> dict[str, float]:
    """``path-information`` with the constants of the half that does not contain the function, in points of accuracy."""
    document = json.loads((RESULTS / f"fit_path_information-seed{seed}.json").read_text(encoding="utf-8"))
    # The first constants are those of the functions chosen here, as in ``fit_path_information.py``.
    chosen = np.random.default_rng(seed).random(len(functions)) < 0.5
    found = {}
    for (key, function), first in zip(functions.items(), chosen.tolist(), strict=True):
        constants = dict(document["path-information"]["coefficients"][1 if first else 0])
        found[key] = constants.pop("constant") + function.value(Coefficients(**constants))
    return found


def pieces(values: Floats) -> list[slice]:
    """Split a sequence where its mean jumps: smallest sum of squares plus ``PENALTY`` per piece."""
    n, price = len(values), PENALTY * NOISE**2
    sums, squares = np.r_[0, np.cumsum(values)], np.r_[0, np.cumsum(values**2)]
    best, before = np.zeros(n + 1), np.zeros(n + 1, dtype=int)
    for end in range(1, n + 1):
        start = np.arange(end)
        cost = best[:end] + price + squares[end] - squares[:end] - (sums[end] - sums[:end]) ** 2 / (end - start)
        before[end] = int(cost.argmin())
        best[end] = cost[before[end]]
    found = []
    end = n
    while end:
        found.append(slice(int(before[end]), end))
        end = int(before[end])
    return found[::-1]


def twins_apart(keys: list[str], accuracy: Floats, here: NDArray[np.bool_], sound: NDArray[np.bool_]) -> dict[str, Any]:
    """Mean difference between the rows of a piece and reference rows of the same function, and its standard error."""
    members: dict[str, list[int]] = {}
    for index, key in enumerate(keys):
        members.setdefault(key, []).append(index)
    differences, weights = [], []
    for some in members.values():
        own = [index for index in some if here[index]]
        others = [index for index in some if sound[index] and not here[index]]
        if own and others:
            differences.append(float(accuracy[own].mean() - accuracy[others].mean()))
            weights.append(1 / (1 / len(own) + 1 / len(others)))
    if len(weights) < 2:
        return {"n_functions": len(weights)}
    d, w = np.array(differences), np.array(weights)
    mean = float((d * w).sum() / w.sum())
    error = float(np.sqrt((w**2 * (d - mean) ** 2).sum()) / w.sum())
    return {"n_functions": len(d), "difference": round(mean, 2), "standard error": round(error, 2)}


def of_others(keys: Sequence[str], values: Floats) -> Floats:
    """For each row, the mean over all other rows of its function; NaN if there are none."""
    sums: dict[str, float] = {}
    counts: dict[str, int] = {}
    for key, value in zip(keys, values.tolist(), strict=True):
        sums[key], counts[key] = sums.get(key, 0.0) + value, counts.get(key, 0) + 1
    pairs = zip(keys, values.tolist(), strict=True)
    return np.array([(sums[key] - value) / (counts[key] - 1) if counts[key] > 1 else np.nan for key, value in pairs])


def of_twins(keys: list[str], accuracy: Floats) -> dict[str, Any]:
    """Agreement if each row is predicted by the mean of all other rows of its function."""
    predicted = of_others(keys, accuracy)
    there = ~np.isnan(predicted)
    return asdict(agreement(predicted[there].tolist(), accuracy[there].tolist()))


def features(function: Function) -> list[float]:
    """All information that the measure has about a network: skips, entropies of the convolutions, summary; by cell."""
    found: list[float] = []
    for entropies in function.entropies:
        for number, edge in enumerate(function.cell.cleaned.edges):
            found += [float(edge.operation == "skip"), entropies.get(number, -1.0)]
        h = list(entropies.values()) or [0.0]
        found += [float(len(entropies)), float(np.mean(h)), float(np.std(h)), min(h), max(h)]
    return found


def left_over(functions: dict[str, Function], keys: list[str], residual: Floats) -> dict[str, float]:
    """Variance of accuracy minus fitness, points squared: total, within equivalent rows, explained by boosted trees.

    The trees use ``features`` and are cross-fitted to the residual, with equivalent rows in one fold.
    """
    groups = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    number = np.array([groups[key] for key in keys])
    counts = np.bincount(number)
    spread = residual - (np.bincount(number, residual) / counts)[number]
    x = np.array([features(functions[key]) for key in keys])
    trees = HistGradientBoostingRegressor(
        max_iter=150, learning_rate=0.05, max_leaf_nodes=8, min_samples_leaf=40, random_state=0
    )
    predicted = cross_val_predict(trees, x, residual, groups=number, cv=GroupKFold(5))
    return {
        "variance": round(float(residual.var()), 4),
        "among twins": round(float((spread**2).sum() / (counts - 1).sum()), 4),
        "explained by boosted trees": round(float(residual.var() - (residual - predicted).var()), 4),
    }


def main() -> None:
    """Split, check and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--entropies", type=Path, required=True)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = sorted(read_labels(given.labels), key=lambda row: int(row.row_id))
    keys = [architecture_key(row.architecture) for row in rows]
    functions = entropies(rows, given)
    known = cross_fitted(functions, given.seed)
    fitness, accuracy = np.array([known[key] for key in keys]), np.array([row.accuracy for row in rows])
    residual = np.clip(accuracy - fitness, -LARGEST_RESIDUAL, LARGEST_RESIDUAL)
    # Networks without a convolution are far worse than predicted, so they give no information about ids.
    silent = [not any(edge.kind.has_neurons for edge in row.architecture.cells[0].edges) for row in rows]
    residual -= np.median(residual)
    residual[silent] = 0
    found = pieces(residual)
    means = [float(residual[one].mean()) for one in found]
    sound = np.zeros(len(rows), dtype=bool)
    for one, mean in zip(found, means, strict=True):
        sound[one] = abs(mean) < SOUND
    listed = []
    for one, mean in zip(found, means, strict=True):
        here = np.zeros(len(rows), dtype=bool)
        here[one] = True
        span = {"first_id": int(rows[one.start].row_id), "last_id": int(rows[one.stop - 1].row_id)}
        twins = twins_apart(keys, accuracy, here, sound)
        listed.append({**span, "n_rows": int(here.sum()), "residual": round(mean, 2), "twins": twins})
        print(listed[-1], flush=True)
    some = [key for key, good in zip(keys, sound, strict=True) if good]
    write(
        "shifted_labels",
        {
            "pieces": listed,
            "n_sound": int(sound.sum()),
            "path-information, all rows": report(fitness, accuracy, sound),
            "path-information, sound rows": report(fitness[sound], accuracy[sound], np.ones(sound.sum(), dtype=bool)),
            "twins, all rows": of_twins(keys, accuracy),
            "twins, sound rows": of_twins(some, accuracy[sound]),
            "left over, sound rows": left_over(functions, some, (accuracy - fitness)[sound]),
        },
    )


if __name__ == "__main__":
    main()

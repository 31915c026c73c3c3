r"""Do short training, or a readout of untrained networks, predict accuracy beyond what ``path-information`` does?

    python benchmarks/short_training.py --labels FILE.csv --dataset imagefolder:DIR --records FILE.jsonl \
        --entropies FILE.json --name NAME

Draws distinct functions from a table of trained networks, equally many of each depth (longest path of convolutions),
and tests a small version of each network (few channels, small images) on training images in two ways:

* training for a few steps with AdamW, one learning rate cycle, a new batch in every step; then loss and accuracy on
  other images;
* readout: ridge regression from the untrained network's last spikes to the classes, evaluated on other images.

Each function is a line of ``--records``; an interrupted benchmark continues from there. ``--steps 0``: readout only.
Scores are compared, within each depth, with the mean accuracy of a function over its rows from ``--first-id`` on, alone
and in combination with ``path-information``. The combination (a constant and two coefficients) is fitted to one half of
the functions and ranks the other half, and vice versa.

The value of longer training is taken from the table itself: the validation accuracy of *other* rows of the same
function after 10, 40 and 100 epochs, combined with ``path-information`` in the same way. ``--entropies`` is the file of
``shifted_labels.py``.
"""

import argparse
import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from common import write
from fit_path_information import FIRST_ID
from neuronas.data.datasets import open_dataset
from neuronas.experiments.labels import LabelledNetwork, read_labels
from neuronas.experiments.ranking import agreement
from neuronas.fitness.path_information import FITTED
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.lif import observed
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.shape import NetworkShape
from neuronas.training.objective import learning_rate
from shifted_labels import entropies, of_others

Floats = NDArray[np.float64]
Record = dict[str, Any]
N_CLASSES, WARMUP = 10, 0.15
POOLED_SIDES = (1, 4)
PENALTIES = (0.01, 0.1, 1.0)
"""Penalties of the ridge regression, per image, for standardised features."""
N_SAMPLES = 500


class Tests:
    """Both tests for one network.

    Args:
        given: the command line.
    """

    def __init__(self, given: argparse.Namespace):
        self.given = given
        dataset = open_dataset(given.dataset)
        source = dataset.load("train", given.side)
        n = given.steps * given.batch_size + 2 * given.held_out
        chosen = np.random.default_rng([given.seed, 5]).permutation(len(source.labels))[:n]
        pixels = torch.stack([source.read(int(index)) for index in chosen]).float() / 255
        mean, std = (torch.tensor(values)[:, None, None] for values in (dataset.mean, dataset.std))
        self.images, self.labels = (pixels - mean) / std, torch.from_numpy(source.labels[chosen])

    def run(self, architecture: Architecture) -> Record:
        """Train and read out."""
        given = self.given
        shape = NetworkShape(3, given.side, N_CLASSES, given.channels, head="gap")
        settings = ClassifierSettings(
            WeightFormat(32), NeuronParameters(), given.timesteps, low_precision=given.low_precision
        )
        network = Classifier(architecture, shape, settings, given.seed)
        started = process_time()
        found: Record = {"readout": self._readout(network), "readout_s": process_time() - started}
        if given.steps:
            started = process_time()
            found |= {"training": self._trained(network), "training_s": process_time() - started}
        return found

    def _trained(self, network: Classifier) -> Record:
        """Loss of each step (on new images); final loss and accuracy on held-out images."""
        given = self.given
        optimiser = torch.optim.AdamW(network.parameters(), lr=given.learning_rate, weight_decay=0.01)
        network.train()
        losses = []
        for step in range(given.steps):
            for group in optimiser.param_groups:
                group["lr"] = learning_rate("cosine", given.learning_rate, (step + 1) / given.steps, WARMUP)
            batch = slice(
                2 * given.held_out + step * given.batch_size, 2 * given.held_out + (step + 1) * given.batch_size
            )
            loss = F.cross_entropy(network(self.images[batch]).mean(dim=0), self.labels[batch])
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
            losses.append(round(loss.item(), 4))
        network.eval()
        with torch.no_grad():
            held = [network(part).mean(dim=0) for part in self.images[: given.held_out].split(given.batch_size)]
        scores, labels = torch.cat(held), self.labels[: given.held_out]
        return {
            "losses": losses,
            "loss": F.cross_entropy(scores, labels).item(),
            "accuracy": (scores.argmax(dim=1) == labels).double().mean().item(),
        }

    @torch.no_grad()
    def _readout(self, network: Classifier) -> Record:
        """Accuracy and squared error with the best penalty, for each side to which the last spikes are pooled."""
        seen: list[Tensor] = []
        last = list(network.neurons())[-1]
        network.train()
        n = self.given.held_out
        with observed({last: network.neurons()[last]}, lambda _, spikes: seen.append(spikes.float().mean(dim=0))):
            for part in self.images[: 2 * n].split(self.given.batch_size):
                network(part)
        spikes, targets = torch.cat(seen).double(), F.one_hot(self.labels[: 2 * n], N_CLASSES).double()
        found: Record = {}
        for side in POOLED_SIDES:
            x = F.adaptive_avg_pool2d(spikes, side).flatten(1)
            x = (x - x[n:].mean(dim=0)) / (x[n:].std(dim=0) + 1e-6)
            kernel, cross = x[n:] @ x[n:].T / x.shape[1], x[:n] @ x[n:].T / x.shape[1]
            tried = []
            for penalty in PENALTIES:
                weights = torch.linalg.solve(kernel + penalty * torch.eye(n), targets[n:] - 1 / N_CLASSES)
                scores = cross @ weights
                error = (scores - targets[:n] + 1 / N_CLASSES).square().sum(dim=1).mean().item()
                right = (scores.argmax(dim=1) == self.labels[:n]).double().mean().item()
                tried.append((error, right))
            error, right = min(tried)
            found |= {f"error_{side}": error, f"accuracy_{side}": right}
        return found


def drawn(firsts: dict[str, Architecture], labelled: set[str], n: int) -> list[str]:
    """Keys of functions with correct labels, up to ``n`` of each depth, depths in turn."""
    order = np.random.default_rng(1).permutation(sorted(labelled))
    by_depth: dict[int, list[str]] = {}
    for key in order.tolist():
        by_depth.setdefault(firsts[key].cells[0].depth, []).append(key)
    by_depth.pop(0, None)
    return [key for turn in range(n) for keys in by_depth.values() for key in keys[turn : turn + 1]]


def recorded(given: argparse.Namespace, firsts: dict[str, Architecture], keys: list[str]) -> dict[str, Record]:
    """Test the functions without a record; return all records of ``keys``."""
    given.records.touch()
    lines = given.records.read_text(encoding="utf-8").splitlines()
    found = {document["key"]: document for document in map(json.loads, lines)}
    missing = [key for key in keys if key not in found]
    tests = Tests(given) if missing else None
    for key in missing:
        found[key] = {"key": key, **tests.run(firsts[key])}
        with given.records.open("a", encoding="utf-8") as file:
            file.write(json.dumps(found[key]) + "\n")
    return {key: found[key] for key in keys}


def scores_of(one: Record) -> dict[str, float]:
    """Named scores of a record; higher is better."""
    found = {
        f"readout: {what}, spikes pooled to {side}x{side}": sign * one["readout"][f"{what}_{side}"]
        for side in POOLED_SIDES
        for what, sign in (("error", -1), ("accuracy", 1))
    }
    if "training" in one:
        losses = np.array(one["training"]["losses"])
        found |= {
            "training: loss at the end": -one["training"]["loss"],
            "training: accuracy at the end": one["training"]["accuracy"],
            "training: mean loss of all steps": -float(losses.mean()),
            "training: mean loss of the last quarter": -float(losses[-len(losses) // 4 :].mean()),
        }
    return found


@dataclass(frozen=True)
class Table:
    """Entries (functions, or rows of the table): accuracy, ``path-information``, and their half."""

    accuracy: Floats
    known: Floats
    first_half: NDArray[np.bool_]

    def combined(self, score: Floats | None) -> Floats:
        """Accuracy predicted from ``path-information`` and a score by a linear model fitted to the other half."""
        columns = [np.ones_like(self.known), self.known] if score is None else [np.ones_like(score), self.known, score]
        basis, predicted = np.stack(columns, axis=1), np.empty_like(self.known)
        for half in (True, False):
            on = self.first_half == half
            predicted[~on] = basis[~on] @ np.linalg.lstsq(basis[on], self.accuracy[on], rcond=None)[0]
        return predicted

    def gain(self, score: Floats) -> Record:
        """Rank correlations without and with a score; mean and standard deviation of the gain over resamples."""
        without, both = self.combined(None), self.combined(score)
        random = np.random.default_rng(0)
        gains = []
        for _ in range(N_SAMPLES):
            some = random.choice(len(both), len(both))
            gains.append(spearman(both[some], self.accuracy[some]) - spearman(without[some], self.accuracy[some]))
        return {
            "n": len(both),
            "without": asdict(agreement(without.tolist(), self.accuracy.tolist())),
            "with": asdict(agreement(both.tolist(), self.accuracy.tolist())),
            "gain in rho": [round(float(np.mean(gains)), 4), round(float(np.std(gains)), 4)],
        }


def spearman(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation."""
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def left(y: Floats, x: Floats) -> Floats:
    """Residual of y after a linear regression on x."""
    basis = np.stack([np.ones_like(x), x], axis=1)
    return y - basis @ np.linalg.lstsq(basis, y, rcond=None)[0]


def within_depths(table: Table, depths: Floats, score: Floats) -> dict[str, Record]:
    """Rank correlation of a score with accuracy, and of both after removing ``path-information``, within depths."""
    found: dict[str, Record] = {}
    for deep in np.unique(depths).tolist():
        here = depths == deep
        accuracy, known = table.accuracy[here], table.known[here]
        found[f"depth {deep}"] = {
            "n": int(here.sum()),
            "accuracy": round(spearman(score[here], accuracy), 3),
            "left": round(spearman(left(score[here], known), left(accuracy, known)), 3),
        }
    return found


def longer_training(
    given: argparse.Namespace, rows: list[LabelledNetwork], known: dict[str, float]
) -> dict[str, Record]:
    """Gain from the validation accuracy of other rows of the same function, by number of epochs of their training."""
    with given.labels.open(encoding="utf-8", newline="") as file:
        curves = {line["id"]: line for line in csv.DictReader(file)}
    late = [row for row in rows if int(row.row_id) >= given.first_id]
    keys = [architecture_key(row.architecture) for row in late]
    halves = half_of(keys)
    found = {}
    for epochs in (10, 40, 100):
        reached = np.array([float(curves[row.row_id][f"val_accuracy_epoch{epochs}"]) for row in late])
        score = of_others(keys, reached)
        there = np.flatnonzero(~np.isnan(score)).tolist()
        table = Table(
            np.array([late[index].accuracy for index in there]),
            np.array([known[keys[index]] for index in there]),
            np.array([halves[keys[index]] for index in there]),
        )
        found[f"{epochs} epochs, other rows"] = table.gain(score[there])
    return found


def half_of(keys: Iterable[str]) -> dict[str, bool]:
    """Split functions into two halves."""
    distinct = sorted(set(keys))
    return dict(zip(distinct, (np.random.default_rng(0).random(len(distinct)) < 0.5).tolist(), strict=True))


def main() -> None:
    """Record and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--records", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--functions", type=int, default=80, help="functions per depth")
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--side", type=int, default=16)
    parser.add_argument("--timesteps", type=int, default=4)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--held-out", type=int, default=512)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--low-precision", action="store_true")
    parser.add_argument("--first-id", type=int, default=FIRST_ID)
    parser.add_argument("--entropies", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = read_labels(given.labels)
    firsts = {architecture_key(row.architecture): row.architecture for row in reversed(rows)}
    labels: dict[str, list[float]] = {}
    for row in rows:
        if int(row.row_id) >= given.first_id:
            labels.setdefault(architecture_key(row.architecture), []).append(row.accuracy)
    keys = drawn(firsts, set(labels), given.functions)
    records = recorded(given, firsts, keys)
    functions = entropies(rows, given)
    known = {key: function.value(FITTED) for key, function in functions.items()}
    halves = half_of(keys)
    table = Table(
        np.array([np.mean(labels[key]) for key in keys]),
        np.array([known[key] for key in keys]),
        np.array([halves[key] for key in keys]),
    )
    depths = np.array([firsts[key].cells[0].depth for key in keys])
    results: Record = {
        **longer_training(given, rows, known),
        "n_functions": len(keys),
        "mean seconds of a readout": round(float(np.mean([records[key]["readout_s"] for key in keys])), 2),
    }
    if given.steps:
        results["mean seconds of a training"] = round(float(np.mean([records[key]["training_s"] for key in keys])), 2)
    named = [scores_of(records[key]) for key in keys]
    for name in named[0]:
        score = np.array([one[name] for one in named])
        results[name] = {**within_depths(table, depths, score), "combined": table.gain(score)}
    write(f"short_training-{given.name}", results)


if __name__ == "__main__":
    main()

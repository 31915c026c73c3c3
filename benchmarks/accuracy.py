r"""Measures the test accuracy of a search's result: one search, then trainings with several precisions and seeds.

    python benchmarks/accuracy.py imagefolder:DIR --name cifar10 --work FOLDER --seeds 3 --bits 8 --tune 4:2:0.006 \
        --set train.recipe=fast --set network.channels=32

``--set`` is passed to the search and to every training. ``--tune BITS:EPOCHS:RATE`` trains the network of each seed and
of the first precision further with other weight bits, with the whole image side and T and this peak learning rate.

All runs are kept in ``--work``; an interrupted benchmark continues from there. Seeds can be trained on different
machines or days (``--first-seed``): rows of the result file with the same architecture and settings are kept. Test
images are read once, after the last epoch. Result: ``results/accuracy-NAME.json`` with mean and standard deviation, and
for each training its machine, learning curve, time (of the session that finished it), cost by both models and energy at
the measured activity.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

import neuronas
from common import RESULTS, command, machine, public, trained_and_measured, write
from neuronas.runs.costs import CostSummary
from neuronas.runs.directory import TRAINING
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.runs.results import TrainingResult

Row = dict[str, Any]
CURVE = {"epoch", "train_loss", "train_accuracy", "validation_accuracy", "firing_rate", "images_per_s"}
TUNED = (
    "train.early_side=1", "train.full_from=0", "train.early_timesteps=0", "train.timesteps_from=0",
    "train.warmup_epochs=0.1",
)  # fmt: skip
"""Settings of a training that starts from a trained network."""


class Training(NamedTuple):
    """One training.

    Attributes:
        name: name of its run directory.
        weight_bits: weight bits.
        seed: random seed.
        assignments: settings.
        tuned_from: weight bits of the trained network from which it starts; None: from random weights.
    """

    name: str
    weight_bits: int
    seed: int
    assignments: list[str]
    tuned_from: int | None = None


def trainings(given: argparse.Namespace) -> Iterator[Training]:
    """All trainings, in order."""
    precisions = list(map(int, given.bits.split(",")))
    for seed in range(given.first_seed, given.first_seed + given.seeds):
        for bits in precisions:
            yield Training(f"bits{bits}-seed{seed}", bits, seed, given.set)
        for bits, epochs, rate in (one.split(":") for one in given.tune):
            own = [*given.set, *TUNED, f"train.epochs={epochs}", f"train.learning_rate={rate}"]
            own.append(f"train.start_from={given.work / f'bits{precisions[0]}-seed{seed}'}")
            yield Training(f"tuned{bits}-seed{seed}", int(bits), seed, own, precisions[0])


def trained(given: argparse.Namespace, one: Training) -> Row:
    """Train and evaluate once."""
    run = given.work / one.name
    measured = trained_and_measured(
        given.work / "search", run, assignments=one.assignments, weight_bits=one.weight_bits, seed=one.seed
    )
    result = TrainingResult.read(run / TRAINING)
    return {
        "weight_bits": one.weight_bits,
        **({} if one.tuned_from is None else {"tuned_from_bits": one.tuned_from}),
        "seed": one.seed,
        "test_accuracy": measured.top1,
        "interval_95": measured.interval_95(measured.top1),
        "validation_accuracy": measured.validation_accuracy,
        "n_training": result.n_training,
        "n_test": measured.n_images,
        "seconds": round(result.seconds, 1),
        "machine": machine(),
        "cost": cost(measured.cost),
        "cost_at_trace": measured.cost_at_trace and cost(measured.cost_at_trace),
        "curve": [epoch.model_dump(include=CURVE) for epoch in read_epochs(run / METRICS)],
    }


def cost(summary: CostSummary) -> Row:
    """Total costs."""
    return {
        name: getattr(summary, name)
        for name in ("cost_model", "hardware", "parameters", "area_mm2", "latency_ms", "energy_uj")
    }


def main() -> None:
    """Search and train; write the result after each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="name, or imagefolder:DIR")
    parser.add_argument("--name", required=True, help="name of the result file")
    parser.add_argument("--work", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3, help="number of random seeds of each precision")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--bits", default="8", help="precisions, separated by commas")
    parser.add_argument("--tune", action="append", default=[], metavar="BITS:EPOCHS:RATE")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    search = neuronas.search(
        config={"data": {"name": given.dataset}}, assignments=given.set, out=given.work / "search", resume="auto"
    )
    facts = {
        "architecture": search.summary.architecture,
        "settings": [public(one) for one in given.set],
        "timesteps": search.plan.config.network.timesteps,
    }
    known = earlier(given.name, facts)
    rows = {place(row): row for row in known.get("rows", ())}
    facts.update({key: known[key] for key in ("note", "now_add") if key in known})
    commands = [known["command"]] if known else []
    for one in trainings(given):
        row = trained(given, one)
        print(f"{one.name}: {row['test_accuracy']:.2%}", flush=True)
        rows[place(row)] = row
        ordered = [rows[key] for key in sorted(rows)]
        all_commands = dict.fromkeys("; ".join([*commands, command()]).split("; "))
        write(
            f"accuracy-{given.name}",
            {**facts, "command": "; ".join(all_commands), "summary": summary(ordered), "rows": ordered},
        )


def earlier(name: str, facts: Row) -> Row:
    """An earlier result with the same architecture and settings, with the machine of each row; empty if there is none.

    The fitness may differ: it only chooses the architecture, and its default has changed since some results.
    """
    path = RESULTS / f"accuracy-{name}.json"
    if not path.is_file():
        return {}
    known: Row = json.loads(path.read_text(encoding="utf-8"))
    if any(for_training(known)[key] != value for key, value in for_training(facts).items()):
        raise SystemExit(f"{path}: expected the same architecture, settings and T; give another --name")
    rows = [{"machine": known["machine"], **row} for row in known["rows"]]
    return {**known, "rows": rows}


def for_training(facts: Row) -> Row:
    """What decides a training: the facts without the settings of the fitness."""
    return {**facts, "settings": [one for one in facts["settings"] if not one.startswith("fitness.")]}


def place(row: Row) -> tuple[int, ...]:
    """Weight bits before tuning (0: not tuned), weight bits and random seed."""
    return row.get("tuned_from_bits", 0), row["weight_bits"], row["seed"]


def summary(rows: list[Row]) -> Row:
    """Mean and standard deviation of the test accuracy in percent, by precision."""
    found: Row = {}
    for tuned_from, bits in dict.fromkeys(place(row)[:2] for row in rows):
        values = [100 * row["test_accuracy"] for row in rows if place(row)[:2] == (tuned_from, bits)]
        found[f"{bits} bits" + (f", tuned from {tuned_from} bits" if tuned_from else "")] = {
            "n": len(values),
            "mean": round(fmean(values), 2),
            "standard deviation": round(stdev(values), 2) if len(values) > 1 else None,
        }
    return found


if __name__ == "__main__":
    main()

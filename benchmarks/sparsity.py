"""What a point of accuracy costs: firing-rate penalty and pruning, as accuracy against energy at measured activity.

    python benchmarks/sparsity.py digits --work FOLDER [--seeds 3]
    python benchmarks/sparsity.py digits --draw

Trains one architecture at several strengths of ``--rate-weight`` and at several shares of ``--sparsity`` (recipe
``fast``). The cost of each network at the input rates measured on test images is estimated for the default chip and for
one with measured arrays that reads few rows at once. What is in ``--work`` is not trained again. ``--draw`` writes
``docs/pictures/sparsity.svg`` from the result file.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

import neuronas
from common import RESULTS, save_picture, trained_and_measured, write
from neuronas.report.charts import Chart, View, colours, data, name, number
from neuronas.report.style import series
from neuronas.runs.directory import EVALUATION

ARCHITECTURE = "|conv_3x3~0|+|avg_pool_3x3~0|conv_3x3~1|+|skip~0|conv_3x3~1|conv_3x3~2|"
"""Found by ``neuronas search --dataset digits --channels 16 --seed 0``."""
NETWORK = {"channels": 16, "timesteps": 4, "weight_bits": 8}
EPOCHS = 40
PLAIN, PENALTY, PRUNED = "neither", "firing-rate penalty", "pruned"
KINDS = {
    PLAIN: ("", (0,)),
    PENALTY: ("rate_weight", (3, 10, 30, 100)),
    PRUNED: ("sparsity", (0.5, 0.8, 0.9, 0.95)),
}  # fmt: skip
"""Setting and values of each kind."""
CHIPS = ("spikeflow-rram", "xue-rram")
PICTURE = "sparsity.svg"
LOWEST = 90
"""Lowest accuracy in the picture, in percent."""
Row = dict[str, Any]


def measured(dataset: str, work: Path, kind: str, value: float, seed: int) -> Row:
    """Train and evaluate once."""
    setting, _ = KINDS[kind]
    run = work / f"{setting or 'plain'}-{value}-{seed}"
    options = {setting: value} if setting else {}
    found = trained_and_measured(
        ARCHITECTURE, run, dataset=dataset, recipe="fast", epochs=EPOCHS, seed=seed, **NETWORK, **options
    )
    energy = {
        chip: neuronas.estimate(
            ARCHITECTURE, dataset=dataset, hardware=chip, activity="trace", trace=str(run / EVALUATION), **NETWORK
        ).cost.energy_uj
        for chip in CHIPS
    }
    return {
        "kind": kind,
        "value": value,
        "seed": seed,
        "accuracy": found.top1,
        "spikes_per_image": found.spikes_per_image,
        "operations_per_image": found.synaptic_operations_per_image,
        "energy_uj": {chip: round(one, 4) for chip, one in energy.items()},
    }


def means(rows: list[Row]) -> list[Row]:
    """Means and standard deviations over the random seeds."""
    found = []
    for kind, (_, values) in KINDS.items():
        for value in values:
            own = [row for row in rows if (row["kind"], row["value"]) == (kind, value)]
            accuracy = [100 * row["accuracy"] for row in own]
            found.append(
                {
                    "kind": kind,
                    "value": value,
                    "n": len(own),
                    "accuracy": round(float(np.mean(accuracy)), 2),
                    "standard deviation": round(float(np.std(accuracy, ddof=1)), 2) if len(own) > 1 else None,
                    "spikes_per_image": round(float(np.mean([row["spikes_per_image"] for row in own]))),
                    "operations_per_image": round(float(np.mean([row["operations_per_image"] for row in own]))),
                    **{
                        f"{chip}, µJ": round(float(np.mean([row["energy_uj"][chip] for row in own])), 3)
                        for chip in CHIPS
                    },
                }
            )
    return found


def draw(rows: list[Row]) -> None:
    """Accuracy against energy on each chip, and against operations; points of one kind joined in order of strength."""
    axes = {f"{chip}, µJ": f"energy on {chip}, µJ" for chip in CHIPS} | {
        "operations_per_image": "accumulations per image"
    }
    save_picture(Chart("Sparsity", tuple(_view(rows, *axis) for axis in axes.items()), columns=3, width=1000), PICTURE)


def _view(rows: list[Row], field: str, title: str) -> View:
    plain = next(row for row in rows if row["kind"] == PLAIN)
    kinds = [kind for kind in KINDS if kind != PLAIN]
    points = [
        {"kind": kind, "x": row[field], "accuracy": row["accuracy"], "value": f"{row['value']:g}", "order": place}
        for kind in kinds
        for place, row in enumerate([plain, *(row for row in rows if row["kind"] == kind)])
        if row["accuracy"] >= LOWEST
    ]
    encoding = {
        "x": number("x", title, scale={"zero": False}),
        "y": number("accuracy", "test accuracy, %", scale={"zero": False}),
        "color": name("kind", **colours(kinds, [series(place) for place in range(len(kinds))])),
    }
    order = {"field": "order", "type": "ordinal"}
    return data(points) | {
        "height": 170,
        "encoding": encoding,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": {"order": order}},
            {"mark": {"type": "point", "filled": True, "size": 40, "opacity": 1}},
            _labels(PENALTY, dy=-9),
            _labels(PRUNED, dx=-7, dy=5, align="right"),
        ],
    }


def _labels(kind: str, **offset: int | str) -> View:
    """Strengths of one kind beside its points."""
    return {
        "transform": [{"filter": f"datum.order > 0 && datum.kind == '{kind}'"}],
        "mark": {"type": "text", "fontSize": 10} | offset,
        "encoding": {"text": {"field": "value"}},
    }


def main() -> None:
    """Train what is missing, write; or draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset")
    parser.add_argument("--work", type=Path, help="folder of the runs")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--draw", action="store_true", help="draw the result file")
    given = parser.parse_args()
    result = f"sparsity-{given.dataset}"
    if given.draw:
        draw(json.loads((RESULTS / f"{result}.json").read_text(encoding="utf-8"))["means"])
        return
    if given.work is None:
        parser.error("--work FOLDER or --draw expected")
    torch.set_num_threads(1)
    rows = []
    for seed in range(given.seeds):
        for kind, (_, values) in KINDS.items():
            for value in values:
                rows.append(measured(given.dataset, given.work, kind, value, seed))
                print(rows[-1], flush=True)
    write(result, {"architecture": ARCHITECTURE, **NETWORK, "epochs": EPOCHS, "means": means(rows), "rows": rows})


if __name__ == "__main__":
    main()

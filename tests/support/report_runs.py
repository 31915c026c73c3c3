"""Run directories for tests of the report, written without data or a network."""

import json
from pathlib import Path
from random import Random

import numpy as np

from neuronas.api.compose import plan
from neuronas.config import RunConfig, validate, write_config, write_json
from neuronas.hardware.budget import rejected
from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.document import cost_document
from neuronas.runs.architectures import architecture_document
from neuronas.runs.directory import environment
from neuronas.runs.history import History
from neuronas.runs.history_file import CandidateRow
from neuronas.search.loop import Found
from neuronas.search.result import result_document
from neuronas.space.genotype import Architecture, Edge, Genotype
from neuronas.space.notation import format_architecture
from neuronas.space.workload import Workload, rows

OPERATIONS = ("skip", "conv_3x3", "avg_pool_3x3")


def make_run(directory: Path, n: int = 60, seed: int = 0, settings: dict | None = None) -> Path:
    """A finished search of n random architectures with made-up fitness; candidates above the energy budget rejected."""
    directory.mkdir(parents=True)
    run = plan(validate(RunConfig, {"seed": seed, "budget": {"max_energy_uj": 3.5}} | (settings or {}), "test"))
    draw = Random(seed)
    drawn = [
        Architecture(tuple(Genotype(tuple(Edge(draw.choice(OPERATIONS)) for _ in range(6))) for _ in range(2)))
        for _ in range(n)
    ]
    work = Workload(run.shape, run.space.nodes)
    totals = run.cost_model.totals(work.slots, work.occupancy(drawn))
    costs = np.stack([getattr(totals, name) for name in BUDGETED], axis=1).tolist()
    broken = [",".join(limits) for limits in rejected(run.budget.excess(totals))]
    fitness = [200 + 100 * draw.random() for _ in drawn]
    history = History(directory / "history.sqlite")
    history.add_candidates(
        CandidateRow(i, 0, format_architecture(drawn[i]), str(i), *costs[i], broken[i]) for i in range(n)
    )
    for i in range(n):
        if not broken[i]:
            history.add_fitness(str(i), i, fitness[i], 0.01, screened=False)
    history.close()
    best = max((i for i in range(n) if not broken[i]), key=fitness.__getitem__)
    network = run.config.network
    cost = run.cost_model.estimate(rows(drawn[best], run.shape))
    document = cost_document(
        format_architecture(drawn[best]), run.config.hardware.accelerator, run.cost_model.name, network.weight_bits,
        network.timesteps, cost,
    )  # fmt: skip
    n_rejected = {name: sum(name in limits for limits in broken) for name in run.budget.limits}
    found = Found(drawn[best], fitness[best], n, n - sum(map(bool, broken)), n, n_rejected)
    write_config(directory / "config.yaml", run.config)
    write_json(directory / "environment.json", environment())
    write_json(directory / "architecture.json", architecture_document(drawn[best]))
    write_json(directory / "result.json", result_document(run.config, run.budget, found, cost, document, 1.5, 100.0))
    return directory


def add_training(directory: Path) -> None:
    """Epochs, an evaluation and chips, as ``train`` and ``evaluate`` write them."""
    epochs = [
        {"epoch": i, "train_loss": 2 / i, "train_accuracy": 1 - 0.5 / i, "validation_accuracy": 0.9, "firing_rate": 0.1}
        for i in range(1, 5)
    ]
    (directory / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in epochs))
    evaluation = {
        "split": "test", "n_images": 359, "epoch": 4, "weight_bits": 8, "top1": 0.9625, "top5": 1.0,
        "per_class": [1.0, None], "confusion": [[3, 1], [0, 0]], "accuracy_by_bits": {"float": 0.97, "8": 0.9625},
        "firing_rates": {"cells.0.node0": 0.125}, "spikes_per_image": 4616.7, "synaptic_operations_per_image": 827490.0,
        "multiplications_per_image": 35500.0, "literature_energy_uj": 0.908,
    }  # fmt: skip
    write_json(directory / "evaluation.json", evaluation)
    chip = {
        "hardware": "spikeflow-rram", "seed": 3, "n_images": 359, "n_chips": 20, "top1_mean": 0.9321, "top1_std": 0.01,
        "top1_interval_95": [0.92, 0.94], "quantised_network_top1": 0.9625,
        "layers": {"A.01": {"snr_db": 21.5, "adc_saturation": 0.01}},
        "model": {
            "non_idealities": ["adc"], "sign_scheme": "differential", "write_variation": 0.1, "read_noise": 0.02,
            "adc_bits": 4,
        },
        "ablation": [{"name": "only adc", "n_chips": 20, "top1_mean": 0.95, "top1_std": 0.01, "loss": 0.0125}],
    }  # fmt: skip
    write_json(directory / "chip.json", chip)

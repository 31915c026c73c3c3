"""Run directories for tests of the report, written without data or a network."""

from math import inf
from pathlib import Path
from random import Random

import numpy as np

from neuronas.api.setup.compose import plan
from neuronas.config import given, merged
from neuronas.hardware.budget import rejected
from neuronas.hardware.units import BUDGETED
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.chip_evaluations import (
    ChipAblation,
    ChipEvaluation,
    ChipTime,
    LayerQuality,
    SimulatedChip,
    chip_file,
)
from neuronas.runs.config_file import write_config
from neuronas.runs.environment import Environment
from neuronas.runs.evaluations import Evaluation, LayerOperations
from neuronas.runs.history import History
from neuronas.runs.history_file import CandidateRow
from neuronas.runs.metrics import Epoch
from neuronas.runs.results import SearchSummary
from neuronas.space.genotype import Architecture, Edge, Genotype
from neuronas.space.notation import format_architecture
from neuronas.space.workload import Workload, rows

OPERATIONS = ("skip", "conv_3x3", "avg_pool_3x3")
BUDGET = {"budget": {"max_energy_uj": 3.5}}
BY_PAPER = {"hardware": {"cost_model": "paper"}, "network": {"head": "linear"}}


def make_run(directory: Path, n: int = 60, seed: int = 0, settings: dict | None = None) -> Path:
    """A finished search of n random architectures with artificial fitness, those over the energy budget rejected."""
    directory.mkdir(parents=True)
    run = plan(given(merged(BY_PAPER, BUDGET, {"seed": seed}, settings or {}), "test"))
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
    cost = run.cost_model.estimate(rows(drawn[best], run.shape))
    n_rejected = {name: sum(name in limits for limits in broken) for name in run.budget.limits}
    write_config(directory / "config.yaml", run.config)
    Environment.of_run({}).write(directory / "environment.json")
    ArchitectureFile.of(drawn[best]).write(directory / "architecture.json")
    SearchSummary(
        architecture=format_architecture(drawn[best]),
        fitness=fitness[best],
        cost=run.cost_report(drawn[best], cost).summary,
        budget=run.config.budget.model_dump(),
        violations={},
        n_candidates=n,
        n_evaluated=n - sum(map(bool, broken)),
        rejected=n_rejected,
        seconds=1.5,
        peak_memory_mb=100.0,
        seed=seed,
        dataset=run.config.data.name,
        space=run.config.space,
        algorithm=run.config.search.algorithm,
    ).write(directory / "result.json")
    return directory


def add_training(directory: Path) -> None:
    """Epochs, an evaluation and chips, as written by ``train`` and ``evaluate``."""
    epochs = [
        Epoch(
            epoch=i, train_loss=2 / i, train_accuracy=1 - 0.5 / i, validation_accuracy=0.9, learning_rate=0.001,
            firing_rate=0.1, sparsity=0.0, images_per_s=100.0, is_best=True,
        )
        for i in range(1, 5)
    ]  # fmt: skip
    (directory / "metrics.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in epochs))
    cost = SearchSummary.read(directory / "result.json").cost
    Evaluation(
        run=str(directory), dataset="digits", split="test", n_images=359, epoch=4, validation_accuracy=0.9,
        spiking=True, weight_bits=8, top1=0.9625, top5=1.0, per_class=(1.0, None), confusion=((3, 1), (0, 0)),
        accuracy_by_bits={"float": 0.97, "8": 0.9625}, firing_rates={"A.0.lif": 0.125},
        layers={"A.01": LayerOperations(input_rate=0.1, operations=1000.0, spiking=True)}, spikes_per_image=4616.7,
        synaptic_operations_per_image=827490.0, multiplications_per_image=35500.0, literature_energy_uj=0.908,
        cost=cost, cost_at_trace=None,
    ).write(directory / "evaluation.json")  # fmt: skip
    chips = {"n_chips": 20, "top1_std": 0.01, "top1_per_chip": (0.93,) * 20}
    model = SimulatedChip(
        non_idealities=("adc",), sign_scheme="differential", bits_per_cell=1, crossbar_size=64,
        on_resistance_ohm=2e4, off_resistance_ohm=inf, write_variation=0.1, variation="normal", read_noise=0.02,
        stuck_on_share=0.0, stuck_off_share=0.0, column_resistance_ohm=5.0, adc_bits=4, gain_calibration=True,
    )  # fmt: skip
    ChipEvaluation(
        run=str(directory), dataset="digits", split="test", n_images=359, n_calibration_images=128,
        hardware="spikeflow-rram", weight_bits=8, timesteps=5, seed=3, model=model, quantised_network_top1=0.9625,
        top1_mean=0.9321, top1_interval_95=(0.92, 0.94), **chips,
        layers={"A.01": LayerQuality(snr_db=21.5, adc_saturation=0.01)},
        ablation=(
            ChipAblation(
                name="only adc", non_idealities=("adc",), loss=0.0125, top1_mean=0.95, top1_interval_95=None, **chips
            ),
        ),
        times=tuple(
            ChipTime(after_s=time, extrapolated=False, loss=0.0, top1_mean=0.93, top1_interval_95=(0.92, 0.94), **chips)
            for time in (20.0, 86400.0)
        ),
        seconds=2.5,
    ).write(chip_file(directory, "spikeflow-rram"))  # fmt: skip

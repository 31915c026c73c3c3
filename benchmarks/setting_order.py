"""Compares the settings that ``design`` tries first: by the fitness of networks at each setting, or by size.

    python benchmarks/setting_order.py --cifar10 imagefolder:DIR --fashion-mnist DIR --work FOLDER [--processes 2]

For each data set and energy budget, the cells are surveyed once (16×16 pixels). The first setting of each order, with
its fittest candidate, is trained with each random seed as the networks of ``benchmarks/trained_networks.py`` are:
accuracy is measured on images of the training part that were not used otherwise. Trainings are kept in ``--work``.
"""

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

import numpy as np

from common import write
from neuronas.api.designing.choice import Surveyed, axes_of, survey_plan
from neuronas.api.searching.search import Search
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import planned
from neuronas.runs.directory import CONFIG, HISTORY
from neuronas.runs.network_setting import NetworkSetting
from neuronas.search.settings import Room, diagonal, rooms
from trained_networks import EPOCHS, SIDE, TASKS, Training, train

BUDGETS = (15.0, 30.0)
"""Limits on the energy per image, in µJ, at which few settings are possible."""


@dataclass(frozen=True)
class First:
    """The first setting of an order."""

    dataset: str
    max_energy_uj: float
    order: str
    setting: NetworkSetting
    architecture: str
    energy_uj: float

    def training(self, seed: int) -> Training:
        """Its training with a random seed."""
        name = f"{self.dataset}-{self.max_energy_uj:g}-{self.order.replace(' ', '-')}-s{seed}"
        values = self.setting
        return Training(
            name, self.dataset, "neuronas", self.architecture, 0, values.channels, SIDE,
            TASKS[self.dataset].n_training, EPOCHS, values.weight_bits, values.timesteps, seed,
        )  # fmt: skip


def firsts(name: str, where: str, work: Path) -> Iterator[First]:
    """The first setting of both orders under each budget."""
    data = {"dataset": where} if where.startswith("imagefolder:") else {"dataset": name, "data_dir": where}
    for budget in BUDGETS:
        run = planned("design", {**data, "image_side": SIDE, "max_energy_uj": budget})
        axes, place = axes_of(run, is_resumed=False), work / f"survey-{name}"
        search = Search(place, survey_plan(run, axes), resume=(place / CONFIG).is_file())
        search.run(None, download=False, scan_images=False)
        surveyed = Surveyed.read(run, place / HISTORY)
        best = surveyed.choice(axes).contenders[0]
        yield First(name, budget, "by fitness", best.setting, best.architecture, best.energy_uj)
        chosen = by_size(run, surveyed, axes.settings)
        text = surveyed.candidates.architectures[chosen.best]
        yield First(name, budget, "by size", chosen.setting, text, float(chosen.totals.energy_uj[chosen.best]))


def by_size(run: Plan, surveyed: Surveyed, settings: Sequence[NetworkSetting]) -> Room:
    """The first setting of the order that compares cells by fitness and networks by size."""
    cells = np.asarray(surveyed.candidates.fitness)

    found = rooms(settings, lambda setting: (surveyed.totals(run.at(setting)), cells), run.budget)
    return diagonal(found, cells)[0]


def main() -> None:
    """Choose, train, report, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cifar10", required=True, help="imagefolder:DIR")
    parser.add_argument("--fashion-mnist", required=True, help="folder that holds fashion-mnist/*.gz")
    parser.add_argument("--work", type=Path, required=True, help="folder of the surveys and trainings")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    given = parser.parse_args()
    where = {"cifar10": given.cifar10, "fashion-mnist": given.fashion_mnist}
    chosen = [one for name, place in where.items() for one in firsts(name, place, given.work)]
    for one in chosen:
        print(one, flush=True)
    trainings = [one.training(seed) for seed in range(given.seeds) for one in chosen]
    known = given.work / "trained.json"
    accuracy: dict[str, float] = json.loads(known.read_text(encoding="utf-8")) if known.exists() else {}
    missing = [row for row in trainings if row.id not in accuracy]
    with ProcessPoolExecutor(given.processes, mp_context=get_context("spawn")) as pool:
        for found in pool.map(train, missing, [where[row.dataset] for row in missing]):
            accuracy[found.id] = found.test_accuracy
            known.write_text(json.dumps(accuracy), encoding="utf-8")
            print(found.id, found.test_accuracy, found.seconds, flush=True)
    rows = [
        {**asdict(one), "setting": one.setting.plain(), "accuracy_percent": values, "mean": round(fmean(values), 2)}
        for one in chosen
        if (values := [accuracy[one.training(seed).id] for seed in range(given.seeds)])
    ]
    write("setting_order", {"epochs": EPOCHS, "image_side": SIDE, "seeds": given.seeds, "rows": rows})


if __name__ == "__main__":
    main()

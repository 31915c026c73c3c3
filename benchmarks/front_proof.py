r"""Evaluates the front of ``neuronas design --design`` against narrower searches and against trained networks.

    python benchmarks/front_proof.py digits --work FOLDER [--design all] [--seeds 5]
    python benchmarks/front_proof.py digits --work FOLDER --train joint,tuned,networks,chips [--designs 12] [--chips 20]
    python benchmarks/front_proof.py imagefolder:DIR --name cifar10 --work FOLDER --set data.image_side=16 \
        --set design.channels_choices=4,8,16

Four searches with the same cells, costs and expected errors, on chips with the errors of ``rram-wan-2022`` one day
after programming:

* ``joint``: network and chip (the front of ``design --design``);
* ``tuned``: all networks on one chip: the chip of ``chips`` with the smallest energy-delay-area product among those
  with at most the expected error of the preset chip;
* ``networks``: all networks on the preset chip;
* ``chips``: all chips for one network: the fittest cells at the widest setting with most time steps and bits.

The fronts are compared by hypervolume in expected error, energy, latency and area. Boxes: ``whole``, logarithmic, from
the best to the worst value of the joint front; ``usable``, the same with at most twice its smallest error; ``linear``,
like ``whole`` without logarithms. Volumes are fractions of 131,072 quasi-random points (scrambled Sobol, random seed 0)
dominated by a front.

``exhaustive``: each space is searched completely. ``equal``: the same number of costed designs for each, drawn without
replacement and with equal probability from the designs that remain after the bounds of ``search.joint``; the random
seed only affects this draw. A space with fewer designs is searched completely. ``regret``: on ``REGRET``, the loss of
the front at its resolution compared with the hypervolume of all designs, each costed without bounds.

``--train``: for each given search, ``--designs`` designs, each adding most to the hypervolume (box ``whole``) of the
previous ones, are trained (recipe ``fast``, random seed 0) and simulated on ``--chips`` of these chips. Each is a row
of ``benchmarks/trained/front-NAME.csv``; existing rows and comparisons are not repeated. Their hypervolumes are
computed from expected and measured errors, with and without chips, and the costs known to the search; the box is
``whole`` with errors up to the error of guessing.
"""

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import qmc, spearmanr

import neuronas
from common import RESULTS, trained_and_measured, write
from neuronas.api.designing.front import Enumerated, FrontPlan, plan_front
from neuronas.api.designing.front_files import design_point
from neuronas.config import write_yaml
from neuronas.hardware.circuits import SIGN_COLUMNS
from neuronas.hardware.cost import Array
from neuronas.hardware.design_chips import axis_values
from neuronas.hardware.design_space import DesignSpace
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.scaling import ChipArrays, scaled_accelerator
from neuronas.runs.design_fronts import SPACE, DesignPoint
from neuronas.runs.directory import EVALUATION
from neuronas.search.joint import explored
from neuronas.search.joint_choice import chosen
from neuronas.search.joint_designs import Designs, logarithms
from neuronas.search.joint_space import JointSpace, Pairs

TABLES = Path(__file__).parent / "trained"
GOAL, USABLE, REGRET_GOAL = 1.3, 2.0, 0.01
LEAST_ERROR = 1e-3
"""Lower bound of the best error in the box of measured designs, since logarithms need values above 0."""
EVALUATIONS = (1_000, 10_000, 100_000)
N_POINTS, N_POINTS_OF_CHOICE = 17, 13
"""Numbers of points, as powers of two."""
REGRET = DesignSpace(
    crossbar_size=(32, 64), rows_per_read=(8, 32), adc_bits=(3, 4, 6), adcs_per_array=(8, 16), sign_scheme="free",
    replication=(1, 4), schedule="free",
)  # fmt: skip
N_REGRET_SETTINGS = 3
CHIP = {"device_model": "rram-wan-2022", "after": ("1d",)}
Row = dict[str, Any]
Numbers = NDArray[np.intp]


@dataclass(frozen=True)
class Box:
    """The box of a hypervolume.

    Attributes:
        low: [4] best values of error, energy, latency and area.
        high: [4] worst values.
        is_logarithmic: whether logarithms are compared.
    """

    low: Array
    high: Array
    is_logarithmic: bool = True

    def scaled(self, points: Array) -> Array:
        """Points [n, 4] scaled so that the box is from 0 to 1."""
        low, high, values = (
            logarithms(one) if self.is_logarithmic else one for one in (self.low, self.high, points[:, :4])
        )
        found: Array = (values - low) / (high - low)
        return found

    def share(self, points: Array) -> float:
        """Share of the box that is dominated by points [n, 4]."""
        left, inside = quasi_random(N_POINTS), self.scaled(points)
        inside = inside[(inside < 1).all(axis=1)]
        for first in range(0, len(inside), 16):
            left = left[~dominated(inside[first : first + 16], left).any(axis=0)]
        return 1 - len(left) / 2**N_POINTS

    def spread(self, points: Array, n: int) -> list[int]:
        """Indices of at most n points, each of which dominates most of the volume left by the previous ones."""
        left, inside, found = quasi_random(N_POINTS_OF_CHOICE), self.scaled(points), []
        while len(found) < n and len(left):
            parts = range(0, len(inside), 64)
            gains = np.concatenate([dominated(inside[one : one + 64], left).sum(axis=1) for one in parts])
            best = int(gains.argmax())
            if not gains[best]:
                break
            found.append(best)
            left = left[~dominated(inside[best : best + 1], left)[0]]
        return found


def quasi_random(power: int) -> Array:
    """2^power points in the unit cube, [n, 4]."""
    found: Array = qmc.Sobol(4, rng=0).random_base2(power)
    return found


def dominated(points: Array, samples: Array) -> NDArray[np.bool_]:
    """Whether each point of [n, 4] is at most each sample of [m, 4] in every objective: [n, m]."""
    return np.logical_and.reduce([a[:, None] <= b for a, b in zip(points.T, samples.T, strict=True)])


@dataclass(frozen=True)
class Searched:
    """A space and its front."""

    space: JointSpace
    front: Designs
    n_costed: int

    @classmethod
    def of(cls, space: JointSpace) -> "Searched":
        """Search a space completely; settings whose weights fit no chip are excluded."""
        space = replace(space, settings=tuple(one for one in space.settings if len(space.chips(one))))
        front, n_costed = Designs.none(), 0
        for one in explored(space, 0, 1):
            front = front.with_others(one.front, resolution=space.resolution)
            n_costed += one.n_costed
        return cls(space, front, n_costed)

    @cached_property
    def worth(self) -> list[Pairs]:
        """The designs left by the bounds of the search, by setting."""
        return [self.space.pairs(number).worth_costing() for number in range(len(self.space.settings))]

    def drawn(self, n: int, seed: int) -> Array:
        """Objectives [m, 4] of n designs drawn with equal probability; only those within the limits."""
        ends = np.cumsum([len(one) for one in self.worth])
        drawn = np.sort(np.random.default_rng(seed).choice(int(ends[-1]), n, replace=False, shuffle=False))
        setting_of = np.searchsorted(ends, drawn, side="right")
        found = []
        for number in np.unique(setting_of):
            worth = self.worth[number]
            network, chip = np.divmod(drawn[setting_of == number] - (ends[number] - len(worth)), len(worth.numbers))
            used, chip = np.unique(chip, return_inverse=True)
            first = 0
            for one in self.space.costed(worth.on_chips(used), worth.chips.schedules[-1:]):
                own = (network >= first) & (network < first + len(one.pairs.candidates))
                place = chip[own], network[own] - first
                found.append(one.values[:, *place].T[one.fits[place]])
                first += len(one.pairs.candidates)
        return np.vstack(found)


def searches(plan: FrontPlan, joint: JointSpace) -> dict[str, Searched]:
    """The narrower searches, by name."""
    hardware = plan.plan.config.hardware
    preset = axis_values(DesignSpace(), joint.base, hardware.replication, hardware.schedule)
    setting, is_best = joint.settings[0], np.arange(len(joint.fitness)) == joint.fitness.argmax()
    one_network = replace(joint, settings=(setting,), fitness=np.where(is_best, joint.fitness, -np.inf))
    chips, as_is = Searched.of(one_network), Searched.of(replace(one_network, values=preset))
    points = chips.front.points
    keeps = np.flatnonzero(points[:, 0] <= as_is.front.points[0, 0] * (1 + joint.resolution))
    tuned = keeps[chosen(points[keeps], "edap")]
    own = chips.space.chips(setting)
    values = {name: (value,) for name, value in own.values(int(chips.front.origins[tuned, 2])).items()}
    return {
        "tuned": Searched.of(replace(joint, values={**values, "schedule": own.schedules[-1:]})),
        "networks": Searched.of(replace(joint, values=preset)),
        "chips": chips,
    }


def boxes(front: Array) -> dict[str, Box]:
    """See the module's docstring."""
    low, high = front[:, :4].min(axis=0), front[:, :4].max(axis=0)
    usable = np.array([min(high[0], USABLE * low[0]), *high[1:]])
    return {"whole": Box(low, high), "usable": Box(low, usable), "linear": Box(low, high, is_logarithmic=False)}


def over_others(shares: Mapping[str, float]) -> dict[str, float]:
    """Hypervolume of the joint search divided by the better of ``networks`` and ``chips``, and by ``tuned``."""
    better = max(shares["networks"], shares["chips"])
    return {
        "over the better of networks and chips": round(shares["joint"] / better, 3) if better else None,
        "over tuned": round(shares["joint"] / shares["tuned"], 3) if shares["tuned"] else None,
    }


def compared(found: Mapping[str, Searched], within: Mapping[str, Box], n_seeds: int) -> Row:
    """Hypervolumes of the complete fronts, and of those with equal numbers of costed designs."""
    results: Row = {"exhaustive": {}, "equal": {}}
    at_end = {box: {name: one.share(of.front.points) for name, of in found.items()} for box, one in within.items()}
    for box, shares in at_end.items():
        results["exhaustive"][box] = {**{name: round(one, 4) for name, one in shares.items()}, **over_others(shares)}
        print(box, results["exhaustive"][box], flush=True)
    for n in EVALUATIONS:
        rows = []
        for seed in range(n_seeds):
            fronts = {}
            for name, one in found.items():
                if n < one.n_costed:
                    points = one.drawn(n, seed)
                    fronts[name] = points[non_dominated(points)]
            for box, of in within.items():
                shares = {**at_end[box], **{name: of.share(points) for name, points in fronts.items()}}
                row = {name: round(share, 4) for name, share in shares.items()}
                rows.append({"seed": seed, "box": box, **row, **over_others(shares)})
        results["equal"][n] = {"means": means(rows), "rows": rows}
        print(n, results["equal"][n]["means"], flush=True)
    return results


def means(rows: Sequence[Row]) -> Row:
    """Means over the seeds, by box."""
    found: Row = {}
    for box in dict.fromkeys(row["box"] for row in rows):
        own = [row for row in rows if row["box"] == box]
        names = [name for name in own[0] if name not in ("seed", "box")]
        found[box] = {name: round(float(np.mean([row[name] for row in own])), 3) for name in names}
    return found


def least_edap(found: Mapping[str, Searched], most: float) -> Row:
    """Smallest energy-delay-area product, µJ ms mm², among designs with at most this expected error."""
    results = {}
    for name, one in found.items():
        points = one.front.points[one.front.points[:, 0] <= most]
        results[name] = float(f"{points[:, 1:4].prod(axis=1).min():.4g}") if len(points) else None
    return results


def regret(plan: FrontPlan, joint: JointSpace) -> Row:
    """See the module's docstring."""
    hardware = plan.plan.config.hardware
    values = axis_values(REGRET, joint.base, hardware.replication, hardware.schedule)
    small = replace(joint, values=values, settings=joint.settings[:N_REGRET_SETTINGS])
    points, n = [], 0
    for number in range(len(small.settings)):
        every = small.pairs(number)
        points += [one.values[:, one.fits].T for one in small.costed(every, every.chips.schedules)]
        n += len(every) * len(every.chips.schedules)
    all_points = np.vstack(points)
    front = all_points[non_dominated(all_points)]
    found = Searched.of(small)
    box = boxes(front)["whole"]
    shares = [box.share(one) for one in (front, found.front.points)]
    return {
        "n_designs": n,
        "n_costed by the search": found.n_costed,
        "hypervolume of all designs": round(shares[0], 5),
        "hypervolume of the front": round(shares[1], 5),
        "resolution": small.resolution,
        "regret": round(1 - shares[1] / shares[0], 5),
        "goal": REGRET_GOAL,
    }


@dataclass(frozen=True)
class Trained:
    """Trains designs and simulates their chips.

    Attributes:
        given: the command line.
        base: name of the accelerator, and the accelerator.
        spaces: space of each search.
        architectures: text of each candidate.
    """

    given: argparse.Namespace
    base: str
    spaces: Mapping[str, Searched]
    architectures: Sequence[str]

    @property
    def table(self) -> Path:
        """File with the rows."""
        return TABLES / f"front-{self.given.name}.csv"

    def rows(self) -> list[Row]:
        """Existing rows, with numbers converted."""
        if not self.table.exists():
            return []
        lines = csv.DictReader(self.table.read_text(encoding="utf-8").splitlines())
        return [{name: _number(value) for name, value in line.items()} for line in lines]

    def add(self, search: str, box: Box) -> None:
        """Append the missing rows of a search."""
        searched = self.spaces[search]
        points, origins = searched.front.points, searched.front.origins
        known = {(row["search"], row["number"]): row for row in self.rows()}
        for number, row in enumerate(box.spread(points, self.given.designs)):
            design = design_point(searched.space, self.architectures, origins[row], points[row])
            values = {name: _number(str(one)) for name, one in design.plain().items()}
            old = known.get((search, number))
            if old is not None:
                if any(old[name] != value for name, value in values.items()):
                    raise SystemExit(f"{self.table}: {search} {number} is another design; move the table away")
                continue
            measured = {"search": search, "number": number, **values, **self.measured(searched.space, design)}
            with self.table.open("a", newline="", encoding="utf-8") as file:
                writer = csv.DictWriter(file, list(measured), lineterminator="\n")
                if not file.tell():
                    writer.writeheader()
                writer.writerow(measured)
            print(measured, flush=True)

    def measured(self, space: JointSpace, design: DesignPoint) -> Row:
        """Train the network of a design if necessary, and simulate its chip."""
        given, setting = self.given, design.setting.plain()
        run = given.work / f"network-{_key(design.architecture, setting)}"
        data = {"data": {"name": given.dataset}}
        started = process_time()
        ideal = trained_and_measured(
            design.architecture, run, config=data, assignments=given.set, recipe="fast", seed=0, **setting
        )
        trained_s = process_time() - started
        arrays = _arrays(design)
        place = given.work / f"chip-{_key(design.chip)}.yaml"
        write_yaml(place, scaled_accelerator(space.base, arrays, self.base))
        on_chips = neuronas.evaluate_on_chips(
            run, hardware=str(place), chips=given.chips, after=CHIP["after"], diagnosis=False
        )
        at_trace = neuronas.estimate(
            design.architecture, config=data, assignments=given.set, hardware=str(place), schedule=design.schedule,
            replication=design.replication, activity="trace", trace=str(run / EVALUATION), **setting,
        ).cost  # fmt: skip
        kept = float(space.error.kept(space.base, arrays, design.weight_bits, design.channels)[0])
        chance = 1 / space.n_classes
        return {
            "expected_accuracy": round(chance + (1 - design.error - chance) / max(kept, 1e-9), 4),
            "expected_chip_accuracy": round(1 - design.error, 4),
            "accuracy": round(ideal.top1, 4),
            "chip_accuracy": round(on_chips.top1_mean, 4),
            "chip_accuracy_std": None if on_chips.top1_std is None else round(on_chips.top1_std, 4),
            "n_chips": on_chips.n_chips,
            "n_images": on_chips.n_images,
            "measured_energy_uj": round(at_trace.energy_uj, 5),
            "training_s": round(trained_s, 1),
            "chips_s": round(process_time() - started - trained_s, 1),
        }


def _arrays(design: DesignPoint) -> ChipArrays:
    values = (
        design.crossbar_size, design.rows_per_read, design.bits_per_cell, design.adc_bits, design.adcs_per_array,
        SIGN_COLUMNS[design.sign_scheme],
    )  # fmt: skip
    return ChipArrays(*(np.array([float(value)]) for value in values))


def _key(*parts: object) -> str:
    return blake2b(repr(parts).encode(), digest_size=6).hexdigest()


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def agreement(rows: Sequence[Row], within: Box, n_classes: int) -> Row:
    """Rank correlations of expected and measured values, and hypervolumes of both, by search.

    Args:
        rows: rows of the table.
        within: box of the joint front, used for costs; errors range from the smallest of all rows to that of guessing.
        n_classes: number of classes of the data set.
    """
    least = max(min(1 - row[key] for row in rows for key in row if key.endswith("accuracy")), LEAST_ERROR)
    box = Box(np.array([least, *within.low[1:]]), np.array([1 - 1 / n_classes, *within.high[1:]]))
    found: Row = {}
    for name in [*dict.fromkeys(row["search"] for row in rows), "all"]:
        own = [row for row in rows if name in (row["search"], "all")]
        columns = {key: np.array([row[key] for row in own]) for key in own[0] if key.endswith("accuracy")}
        accuracies = [(columns[f"expected_{kind}"], columns[kind]) for kind in ("accuracy", "chip_accuracy")]
        losses = [ideal - on_chips for ideal, on_chips in zip(*accuracies, strict=True)]
        costs = [[row[key] for key in ("energy_uj", "latency_ms", "area_mm2")] for row in own]
        found[name] = {
            "n": len(own),
            **{f"mean {key}": round(float(values.mean()), 4) for key, values in columns.items()},
            "rank correlation of accuracy without chip": rank_correlation(*accuracies[0]),
            "rank correlation of accuracy on chips": rank_correlation(*accuracies[1]),
            "rank correlation of loss on chips": rank_correlation(*losses),
            "hypervolume": {
                key: round(box.share(np.column_stack([1 - values, costs])), 4) for key, values in columns.items()
            },
        }
    shares = {name: one["hypervolume"] for name, one in found.items()}
    if {"joint", "networks", "chips"} <= set(shares):
        found["joint over the better of networks and chips"] = {
            key: round(share / better, 3)
            if (better := max(shares[name][key] for name in ("networks", "chips")))
            else None
            for key, share in shares["joint"].items()
        }
    return found


def rank_correlation(a: Array, b: Array) -> float | None:
    """Spearman's rank correlation; None if one of the arrays is constant."""
    if len(np.unique(a)) < 2 or len(np.unique(b)) < 2:
        return None
    return round(float(spearmanr(a, b).statistic), 3)


def joint_plan(given: argparse.Namespace) -> FrontPlan:
    """The joint search with the options ``dataset``, ``design``, ``set`` and ``work`` of a benchmark."""
    place = given.work / "joint"
    return plan_front(
        given.design, {}, config={"data": {"name": given.dataset}, "chip": CHIP}, assignments=given.set, out=place,
        resume=(place / SPACE).is_file(),
    )  # fmt: skip


def main() -> None:
    """Search, compare, train and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", help="name, or imagefolder:DIR")
    parser.add_argument("--work", type=Path, required=True, help="folder of the searches and trained networks")
    parser.add_argument("--name", help="name of the result (default: that of the data set)")
    parser.add_argument("--design", default="all", help="design space: a name or file")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--train", default="", help="searches whose designs are trained, separated by commas")
    parser.add_argument("--designs", type=int, default=12)
    parser.add_argument("--chips", type=int, default=20)
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    given.name = given.name or given.dataset
    torch.set_num_threads(1)
    plan = joint_plan(given)
    enumerated = plan.enumerated()
    joint, state = enumerated.space, enumerated.state
    whole = Searched(joint, state.front, state.count("n_costed"))
    found = {"joint": whole, **searches(plan, joint)}
    within = boxes(state.front.points)
    trained = Trained(given, plan.plan.config.hardware.accelerator, found, enumerated.architectures)
    searches_to_train = list(filter(None, given.train.split(",")))
    for search in searches_to_train:
        trained.add(search, within["whole"])
    name = f"front_proof-{given.name}"
    if searches_to_train and (RESULTS / f"{name}.json").exists():
        known = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
        results: Row = {key: value for key, value in known.items() if key not in ("command", "machine", "trained")}
    else:
        results = {**facts(enumerated, found), "regret": regret(plan, joint), **compared(found, within, given.seeds)}
    if rows := trained.rows():
        results["trained"] = agreement(rows, within["whole"], joint.n_classes)
        print(results["trained"])
    write(name, results)


def facts(enumerated: Enumerated, found: Mapping[str, Searched]) -> Row:
    """Facts about the searches."""
    front, architectures = found["joint"].front.points, enumerated.architectures
    least = float(front[:, 0].min())
    return {
        "goal": GOAL,
        "n_covered": enumerated.state.count("n_covered"),
        "searches": {name: {"n_costed": one.n_costed, "n_front": len(one.front)} for name, one in found.items()},
        "tuned chip": {name: values[0] for name, values in found["tuned"].space.values.items()},
        "network of chips": architectures[int(enumerated.space.fitness.argmax())],
        "least expected error": round(least, 4),
        "least edap within usable": least_edap(found, USABLE * least),
    }


if __name__ == "__main__":
    main()

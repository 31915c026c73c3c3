"""Algorithm 1 of NeuroNAS under the paper's budgets: as printed and as amended, and what each fitness answers.

The printed algorithm checks memory alone in its first pass, so its answer may break the other budgets. At another width
than the published one, each budget is the same share of the way from the smallest to the largest network. What the
answers cost at the published width stands beside the paper's headline.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from neuronas.config import FITNESS, FULL_PRECISION
from neuronas.experiments.figures import Figure
from neuronas.experiments.hardware_networks import full_width_cost, searched
from neuronas.experiments.published import HEADLINE, SNASNET, published
from neuronas.experiments.study import SearchPiece, Study, effort
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.hardware.units import BUDGETED, UNITS, word
from neuronas.space.notation import parse_architecture

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

_BITS, _DATASET, _FITNESS = 8, "CIFAR-10", "sahd"
"""Precision of the headline; the data set whose SNASNet is the base of savings; the fitness as printed."""
Limits = dict[str, float]


def run(pieces: "Pieces") -> Iterable[Figure]:
    """Search by the printed algorithm with the printed fitness, then by the amended one with each fitness."""
    quantised = {"network": {"weight_bits": _BITS}}
    limits = _limits(pieces, quantised)
    cases = [(f"as printed, {_FITNESS}", "neuronas-published", _FITNESS)]
    cases += [(f"amended, {name}", "neuronas", name) for name in FITNESS if FITNESS.is_builtin(name)]
    for case, algorithm, fitness in cases:
        changes = {
            **quantised,
            "search": {"algorithm": algorithm},
            "fitness": {"name": fitness},
            "budget": {f"max_{name}": limit for name, limit in limits.items()},
        }
        found = pieces.search_each(case, changes)
        yield from effort(case, found)
        yield Figure.of(case, "fitness", [one.fitness for one in found])
        yield from _excess(case, found, limits)
        yield from _answer(case, found)


def _limits(pieces: "Pieces", changes: dict[str, dict[str, int]]) -> Limits:
    """The published budgets, moved to the width of the study."""
    least, most = pieces.extremes(changes)
    networks = searched((_BITS,))  # from no convolution to convolutions alone
    moved = {}
    for name, limit in PAPER_BUDGET.limits.items():
        low, high = networks[0].values[name], networks[-1].values[name]
        share = (limit - low) / (high - low)
        moved[name] = getattr(least, name) + share * (getattr(most, name) - getattr(least, name))
    return moved


def _excess(case: str, found: Sequence[SearchPiece], limits: Limits) -> Iterable[Figure]:
    """By how much the answers break each budget, for those that any of them breaks."""
    for name, limit in limits.items():
        over = [100 * max(0.0, getattr(one, name) / limit - 1) for one in found]
        if any(over):
            yield Figure.of(case, f"{word(name)} over its budget, %", over)


def _answer(case: str, found: Sequence[SearchPiece]) -> Iterable[Figure]:
    """Convolutions of the answers, and their cost at the published width."""
    architectures = [parse_architecture(one.architecture) for one in found]
    for place, cell in enumerate("AB"):
        counts = [sum(edge.kind.has_neurons for edge in one.expanded(2)[place].edges) for one in architectures]
        yield Figure.of(case, f"convolutions in cell {cell}", counts)
    costs = [full_width_cost(one, _BITS) for one in architectures]
    for name in BUDGETED:
        title = f"{word(name)} at 128 channels, {UNITS[name]}".removesuffix(", ")
        yield Figure.of(case, title, [getattr(cost, name) for cost in costs])
    area, latency, energy = (
        published().by_dataset(SNASNET, name, FULL_PRECISION)[_DATASET] for name in BUDGETED if name != "parameters"
    )
    savings = {
        "area saved": [100 * (1 - cost.area_mm2 / area) for cost in costs],
        "latency, times lower": [latency / cost.latency_ms for cost in costs],
        "energy saved": [100 * (1 - cost.energy_uj / energy) for cost in costs],
    }
    for one in published().select("hardware", HEADLINE):
        title = f"{one.quantity}, {one.unit}".removesuffix(", ")
        yield Figure.of(case, title, savings[one.quantity], {one.dataset: one.value})


STUDY = Study("algorithm-1", run, trains=False)

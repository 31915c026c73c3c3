"""Algorithm 1 of NeuroNAS under the paper's budgets: as printed and as amended, and the answer of each fitness.

The printed algorithm checks only memory in its first pass, so its answer may exceed the other budgets. At a width other
than the published one, each budget is scaled to the same position between the smallest and the largest network. The
cost of the answers at the published width is compared with the paper's headline.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from neuronas.config import FITNESS, FULL_PRECISION
from neuronas.experiments.figures import Figure
from neuronas.experiments.published import HEADLINE, SNASNET, published
from neuronas.experiments.study import SearchPiece, Settings, Study, effort
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.hardware.units import BUDGETED, UNITS, word
from neuronas.space.notation import parse_architecture

if TYPE_CHECKING:
    from neuronas.experiments.pieces import Pieces

_BITS, _DATASET, _FITNESS = 8, "CIFAR-10", "sahd"
"""Precision of the headline; data set whose SNASNet is the baseline of savings; the fitness as printed."""
_PRINTED, _OVER = f"as printed, {_FITNESS}", "over its budget, %"
Limits = dict[str, float]


def run(pieces: "Pieces") -> Iterable[Figure]:
    """Search by the printed algorithm with the printed fitness, then by the amended one with each fitness."""
    quantised = {"network": {"weight_bits": _BITS}}
    limits = limits_of(pieces, quantised)
    budget = {f"max_{name}": limit for name, limit in limits.items()}
    cases = {_PRINTED: ("neuronas-published", _FITNESS)}
    cases |= {f"amended, {name}": ("neuronas", name) for name in FITNESS if FITNESS.is_builtin(name)}
    found: dict[str, Sequence[SearchPiece]] = {}
    for case, (algorithm, fitness) in cases.items():
        changes = {"search": {"algorithm": algorithm}, "fitness": {"name": fitness}, "budget": budget}
        found[case] = pieces.search_each(case, {**quantised, **changes})
    for case, own in found.items():
        yield from effort(case, own)
        yield Figure.of(case, "fitness", [one.fitness for one in own])
        if case == _PRINTED:
            amended = found[f"amended, {_FITNESS}"]
            gains = [one.fitness - other.fitness for one, other in zip(own, amended, strict=True)]
            yield Figure.of(case, "fitness above the amended one's", gains)
        yield from _excess(case, own, limits)
        yield from _answer(case, own)


def limits_of(pieces: "Pieces", changes: Settings) -> Limits:
    """The published budgets, scaled to the width of the study."""
    from neuronas.experiments.hardware_networks import searched

    least, most = pieces.extremes(changes)
    networks = searched((_BITS,))  # from no convolutions to only convolutions
    moved = {}
    for name, limit in PAPER_BUDGET.limits.items():
        low, high = networks[0].values[name], networks[-1].values[name]
        share = (limit - low) / (high - low)
        moved[name] = getattr(least, name) + share * (getattr(most, name) - getattr(least, name))
    return moved


def _excess(case: str, found: Sequence[SearchPiece], limits: Limits) -> Iterable[Figure]:
    """By how much the answers exceed each budget, for budgets that any of them exceeds."""
    for name, limit in limits.items():
        over = [100 * max(0.0, getattr(one, name) / limit - 1) for one in found]
        if any(over):
            yield Figure.of(case, f"{word(name)} {_OVER}", over)


def remarks(figures: Sequence[Figure]) -> tuple[str, ...]:
    """A sentence for each budget that is exceeded."""
    return tuple(
        f"{one.case}: {sum(value > 0 for value in one.values)} of {one.n_seeds} answers break the budget of "
        f"{one.quantity.removesuffix(f' {_OVER}')}, by {one.ours:.1f} % in the mean"
        for one in figures
        if one.quantity.endswith(_OVER)
    )


def _answer(case: str, found: Sequence[SearchPiece]) -> Iterable[Figure]:
    """Convolutions of the answers, and their cost at the published width."""
    architectures = [parse_architecture(one.architecture) for one in found]
    for place, cell in enumerate("AB"):
        counts = [sum(edge.kind.has_neurons for edge in one.expanded(2)[place].edges) for one in architectures]
        yield Figure.of(case, f"convolutions in cell {cell}", counts)
    from neuronas.experiments.hardware_networks import full_width_cost

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


STUDY = Study("algorithm-1", run, trains=False, remarks=remarks)

"""Every figure that NeuroNAS (arXiv 2407.00641) prints of its hardware, compared with the cost model, with a verdict.

The paper prints ends of ranges over precisions, but neither the networks nor its equations. The cost of all networks of
the space is known under its model, 49 at each precision (``experiments.hardware_networks``). A figure is reproduced if
the networks of one search, one per precision and all within the budget, give it together with the other figures of
its data set (``experiments.consistency``). The paper truncates figures instead of rounding them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from neuronas.config import EVALUATED_BITS, validate
from neuronas.experiments.consistency import Network
from neuronas.experiments.hardware_networks import ACCELERATOR, TIMESTEPS, searched, snasnet_networks
from neuronas.experiments.hardware_result import CONTRADICTS, REPRODUCED, HardwareResult, JudgedFigure, LeftOut
from neuronas.experiments.hardware_search import PrintedSearch
from neuronas.experiments.published import (
    ABOVE,
    HEADLINE,
    HIGH,
    LOW,
    NEURONAS,
    SNASNET,
    FigureKey,
    PublishedFigure,
    published,
)
from neuronas.experiments.study import experiments
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.hardware.units import BUDGETED, quantity

_SAVED = {"area saved": "area_mm2", "energy saved": "energy_uj"}
_TIMES_LOWER = {"latency, times lower": "latency_ms"}
_HEADLINE_BITS, _BUDGET, _CIFAR = 8, "budget", "CIFAR-10"
Rows = dict[FigureKey, JudgedFigure]


def run() -> HardwareResult:
    """Judge every printed figure."""
    rows = judged(published().select("hardware"))
    return HardwareResult(
        source=experiments()["hardware"].source,
        hardware=ACCELERATOR,
        timesteps=TIMESTEPS,
        n_figures=len(rows),
        verdicts=dict(Counter(row.verdict for row in rows)),
        rows=tuple(rows),
        left_out=tuple(_left_out(one) for one in published().figures if one.experiment != "hardware"),
    )


def judged(figures: Sequence[PublishedFigure]) -> list[JudgedFigure]:
    """A row for each figure, in the order of the figures."""
    found: Rows = {}
    for network, own in _groups(figures):
        costs = [one for one in own if one.quantity in BUDGETED and one.end != ABOVE]
        if network == NEURONAS:
            found |= PrintedSearch(costs, searched(EVALUATED_BITS), PAPER_BUDGET.limits).rows()
        elif network == SNASNET:
            found |= PrintedSearch(costs, snasnet_networks(), {}).rows()
        elif network == HEADLINE:
            networks = _beside_snasnet(searched([_HEADLINE_BITS]), found)
            found |= PrintedSearch(own, networks, PAPER_BUDGET.limits).rows()
        else:
            found |= {one.key: _limit(one) if network == _BUDGET else _constant(one, found) for one in own}
    found |= {one.key: _saving(one, found) for one in figures if one.quantity in _SAVED and one.network == NEURONAS}
    found |= {one.key: _claim(one, found) for one in figures if one.end == ABOVE}
    return [found[one.key] for one in figures]


def _groups(figures: Iterable[PublishedFigure]) -> Iterator[tuple[str, list[PublishedFigure]]]:
    """The figures of each network on each data set."""
    groups: defaultdict[tuple[str, str], list[PublishedFigure]] = defaultdict(list)
    for one in figures:
        groups[one.network, one.dataset].append(one)
    return ((network, own) for (network, _), own in groups.items())


def _beside_snasnet(networks: Iterable[Network], rows: Rows) -> list[Network]:
    """Networks with their savings against SNASNet's on CIFAR-10."""
    base = {name: rows[SNASNET, _CIFAR, name, ""] for name in BUDGETED}
    found = []
    for one in networks:
        saved = {name: _saved(one.values[of], base[of].computed) for name, of in _SAVED.items()}
        lower = {name: base[of].computed / one.values[of] for name, of in _TIMES_LOWER.items()}
        found.append(replace(one, values={**one.values, **saved, **lower}))
    return found


def _saved(cost: float, base: float) -> float:
    return 100 * (1 - cost / base)


def _saving(one: PublishedFigure, rows: Rows) -> JudgedFigure:
    """A saving at one end of the range, from the figures that the paper prints for the other end and for SNASNet.

    Ratios of truncated figures agree if they differ by less than one printed digit.
    """
    name, other = _SAVED[one.quantity], {LOW: HIGH, HIGH: LOW}[one.end]
    cost, base = rows[NEURONAS, one.dataset, name, other].published, rows[SNASNET, one.dataset, name, ""].published
    ours = _saved(cost, base)
    note = f"{quantity(name, cost)} of {quantity(name, base)}, as printed"
    return JudgedFigure.of(one, ours, REPRODUCED if abs(ours - one.value) < one.step else CONTRADICTS, note)


def _claim(one: PublishedFigure, rows: Rows) -> JudgedFigure:
    """A cost that is only stated to exceed a limit, compared with its printed figure."""
    row = rows[one.network, one.dataset, one.quantity, ""]
    is_so = row.published > one.value
    note = f"{one.note}; {'' if is_so else 'but '}{quantity(one.quantity, row.published)} is printed"
    return JudgedFigure.of(one, row.computed, REPRODUCED if is_so else CONTRADICTS, note)


def _limit(one: PublishedFigure) -> JudgedFigure:
    """A limit of the paper's budget, compared with the corresponding setting."""
    ours = PAPER_BUDGET.limits[one.quantity]
    return JudgedFigure.of(
        one, ours, REPRODUCED if ours == one.value else CONTRADICTS, "the default limit of this algorithm"
    )


def _constant(one: PublishedFigure, rows: Rows) -> JudgedFigure:
    """A constant of the accelerator; if ours differs, with the cost of SNASNet under the printed constant."""
    section, key = one.quantity.split(".")
    accelerator = load_accelerator(ACCELERATOR)
    ours = float(getattr(getattr(accelerator, section), key))
    if ours == one.value:
        return JudgedFigure.of(one, ours, REPRODUCED, f"a constant of --hardware {ACCELERATOR}")
    values = accelerator.model_dump()
    values[section][key] = one.value
    area, printed = "area_mm2", rows[SNASNET, _CIFAR, "area_mm2", ""]
    network = next(of for of in snasnet_networks() if of.values[area] == printed.ours)
    changed = next(of for of in snasnet_networks(validate(Accelerator, values, ACCELERATOR)) if of.name == network.name)
    would = f"with it SNASNet would have {quantity(area, changed.values[area])}, but {printed.published:g} is printed"
    return JudgedFigure.of(one, ours, CONTRADICTS, f"{one.note}; {would}")


def _left_out(one: PublishedFigure) -> LeftOut:
    reason = f"neuronas reproduce {one.experiment} compares it" if one.experiment else one.note
    return LeftOut(figure=one.name, published=one.value, reason=reason)

"""Fig. 12 of NeuroNAS (arXiv 2407.00641): parameters, area, latency and energy as printed, and as the model gives them.

The paper prints figures but neither the architectures behind them nor its equations. Under its model cost depends only
on the convolutions of either cell and on the precision, so each figure names the convolutions that give it
(docs/hardware-model.md). The paper cuts figures off rather than rounding them.
"""

from math import floor

from neuronas.experiments.published import HEADLINE, SNASNET, NetworkBehind, PublishedFigure, published
from neuronas.experiments.study import experiments
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.cost import Cost
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.units import BUDGETED
from neuronas.runs.document import Document
from neuronas.space.genotype import Architecture, Edge, Genotype, node_pairs
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import rows

ACCELERATOR, TIMESTEPS = "spikeflow-rram", 5
_CHANNELS, _SIDE, _CLASSES = 128, 32, 10  # the published figures use 32x32 for TinyImageNet as well


class PrintedFigure(Document):
    """One figure: as printed, as computed, and whether they agree to the printed digits."""

    network: str
    quantity: str
    weight_bits: int
    published: float
    ours: float
    agrees: bool


class HardwareResult(Document):
    """``hardware.json``: every printed figure beside the cost model's."""

    experiment: str = "hardware"
    source: str
    hardware: str = ACCELERATOR
    cost_model: str = "paper"
    timesteps: int = TIMESTEPS
    n_figures: int
    n_agree: int
    figures: tuple[PrintedFigure, ...]
    difference: str


def run() -> HardwareResult:
    """Compute every printed figure."""
    rows = (*figures(), *savings())
    about, n_agree = experiments()["hardware"], sum(row.agrees for row in rows)
    return HardwareResult(
        source=about.source, n_figures=len(rows), n_agree=n_agree, figures=rows, difference=about.difference
    )


def figures() -> list[PrintedFigure]:
    """Compute the figures of each network; the paper cuts them off."""
    found = []
    for network in published().networks:
        cost, printed = _cost(network), published().of(network.name)
        for one in (printed[name] for name in printed if name in BUDGETED):
            ours = float(getattr(cost, one.quantity))
            found.append(_figure(one, ours, agrees=floor(ours / one.step) * one.step == one.value))
    return found


def savings() -> list[PrintedFigure]:
    """The headline: 92 % less area, 1.2 times the speed and 84 % less energy than SNASNet.

    These are ratios of figures that the paper cut off, and so agree where they are less than one printed digit apart.
    """
    costs = {one.name: _cost(one) for one in published().networks}
    base, ours = costs[SNASNET], costs[HEADLINE]
    ratios = {
        "area saved": 100 * (1 - ours.area_mm2 / base.area_mm2),
        "latency, times lower": base.latency_ms / ours.latency_ms,
        "energy saved": 100 * (1 - ours.energy_uj / base.energy_uj),
    }
    printed = published().of(HEADLINE)
    return [
        _figure(printed[name], value, agrees=abs(value - printed[name].value) < printed[name].step)
        for name, value in ratios.items()
    ]


def _figure(printed: PublishedFigure, ours: float, *, agrees: bool) -> PrintedFigure:
    is_cost = printed.quantity in BUDGETED
    return PrintedFigure(
        network=printed.network if is_cost else f"{printed.network}, against SNASNet",
        quantity=printed.quantity if is_cost else ", ".join(filter(None, (printed.quantity, printed.unit))),
        weight_bits=printed.weight_bits or 0,
        published=printed.value,
        ours=ours,
        agrees=agrees,
    )


def full_width_cost(architecture: Architecture, weight_bits: int) -> Cost:
    """Cost of an architecture at the width and image side of the published figures."""
    shape = NetworkShape(3, _SIDE, _CLASSES, _CHANNELS)
    return PaperCostModel(load_accelerator(ACCELERATOR), weight_bits, TIMESTEPS).estimate(rows(architecture, shape))


def _cost(one: NetworkBehind) -> Cost:
    return full_width_cost(Architecture(tuple(map(_cell, one.convolutions))), one.weight_bits)


def _cell(kernels: tuple[int, ...]) -> Genotype:
    convolutions = [Edge(f"conv_{side}x{side}") for side in kernels]
    return Genotype((*convolutions, *[Edge("skip")] * (len(node_pairs(4)) - len(convolutions))))

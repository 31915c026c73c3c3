"""Fig. 12 of NeuroNAS (arXiv 2407.00641): parameters, area, latency and energy as printed, and as the model gives them.

The paper prints figures but neither the architectures behind them nor its equations. Under its model cost depends only
on the convolutions of either cell and on the precision, so each figure names the convolutions that give it
(docs/hardware-model.md). The paper cuts figures off rather than rounding them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor

from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.cost import Cost
from neuronas.hardware.paper import PaperCostModel
from neuronas.runs.document import Document
from neuronas.space.genotype import N_EDGES, Architecture, Edge, Genotype
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import rows

ACCELERATOR, TIMESTEPS = "spikeflow-rram", 5
_CHANNELS, _SIDE, _CLASSES = 128, 32, 10  # the published figures use 32x32 for TinyImageNet as well


@dataclass(frozen=True)
class Published:
    """One network of the paper.

    Attributes:
        name: which one.
        cells: the kernel sides of the convolutions in cell A and in cell B.
        weight_bits: precision.
        printed: figure by quantity, in the unit of its name.
        parameters_step: parameters that one unit of the last printed digit stands for.
    """

    name: str
    cells: tuple[tuple[int, ...], tuple[int, ...]]
    weight_bits: int
    printed: Mapping[str, float]
    parameters_step: int = 1000


def _same(n_a: int, n_b: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (3,) * n_a, (3,) * n_b


_BASE = Published(
    "SNASNet, CIFAR-10 and CIFAR-100", _same(4, 4), 32, {"area_mm2": 634, "latency_ms": 468, "energy_uj": 1425}
)
SNASNET_PRINTED: Mapping[str, float] = {"parameters": 1_280_000, **_BASE.printed}
"""SNASNet's network on CIFAR in full precision, as NeuroNAS prints it."""
_HEADLINE = Published("NeuroNAS, FxP8, headline", _same(4, 0), 8, {"parameters": 888_000})
PUBLISHED: tuple[Published, ...] = (
    _BASE,
    Published("SNASNet, TinyImageNet", _same(5, 5), 32, {"area_mm2": 755, "latency_ms": 545, "energy_uj": 1696}),
    Published("SNASNet's cell on CIFAR", ((3, 1, 1, 1),) * 2, 32, {"parameters": 1_280_000}, 10_000),
    Published("SNASNet's cell on TinyImageNet", ((3, 3, 1, 1),) * 2, 32, {"parameters": 1_930_000}, 10_000),
    _HEADLINE,
    Published(
        "NeuroNAS, CIFAR-100, smallest",
        _same(2, 2),
        4,
        {"parameters": 1_770_000, "area_mm2": 25, "latency_ms": 315, "energy_uj": 110},
        10_000,
    ),
    Published("NeuroNAS, CIFAR-100, largest", _same(4, 4), 16, {"area_mm2": 209, "energy_uj": 712}),
    Published(
        "NeuroNAS, TinyImageNet, largest", _same(6, 1), 16, {"area_mm2": 166, "latency_ms": 494, "energy_uj": 644}
    ),
    Published("NeuroNAS, CIFAR-10, largest", _same(2, 4), 16, {"area_mm2": 187, "energy_uj": 576}),
)
DIFFERENCE = (
    "every printed figure follows from one closed form; what stays open: SNASNet's area, latency and energy on "
    "TinyImageNet need five convolutions in either cell, which have 2.02M parameters at least, while 1.93M is printed; "
    "four convolutions give that number"
)


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
    source: str = "arXiv 2407.00641, Fig. 12 and section V"
    hardware: str = ACCELERATOR
    cost_model: str = "paper"
    timesteps: int = TIMESTEPS
    n_figures: int
    n_agree: int
    figures: tuple[PrintedFigure, ...]
    difference: str = DIFFERENCE


def run() -> HardwareResult:
    """Compute every printed figure."""
    rows = (*figures(), *savings())
    return HardwareResult(n_figures=len(rows), n_agree=sum(row.agrees for row in rows), figures=rows)


def figures() -> list[PrintedFigure]:
    """Compute the figures of each network."""
    found = []
    for one in PUBLISHED:
        cost = _cost(one)
        for quantity, printed in one.printed.items():
            ours = float(getattr(cost, quantity))
            step = one.parameters_step if quantity == "parameters" else 1
            agrees = floor(ours / step) * step == printed
            found.append(_figure(one.name, quantity, one.weight_bits, printed, ours, agrees=agrees))
    return found


def savings() -> list[PrintedFigure]:
    """The headline: 92 % less area, 1.2 times the speed and 84 % less energy than SNASNet.

    These are ratios of figures that the paper cut off, and so agree where they are less than one printed digit apart.
    """
    base, ours = _cost(_BASE), _cost(_HEADLINE)
    ratios = (
        ("area saved, %", 92.0, 100 * (1 - ours.area_mm2 / base.area_mm2), 1.0),
        ("latency, times lower", 1.2, base.latency_ms / ours.latency_ms, 0.1),
        ("energy saved, %", 84.0, 100 * (1 - ours.energy_uj / base.energy_uj), 1.0),
    )
    name, bits = f"{_HEADLINE.name}, against SNASNet", _HEADLINE.weight_bits
    return [
        _figure(name, what, bits, printed, value, agrees=abs(value - printed) < digit)
        for what, printed, value, digit in ratios
    ]


def _figure(network: str, quantity: str, bits: int, published: float, ours: float, *, agrees: bool) -> PrintedFigure:
    return PrintedFigure(
        network=network, quantity=quantity, weight_bits=bits, published=published, ours=ours, agrees=agrees
    )


def full_width_cost(architecture: Architecture, weight_bits: int) -> Cost:
    """Cost of an architecture at the width and image side of the published figures."""
    shape = NetworkShape(3, _SIDE, _CLASSES, _CHANNELS)
    return PaperCostModel(load_accelerator(ACCELERATOR), weight_bits, TIMESTEPS).estimate(rows(architecture, shape))


def _cost(one: Published) -> Cost:
    return full_width_cost(Architecture(tuple(_cell(kernels) for kernels in one.cells)), one.weight_bits)


def _cell(kernels: tuple[int, ...]) -> Genotype:
    convolutions = [Edge(f"conv_{side}x{side}") for side in kernels]
    return Genotype((*convolutions, *[Edge("skip")] * (N_EDGES - len(convolutions))))

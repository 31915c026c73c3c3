"""All networks of a space that printed hardware figures may belong to, up to equal cost under the published cost model.

Under that model, the cost depends on the number of convolutions in each cell and the precision; the parameters also
depend on the kernel sides. The position of a convolution in its cell has no effect.
"""

from collections.abc import Iterable
from itertools import product

from neuronas.config import FULL_PRECISION
from neuronas.experiments.consistency import Network
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.cost import Cost
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.units import BUDGETED
from neuronas.space.genotype import Architecture, Edge, Genotype, node_pairs
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import Occupancy, Workload, rows

ACCELERATOR, TIMESTEPS = "spikeflow-rram", 5
_SHAPE = NetworkShape(image_channels=3, image_side=32, n_classes=10, channels=128)
"""Image side of all printed figures; they use 32x32 for TinyImageNet, too."""
_N_NODES = 4
_N_EDGES = len(node_pairs(_N_NODES))


def full_width_cost(architecture: Architecture, weight_bits: int) -> Cost:
    """Cost of an architecture at the width and image side of the printed figures."""
    return _model(weight_bits).estimate(rows(architecture, _SHAPE))


def largest_parameters() -> int:
    """Parameters of the largest network of NeuroNAS's and of SNASNet's space at that width: 3x3 on every edge."""
    return full_width_cost(Architecture((_cell(3, _N_EDGES),)), FULL_PRECISION).parameters


def searched(precisions: Iterable[int]) -> list[Network]:
    """Every network of NeuroNAS's space at each precision, named by its convolutions in cells A and B."""
    cells = [_cell(3, n) for n in range(_N_EDGES + 1)]
    names = [f"({a}, {b})" for a, b in product(range(_N_EDGES + 1), repeat=2)]
    occupancy = Workload(_SHAPE, _N_NODES).pair_occupancy(cells)
    return [one for bits in precisions for one in _costed(names, occupancy, bits)]


def snasnet_networks(accelerator: Accelerator | None = None) -> list[Network]:
    """Every network of SNASNet's space, one cell used twice, in full precision.

    Args:
        accelerator: accelerator, if not that of the printed figures.
    """
    cells = {
        f"{n} convolutions in either cell, {n_large} of them 3x3": _cell(3, n_large, n - n_large)
        for n in range(_N_EDGES + 1)
        for n_large in range(n + 1)
    }
    occupancy = Workload(_SHAPE, _N_NODES).occupancy([Architecture((cell,)) for cell in cells.values()])
    return _costed(list(cells), occupancy, FULL_PRECISION, accelerator)


def _costed(names: list[str], occupancy: Occupancy, bits: int, accelerator: Accelerator | None = None) -> list[Network]:
    totals = _model(bits, accelerator).totals(Workload(_SHAPE, _N_NODES).slots, occupancy)
    columns = {name: getattr(totals, name).tolist() for name in BUDGETED}
    return [Network(name, bits, {key: of[i] for key, of in columns.items()}) for i, name in enumerate(names)]


def _model(weight_bits: int, accelerator: Accelerator | None = None) -> PaperCostModel:
    return PaperCostModel(accelerator or load_accelerator(ACCELERATOR), weight_bits, TIMESTEPS)


def _cell(kernel: int, n: int, n_small: int = 0) -> Genotype:
    edges = [Edge(f"conv_{kernel}x{kernel}")] * n + [Edge("conv_1x1")] * n_small
    return Genotype((*edges, *[Edge("skip")] * (_N_EDGES - len(edges))))

"""What experiments have in common: search with some settings and train what was found, over all seeds."""

from dataclasses import dataclass

from neuronas.experiments.figures import Figure
from neuronas.experiments.study import Bench, Learned, Searched, Settings
from neuronas.hardware.cost import Cost
from neuronas.space.genotype import N_EDGES, Architecture, Edge, Genotype
from neuronas.space.notation import format_architecture

ACCURACY, PARAMETERS, MEMORY = "test accuracy, %", "parameters", "memory, kbit"


@dataclass(frozen=True)
class Case:
    """One case over all seeds, in their order."""

    name: str
    bits: int
    searched: tuple[Searched, ...]
    learned: tuple[Learned, ...]

    def accuracy(self, bits: int | None = None) -> tuple[float, ...]:
        """Test accuracy in percent, at the case's precision or at another one."""
        return tuple(100 * one.test_accuracy[bits or self.bits] for one in self.learned)

    def figures(self, published_accuracy: float | None = None) -> list[Figure]:
        """Parameters, memory and accuracy."""
        return [
            Figure(self.name, PARAMETERS, tuple(float(one.parameters) for one in self.searched)),
            Figure(self.name, MEMORY, tuple(one.memory_bits / 1000 for one in self.searched)),
            Figure(self.name, ACCURACY, self.accuracy(), published_accuracy),
        ]


def search_and_train(bench: Bench, name: str, changes: Settings) -> Case:
    """Search and train with every seed."""
    searched, learned, bits = [], [], 0
    for seed in bench.seeds:
        config = bench.config(seed, changes)
        bits = config.network.weight_bits
        searched.append(bench.search(name, config))
        learned.append(bench.train(name, config, searched[-1].architecture))
    return Case(name, bits, tuple(searched), tuple(learned))


def extremes(bench: Bench, changes: Settings) -> tuple[Cost, Cost]:
    """Cost of the smallest and of the largest network of the space ``neuronas``: no convolution, and nothing else."""
    config = bench.config(bench.seeds[0], changes)
    cells = (Genotype((Edge(name),) * N_EDGES) for name in ("skip", "conv_3x3"))
    least, most = (bench.cost(config, format_architecture(Architecture((cell,)))) for cell in cells)
    return least, most

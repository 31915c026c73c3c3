"""Fitness measures by name."""

from neuronas.fitness.measure import KernelMeasure, Measure
from neuronas.fitness.path_information import PathInformation
from neuronas.fitness.scores import KERNELS

BUILTIN: dict[str, Measure] = {
    **{name: KernelMeasure(kernel) for name, kernel in KERNELS.items()},
    "sahd-sum": KernelMeasure(KERNELS["sahd"], mean=False),
    "path-information": PathInformation(),
}

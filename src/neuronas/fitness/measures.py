"""The fitness measures by name."""

from neuronas.errors import named
from neuronas.fitness.measure import KernelMeasure, Measure
from neuronas.fitness.path_information import PathInformation
from neuronas.fitness.scores import KERNELS

MEASURES: dict[str, Measure] = {
    **{name: KernelMeasure(kernel) for name, kernel in KERNELS.items()},
    "sahd-sum": KernelMeasure(KERNELS["sahd"], mean=False),
    "path-information": PathInformation(),
}


def measure_named(name: str) -> Measure:
    """Return a measure.

    Raises:
        ConfigurationError: if there is no such fitness.
    """
    return named("fitness", name, MEASURES)

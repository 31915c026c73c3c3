"""Fitness measures by name."""

from neuronas.fitness.measure import KernelMeasure, Measure
from neuronas.fitness.path_and_size import PathAndSize
from neuronas.fitness.path_information import PathInformation
from neuronas.fitness.scores import hamming, sahd, sahd_snasnet

BUILTIN: dict[str, Measure] = {
    "sahd": KernelMeasure(sahd, mean=False),
    "sahd-mean": KernelMeasure(sahd, mean=True),
    "sahd-snasnet": KernelMeasure(sahd_snasnet, mean=True, reads_hidden=True),
    "hamming": KernelMeasure(hamming, mean=False),
    "path-information": PathInformation(),
    "path-and-size": PathAndSize(),
}
"""``sahd`` is NeuroNAS's fitness as printed (arXiv 2407.00641, section IV): ``log det |sum over l of M_H|``, with the
kernel that SNASNet prints. SNASNet's code has another kernel, divides by the number of readings, and also reads the
neurons of its head; ``sahd-mean``
divides the printed kernel. ``hamming`` is NASWOT's: one pattern of all neurons, and so a sum over layers."""

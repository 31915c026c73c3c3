"""Inputs that are neither pixels nor counts of spikes: crossbars read them as integers of n bits, bit by bit."""

from torch import Tensor

from neuronas.chip.layer_inputs import is_counted
from neuronas.snn.imported_network import ImportedClassifier
from neuronas.snn.weighted import InputFormat


def round_inputs(network: ImportedClassifier, images: Tensor, n_bits: int) -> None:
    """Round such inputs of all layers to ``n_bits`` bits, from the lowest value (at most 0) to the highest on images.

    Args:
        network: in evaluation mode, with the weight precision of the chip.
        images: [n, C, H, W] normalised training images, or sequences [T, n, C, H, W], on the device of the network.
        n_bits: at least 2.
    """
    nodes, found = network.graph.by_name, dict[str, InputFormat]()
    for name, (low, high) in network.input_ranges(images).items():
        if not is_counted(network, nodes[name]):
            found[name] = InputFormat(n_bits, (high - low) / (2**n_bits - 1) if high > low else 1.0, low)
    network.set_input_formats(found)

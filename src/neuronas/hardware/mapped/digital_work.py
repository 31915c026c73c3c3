"""Work outside crossbars: neurons, pooling and node sums, and the digital units for it.

Each function returns one count for all rows at once, like those of ``mapping``.
"""

import numpy as np

from neuronas.hardware.cost import Array
from neuronas.hardware.mapped.mapping import MappedWork


def neurons(work: MappedWork) -> Array:
    """Neurons of all layers: C_in * i^2, before each convolution, the head's pooling and the head's layers.

    The first layer, which reads the image, and layers that read pooled spikes have none. Convolutions of the same node
    have separate neurons, as in SNASNet, although their spikes are equal: an upper estimate.
    """
    return work.has_neurons * work.c_in * work.i_area


def neuron_operations(work: MappedWork) -> Array:
    """Operations of the neurons in a time step: neurons, one LIF update each; for a quantised ReLU neurons * bits.

    Batch normalisation is folded into 2^bits - 1 thresholds; bits comparisons find the code between them.
    """
    return neurons(work) * float(work.activation_bits or 1)


def digital_units(work: MappedWork) -> Array:
    """Units for pooling, node sums and neurons: ceil(channels / n_lanes), each with n_lanes adders and a link.

    The channels are C_in for rows with neurons, otherwise C_out; 0 if a row needs no such unit.
    """
    channels = np.where(work.has_neurons > 0, work.c_in, work.c_out)
    needed = np.maximum(work.has_neurons, np.maximum(work.is_pool, work.is_addition))
    units: Array = needed * np.ceil(channels / work.accelerator.digital.n_lanes)
    return units


def additions(work: MappedWork) -> Array:
    """Additions of an image outside crossbars: steps * (k^2 * C_out * o^2 pooling, (C_in - C_out) * o^2 node sums).

    A comparison of max pooling counts as an addition. A node that sums m values has C_in = m * C_out.
    """
    pooling = work.is_pool * work.kernel_area * work.c_out
    sums = work.is_addition * (work.c_in - work.c_out)
    return work.steps * (pooling + sums) * work.o_area

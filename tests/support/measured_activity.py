"""Activity of a network on the first images of a set."""

import numpy as np
import torch

from neuronas.snn.classifier import Classifier
from neuronas.training.activity import ActivityReader, NetworkActivity
from neuronas.training.images import Images
from neuronas.training.passes import run_pass


def activity_of(network: Classifier, images: Images, n: int, pixel_bits: int = 8) -> NetworkActivity:
    """Measure it in a separate pass."""
    counted = ActivityReader(network, images, pixel_bits)
    run_pass(network, images, np.arange(n), torch.device("cpu"), counted)
    return counted.result

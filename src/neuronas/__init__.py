"""neuronas: finds spiking neural networks that fit a compute-in-memory chip."""

import logging

__version__ = "0.1.0"

logging.getLogger(__name__).addHandler(logging.NullHandler())

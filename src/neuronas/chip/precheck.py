"""Check before training whether a chip can compute a layer: signal-to-noise ratio for random weights and spikes."""

from dataclasses import asdict, replace

import torch

from neuronas.chip.calibration import LayerInputs
from neuronas.chip.chip_model import ChipModel
from neuronas.chip.crossbar_layer import Observed
from neuronas.chip.design import converter_steps, programmed
from neuronas.chip.mapped_layer import MappedLayer
from neuronas.chip.monte_carlo import quality
from neuronas.chip.programming import seeded
from neuronas.hardware.chip_columns import RATE, SPREAD
from neuronas.runs.chip_records import LayerSums
from neuronas.snn.weighted import InputFormat

ENOUGH_DB = 10.0
"""Signal-to-noise ratio above which trained networks lost no accuracy in measurements (docs/chip-results.md)."""
_N_OUTPUTS, _N_IMAGES, _SIDE = 16, 8, 8
_SEED = 20241129


@torch.no_grad()
def layer_snr_db(model: ChipModel, weight_bits: int) -> float | None:
    """Signal-to-noise ratio of a 1x1 convolution that fills the rows of one crossbar, on one chip; None: no error.

    Weights are normal, inputs spike independently of each other, as often as in trained networks.

    Args:
        model: parameters of the chip; its weight precision is ignored.
        weight_bits: bits of the layer's weights.
    """
    generator, model = seeded(_SEED), replace(model, weight_bits=weight_bits)
    largest = 2 ** (weight_bits - 1) - 1
    drawn = torch.randn(_N_OUTPUTS, model.crossbar_size, 1, 1, generator=generator) * SPREAD * largest
    codes = drawn.round().clamp(-largest, largest)
    layer = MappedLayer("layer", codes, codes, torch.ones(1, dtype=torch.float64), 1, InputFormat(), model)
    x = (torch.rand(_N_IMAGES, model.crossbar_size, _SIDE, _SIDE, generator=generator) < RATE).float()
    inputs = LayerInputs()
    inputs.add(layer, x)
    chip = programmed(layer, converter_steps(layer, inputs), inputs, _SEED, 0, 0)
    chip.observed = Observed()
    chip(x)
    return quality([LayerSums(**asdict(chip.observed))]).snr_db

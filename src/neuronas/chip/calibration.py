"""What is trimmed on training images: the converters' range, once a design, and each column's gain, once a chip."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.mapped_layer import MappedLayer
from neuronas.chip.programming import Programmed, seeded
from neuronas.snn.classifier import Classifier

N_SAMPLES = 128
"""Input vectors of each block, from which the converters' range is chosen."""
_GAINS = (0.5, 2.0)
"""How far a column's gain can be trimmed."""
_STEPS = 12
_SAMPLING = 20240702


@dataclass
class LayerInputs:
    """What a layer's crossbars read on training images: bit planes of input vectors, for each block of the layer.

    Attributes:
        moments: [rows, rows] sums of x x^T, one for each block.
        samples: [n, rows] some of the vectors, one for each block.
    """

    moments: list[Tensor] = field(default_factory=list)
    samples: list[Tensor] = field(default_factory=list)

    def add(self, layer: MappedLayer, x: Tensor) -> None:
        """Take in inputs [n, in, H, W]."""
        planes = torch.stack([plane for _, plane in layer.inputs.planes(x)])
        vectors = planes.movedim(2, -1).flatten(0, -2)
        # Drawn, not every so many: that would be the same pixel of each image.
        chosen = torch.randint(len(vectors), (N_SAMPLES,), generator=seeded(_SAMPLING)).to(x.device)
        for number, block in enumerate(layer.blocks):
            rows = vectors[:, block.channels]
            moment, sample = (rows.T @ rows).double().cpu(), rows[chosen].cpu()
            if number == len(self.moments):
                self.moments.append(moment)
                self.samples.append(sample)
            else:
                self.moments[number] = self.moments[number] + moment
                self.samples[number] = torch.cat([self.samples[number], sample])[-4 * N_SAMPLES :]


@torch.no_grad()
def inputs_on(network: Classifier, layers: dict[str, MappedLayer], images: Tensor) -> dict[str, LayerInputs]:
    """Watch what each layer of the ideal network reads on normalised training images [n, C, H, W]."""
    found = {name: LayerInputs() for name in layers}
    hooks = []
    for name, module in network.weighted_layers().items():

        def seen(module: torch.nn.Module, inputs: tuple[Tensor], name: str = name) -> None:
            x = inputs[0]
            found[name].add(layers[name], x if x.dim() == 4 else x.reshape(-1, x.shape[-1], 1, 1))

        hooks.append(module.register_forward_pre_hook(seen))
    try:
        network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return found


def gains(current: Tensor, levels: Tensor, moment: Tensor) -> Tensor:
    """The gain of each column that brings its current nearest to the ideal one, in least squares, within trimming.

    g = sum (w x)(c x) / sum (c x)^2 over input vectors x = (w^T M c) / (c^T M c), M the inputs' second moments.

    Args:
        current: [positions, rows, outputs, K] as programmed.
        levels: the target, the same shape.
        moment: [rows, rows].

    Returns:
        [positions, 1, outputs, K]; 1 for a column that reads nothing.
    """
    weighted = torch.einsum("rs,psfk->prfk", moment, current)
    ideal, own = ((one * weighted).sum(dim=1, keepdim=True) for one in (levels, current))
    return torch.where(own > 0, ideal / own.clamp_min(1e-30), 1.0).clamp(*_GAINS)


def trimmed(model: ChipModel, written: Programmed, levels: Tensor, moment: Tensor) -> Tensor:
    """The gain of each column of a block, 1 where the chip trims none; see ``gains``."""
    if not model.gain_calibration:
        return torch.ones(1, dtype=torch.float64)
    return gains(written.current, levels, moment)


def converter_step(sums: Tensor, ideal: Tensor, adc_bits: int) -> float:
    """The converter's step with which codes are nearest to the ideal column sums, in least squares.

    Candidates reach from the full range down to a tenth of it (large sums are then clipped). A step of one level is one
    of them: it rounds small errors away.

    Args:
        sums: what the columns of one kind give, any shape, in levels.
        ideal: what they should give, the same shape.
        adc_bits: of the converter.
    """
    largest_code = 2**adc_bits - 1
    full = float(sums.max()) / largest_code
    if full <= 0:
        return 1.0
    candidates: list[float] = [1.0, *(full * 0.1 ** (number / _STEPS) for number in range(_STEPS + 1))]
    errors: list[float] = [
        float(((sums / step).round().clamp(0, largest_code) * step - ideal).square().sum()) for step in candidates
    ]
    return candidates[errors.index(min(errors))]

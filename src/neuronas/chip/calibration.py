"""Calibration on training images: the ADC range, once per design, and the gain of each column, once per chip."""

from dataclasses import dataclass, field

import torch
from torch import Tensor

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.mapped_layer import MappedLayer
from neuronas.chip.programming import Programmed, seeded
from neuronas.snn.weighted import WeightedNetwork

N_SAMPLES = 128
"""Number of input vectors per block and batch of images from which the ADC range is chosen."""
_GAINS = (0.5, 2.0)
"""Smallest and largest gain of a column."""
_STEPS = 24
_TOLERANCE = 0.01
"""Share by which the squared error of a wider ADC range may exceed the smallest one."""
_SAMPLING = 20240702


@dataclass
class LayerInputs:
    """Input vectors of a layer on training images, as bit planes (0 or 1), for each block of the layer.

    Attributes:
        moments: second moments of each block, the sum of x x^T over its input vectors x, [rows, rows].
        samples: random input vectors of each block, [n, rows].
    """

    moments: list[Tensor] = field(default_factory=list)
    samples: list[Tensor] = field(default_factory=list)

    def add(self, layer: MappedLayer, x: Tensor) -> None:
        """Add inputs [n, in, H, W] of the layer."""
        planes = torch.stack([plane for _, plane in layer.inputs.planes(x)])
        vectors = planes.movedim(2, -1).flatten(0, -2)
        # Random samples: every n-th vector could be the same pixel of each image.
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
def inputs_on(network: WeightedNetwork, layers: dict[str, MappedLayer], images: Tensor) -> dict[str, LayerInputs]:
    """Record the inputs of each layer of the ideal network on training images."""
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
    """The gain of each column that minimises the squared error of its current, limited to 0.5 to 2.

    With cell currents c, target levels w and input vectors x,
    g = sum (w x)(c x) / sum (c x)^2 = (w^T M c) / (c^T M c), where M is the second moment of the inputs.

    Args:
        current: cell currents as programmed, in levels, [positions, rows, outputs, K].
        levels: target levels, the same shape.
        moment: second moments M of the inputs, [rows, rows].

    Returns:
        gains [positions, 1, outputs, K]; 1 for a column without current.
    """
    weighted = torch.einsum("rs,psfk->prfk", moment, current)
    ideal, own = ((one * weighted).sum(dim=1, keepdim=True) for one in (levels, current))
    return torch.where(own > 0, ideal / own.clamp_min(1e-30), 1.0).clamp(*_GAINS)


def trimmed(model: ChipModel, written: Programmed, levels: Tensor, moment: Tensor) -> Tensor:
    """The gain of each column of a block (see ``gains``); 1 if the chip has no gain calibration."""
    if not model.gain_calibration:
        return torch.ones(1, dtype=torch.float64)
    return gains(written.current, levels, moment)


def recovery(model: ChipModel, fresh: Programmed, now: Programmed) -> float:
    """The factor that compensates for drift of the currents of a block: their sum at programming over their sum now.

    One number per block (global drift compensation, Joshi et al., Nat. Commun. 11, 2473, 2020), which a chip measures
    by reading all rows at once; 1 if the chip has no drift compensation, or no current to measure.
    """
    if not model.drift_compensation:
        return 1.0
    before, after = float(fresh.current.sum()), float(now.current.sum())
    return before / after if before > 0 and after > 0 else 1.0


def converter_step(sums: Tensor, ideal: Tensor, adc_bits: int, largest: float) -> float:
    """The widest ADC step whose converted column sums are as accurate as with any other step.

    Candidate ranges extend from the largest possible sum of the column down to a step of one level; ideal sums are
    whole numbers of levels, and a step of one level removes small errors by rounding. A narrower range has no benefit
    and would clip the sums of a chip whose neurons fire more than those of the ideal network. Of the steps whose
    squared error is within ``_TOLERANCE`` of the smallest, the widest is chosen.

    Args:
        sums: simulated column sums in levels, any shape.
        ideal: ideal column sums in levels, the same shape.
        adc_bits: resolution of the ADC.
        largest: the largest sum that the column can have, in levels.

    Returns:
        the step in levels.
    """
    largest_code = 2**adc_bits - 1
    full = largest / largest_code
    if full <= 0:
        return 1.0
    finest = min(full, 1.0)
    ranges = (full * (finest / full) ** (number / _STEPS) for number in range(_STEPS + 1))
    candidates: list[float] = sorted({1.0, *ranges}, reverse=True)
    errors: list[float] = [
        float(((sums / step).round().clamp(0, largest_code) * step - ideal).square().sum()) for step in candidates
    ]
    enough = min(errors) * (1 + _TOLERANCE)
    return next(step for step, error in zip(candidates, errors, strict=True) if error <= enough)

"""Maps a trained network to a chip design, and programs single chips of this design."""

from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from neuronas.chip.calibration import LayerInputs, converter_step, inputs_on, recovery, trimmed
from neuronas.chip.chip_model import ChipModel
from neuronas.chip.crossbar_layer import CrossbarLayer, Currents
from neuronas.chip.mapped_layer import MappedLayer, mapped_layers
from neuronas.chip.programming import Programmed, program, seeded
from neuronas.snn.weighted import InputFormat, WeightedNetwork

_BLOCKS_FOR_RANGE = 8
"""Number of blocks of a layer from which its ADC range is chosen."""
_PILOT = 20240701
"""Random seed of the pilot chip on which ADC ranges are chosen; no evaluated chip has it."""
_READING = 1


@dataclass(frozen=True)
class ChipDesign:
    """Data that all chips of a design have in common.

    Attributes:
        network: trained network in evaluation mode.
        model: parameters of the chip.
        layers: layers with weights, mapped to crossbars, by name.
        inputs: inputs of each layer on training images.
        steps: [K] steps of the ADCs of each layer, in levels; 1 for ideal ADCs.
    """

    network: WeightedNetwork
    model: ChipModel
    layers: dict[str, MappedLayer]
    inputs: dict[str, LayerInputs]
    steps: dict[str, Tensor]

    def chip(self, seed: int, number: int) -> WeightedNetwork:
        """Program one chip.

        Args:
            seed: random seed of all chips.
            number: number of this chip; with the seed it determines variation, faults and read noise. Switching one
                non-ideality off does not change the random numbers of the others.

        Returns:
            a copy of the network whose layers with weights are ``CrossbarLayer``.
        """
        copy = deepcopy(self.network)
        own = copy.weighted_layers()
        for place, (name, layer) in enumerate(self.layers.items()):
            replaced = programmed(layer, self.steps[name], self.inputs[name], seed, number, place)
            for parent in list(copy.modules()):
                for key, child in parent.named_children():
                    if child is own[name]:
                        parent.add_module(key, replaced)
        return copy


def programmed(
    layer: MappedLayer, steps: Tensor, inputs: LayerInputs, seed: int, number: int, place: int
) -> CrossbarLayer:
    """Program the cells of one layer on one chip, calibrate it, and age it until ``model.after_s``.

    Args:
        layer: the layer.
        steps: [K] steps of its converters, see ``converter_steps``.
        inputs: inputs of the layer on training images, for the calibration of gains.
        seed: random seed of all chips.
        number: number of the chip.
        place: index of the layer in the network.
    """
    model, device, steps = layer.model, layer.weight.device, steps.double()
    currents = []
    for index, block in enumerate(layer.blocks):
        levels = layer.levels(block)

        def written_on(
            chip: ChipModel, levels: Tensor = levels, seeds: tuple[int, ...] = (seed, number, place, index)
        ) -> Programmed:
            return program(levels, chip, seeded(*seeds), has_reference=layer.has_reference)

        written = written_on(model)
        fresh = written_on(model.fresh) if model.fresh != model else written
        gain = trimmed(model, fresh, levels, inputs.moments[index]) * recovery(model, fresh, written)
        factor = gain / steps
        exact = model.adc_bits is None
        variance = None if written.variance is None else written.variance * factor.square()
        currents.append(
            Currents(
                _by_column(written.current * factor, device, exact=exact),
                None if variance is None else _by_column(variance, device, exact=exact),
            )
        )
    # _READING keeps these seeds apart from those of the blocks: NumPy ignores trailing zeros in a seed sequence.
    reading = torch.Generator(device).manual_seed(seeded(seed, number, place, 0, _READING).initial_seed())
    factors = torch.tensor(layer.factors, dtype=torch.float64) * steps
    return CrossbarLayer(layer, currents, factors, model.adc_bits, reading)


@torch.no_grad()
def make_design(network: WeightedNetwork, model: ChipModel, pixels: InputFormat, images: Tensor) -> ChipDesign:
    """Map a network to crossbars and choose the ADC ranges on a pilot chip.

    Args:
        network: trained network in evaluation mode, with the weight precision of ``model``.
        model: parameters of the chip.
        pixels: input format of the normalised images.
        images: [n, C, H, W] normalised training images, on the device of the network.

    Raises:
        ConfigurationError: inputs of a layer have no format (see ``layer_inputs.input_format``).
    """
    layers = mapped_layers(network, model, pixels)
    inputs = inputs_on(network, layers, images)
    steps = {name: converter_steps(layer, inputs[name]) for name, layer in layers.items()}
    return ChipDesign(network, model, layers, inputs, steps)


def converter_steps(layer: MappedLayer, inputs: LayerInputs) -> Tensor:
    """Steps of a layer's ADCs in levels [K], one for each kind of column, chosen on the pilot chip."""
    model, k = layer.model, len(layer.factors)
    if model.adc_bits is None:
        return torch.ones(k)
    pilot = model.fresh.without(["read_noise"])
    every = -(-len(layer.blocks) // _BLOCKS_FOR_RANGE)
    sums: list[list[Tensor]] = [[] for _ in range(k)]
    ideal: list[list[Tensor]] = [[] for _ in range(k)]
    for index, block in islice(enumerate(layer.blocks), 0, None, every):
        levels = layer.levels(block)
        written = program(levels, pilot, seeded(_PILOT, index), has_reference=layer.has_reference)
        current = written.current * trimmed(pilot, written, levels, inputs.moments[index])
        samples, current, levels = inputs.samples[index].float(), current.float(), levels.float()
        for column in range(k):
            for found, cells in ((sums, current), (ideal, levels)):
                for rows in layer.reads(block):
                    some = torch.einsum("nr,prf->npf", samples[:, rows], cells[:, rows, :, column])
                    found[column].append(some.flatten())
    n_rows = max(rows.stop - rows.start for block in layer.blocks for rows in layer.reads(block))
    largest = float(n_rows * model.largest_level)
    return torch.tensor(
        [converter_step(torch.cat(s), torch.cat(i), model.adc_bits, largest) for s, i in zip(sums, ideal, strict=True)]
    )


def _by_column(values: Tensor, device: torch.device, *, exact: bool) -> Tensor:
    """[positions, rows, outputs, K] -> [K, rows, positions * outputs]; float32 on the device unless ``exact``."""
    ordered = values.permute(3, 1, 0, 2).flatten(2)
    return ordered if exact else ordered.to(device, torch.float32).contiguous()


def crossbar_layers(chip: WeightedNetwork, design: ChipDesign) -> dict[str, CrossbarLayer]:
    """The crossbar layers of a programmed chip, by name, in network order."""
    found = {module.layer.name: module for module in chip.modules() if isinstance(module, CrossbarLayer)}
    return {name: found[name] for name in design.layers}

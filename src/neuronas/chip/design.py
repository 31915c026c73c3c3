"""From a trained network to a kind of chip, and from that to single programmed chips."""

from copy import deepcopy
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from neuronas.chip.calibration import LayerInputs, converter_step, inputs_on, trimmed
from neuronas.chip.chip_model import ChipModel
from neuronas.chip.crossbar_layer import CrossbarLayer, Currents
from neuronas.chip.mapped_layer import InputFormat, MappedLayer, mapped_layers
from neuronas.chip.programming import program, seeded
from neuronas.errors import ConfigurationError
from neuronas.snn.classifier import Classifier

_BLOCKS_FOR_RANGE = 8
"""Blocks of rows of a layer that decide its converters' range."""
_PILOT = 20240701
"""Seed of the chip on which ranges are chosen; none of those that are measured."""
_READING = 1


@dataclass(frozen=True)
class ChipDesign:
    """What all chips of a kind share.

    Attributes:
        network: trained, in evaluation mode.
        model: of the chip.
        layers: by name, on crossbars.
        inputs: what they read on training images.
        steps: [K] of each layer's converters, in levels; 1 where they are ideal.
    """

    network: Classifier
    model: ChipModel
    layers: dict[str, MappedLayer]
    inputs: dict[str, LayerInputs]
    steps: dict[str, Tensor]

    def chip(self, seed: int, number: int) -> Classifier:
        """Program one chip.

        Args:
            seed: of all chips.
            number: of this chip; with the seed it decides its variation, faults and read noise. A non-ideality that is
                switched off leaves the draws of the others as they are.

        Returns:
            a copy of the network with its weighted layers on crossbars.
        """
        copy = deepcopy(self.network)
        own = copy.weighted_layers()
        for place, (name, layer) in enumerate(self.layers.items()):
            replaced = self._programmed(layer, seed, number, place)
            for parent in list(copy.modules()):
                for key, child in parent.named_children():
                    if child is own[name]:
                        parent.add_module(key, replaced)
        return copy

    def _programmed(self, layer: MappedLayer, seed: int, number: int, place: int) -> CrossbarLayer:
        model, device, steps = self.model, layer.weight.device, self.steps[layer.name].double()
        currents = []
        for index, block in enumerate(layer.blocks):
            generator = seeded(seed, number, place, index)
            levels = layer.levels(block)
            written = program(levels, model, generator, has_reference=layer.has_reference)
            factor = trimmed(model, written, levels, self.inputs[layer.name].moments[index]) / steps
            exact = model.adc_bits is None
            variance = None if written.variance is None else written.variance * factor.square()
            currents.append(
                Currents(
                    _by_column(written.current * factor, device, exact=exact),
                    None if variance is None else _by_column(variance, device, exact=exact),
                )
            )
        # Without the last number these would be the draws of the first block: a seed's trailing zeros do not count.
        reading = torch.Generator(device).manual_seed(seeded(seed, number, place, 0, _READING).initial_seed())
        factors = torch.tensor(layer.factors, dtype=torch.float64) * steps
        return CrossbarLayer(layer, currents, factors, model.adc_bits, reading)


@torch.no_grad()
def make_design(network: Classifier, model: ChipModel, pixels: InputFormat, images: Tensor) -> ChipDesign:
    """Map a network and choose its converters' ranges on a pilot chip.

    Args:
        network: trained, in evaluation mode, of as many bits as the model.
        model: of the chip.
        pixels: format of the normalised images.
        images: [n, C, H, W] normalised training images, on the network's device.

    Raises:
        ConfigurationError: the network does not spike.
    """
    if not network.settings.spiking:
        raise ConfigurationError(
            "run trained with --ann given; expected a spiking network, since chips read spikes; train without --ann"
        )
    layers = mapped_layers(network, model, pixels)
    inputs = inputs_on(network, layers, images)
    steps = {name: _steps(layer, model, inputs[name]) for name, layer in layers.items()}
    return ChipDesign(network, model, layers, inputs, steps)


def _steps(layer: MappedLayer, model: ChipModel, inputs: LayerInputs) -> Tensor:
    k = len(layer.factors)
    if model.adc_bits is None:
        return torch.ones(k)
    pilot = model.without(["read_noise"])
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
                found[column].append(torch.einsum("nr,prf->npf", samples, cells[..., column]).flatten())
    bits = model.adc_bits
    return torch.tensor([converter_step(torch.cat(s), torch.cat(i), bits) for s, i in zip(sums, ideal, strict=True)])


def _by_column(values: Tensor, device: torch.device, *, exact: bool) -> Tensor:
    """[positions, rows, outputs, K] -> [K, rows, positions * outputs]; as they are where they will be added."""
    ordered = values.permute(3, 1, 0, 2).flatten(2)
    return ordered if exact else ordered.to(device, torch.float32).contiguous()


def crossbar_layers(chip: Classifier, design: ChipDesign) -> dict[str, CrossbarLayer]:
    """The layers of a programmed chip, by name."""
    found = {module.layer.name: module for module in chip.modules() if isinstance(module, CrossbarLayer)}
    return {name: found[name] for name in design.layers}

"""Networks with random architectures of all spaces and random normalisation, to compare exports with each other."""

from dataclasses import dataclass
from random import Random

import torch

from neuronas.config import HardwareConfig
from neuronas.export.content import ExportContent
from neuronas.export.crossbars import crossbars_document
from neuronas.export.from_network import bind
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.mapped.activity import DENSE
from neuronas.hardware.models import mapped_cost_model
from neuronas.runs.inputs import NetworkInput
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.normalisation import BatchNorm
from neuronas.snn.trainable import WeightFormat
from neuronas.space.notation import format_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import rows
from strategies import draws

_FORMS = (WeightFormat(8), WeightFormat(4, "lsq-channel"), WeightFormat(16, "lsq"), WeightFormat(5))
_NEURONS = (NeuronParameters(), NeuronParameters(2.0, 0.7, 0.0), NeuronParameters(1.7, 0.9, -0.1))


@dataclass(frozen=True)
class Case:
    """One network and its exported form."""

    number: int
    network: Classifier
    content: ExportContent

    def __str__(self) -> str:
        kind = "-sequence" * self.network.shape.sequence
        return f"{self.number}-{self.network.settings.form.bits}bit-{self.network.shape.head}{kind}"


def cases(n: int, *, sequence: bool = False) -> list[Case]:
    """The first n networks: architectures of every space and of one with all operations, in turn.

    Args:
        n: number of networks.
        sequence: whether they read one image per time step.
    """
    by_space = [draws(1 + n // 6, n_nodes) for n_nodes in (4, 5, 3)]
    per = 1 + n // 6
    rng, found = Random(7), []
    for number in range(n):
        architectures = by_space[number % len(by_space)]
        space = (number * 5 + 5) % (len(architectures) // per)
        architecture = architectures[space * per + number // 6]
        n_cells = max(2, len(architecture.cells))
        side = (8, 12)[number % 2] << (n_cells - 2)
        shape = NetworkShape(
            2, side, 3, rng.choice((4, 6)), n_cells=n_cells, head_width=12, head=("gap", "linear")[number % 2],
            sequence=sequence,
        )  # fmt: skip
        settings = ClassifierSettings(_FORMS[number % 4], _NEURONS[number % 3], timesteps=3)
        network = Classifier(architecture, shape, settings, seed=number)
        _normalise(network, number)
        found.append(Case(number, network.eval(), _content(network)))
    return found


def _normalise(network: Classifier, seed: int) -> None:
    """Batch normalisation far from the identity, with negative factors."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, BatchNorm):
            for name, tensor in (*module.named_parameters(), *module.named_buffers()):
                drawn = torch.randn(tensor.shape, generator=generator)
                tensor.data = drawn.abs() + 0.1 if name == "running_var" else 0.5 * drawn + (name == "weight")


def _content(network: Classifier) -> ExportContent:
    work, bits = rows(network.architecture, network.shape), network.settings.form.bits
    model = mapped_cost_model(HardwareConfig(), load_accelerator("spikeflow-rram"), bits, network.timesteps, DENSE)
    crossbars = crossbars_document(work, model.work(work), "spikeflow-rram")
    height, width = network.shape.image_size
    shown = NetworkInput(channels=2, height=height, width=width, mean=(0.5, 0.4), std=(0.25, 0.3))
    text = format_architecture(network.architecture)
    return ExportContent(bind(network), text, bits, shown, None, crossbars)

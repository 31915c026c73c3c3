"""The head's LIF layer as part of a fitness: read by reference and engine, with exact sums."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.measure import Reading
from neuronas.fitness.patterns import Patterns
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.snn.arithmetic import exact_linear
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FixedPoint
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture
from neuronas.space.node_operations import Weights
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space
from test_engine import GIB, backends


class Recording:
    """A measure that records its input: number of neurons, and number of common spikes."""

    def __init__(self, *, reads_hidden: bool, reads_output: bool = True):
        self.reads_hidden, self.reads_output = reads_hidden, reads_output
        self.read_layers: list[tuple[int, torch.Tensor]] = []

    def read(self, patterns: Patterns) -> torch.Tensor:
        self.read_layers.append((patterns.n, patterns.common))
        return patterns.common

    def combine(self, architecture: Architecture, n_cells: int, layers: Sequence[Reading]) -> float:
        return float(sum(layer.total.sum() for layer in layers))


def layers_of(measure: Recording) -> set[tuple[int, tuple[float, ...]]]:
    return {(n, tuple(common.flatten().tolist())) for n, common in measure.read_layers}


@pytest.mark.parametrize("bits", [8, 32])
def test_the_neurons_of_the_head_are_read_if_the_measure_asks(bits: int) -> None:
    shape = NetworkShape(3, 16, 10, 40, head_width=24)  # 40 channels: a plane of 32 and one of 16, half of it padding
    architecture = parse_architecture("|conv_3x3~0|+|skip~0|conv_3x3~1|+|skip~0|skip~1|skip~2|")
    images = torch.randn(1, 5, 3, 16, 16, generator=torch.Generator().manual_seed(3))
    neuron, weights = NeuronParameters(v_threshold=0.05), WeightSource(1, bits)
    for reads_hidden, reads_output in ((True, True), (True, False), (False, True)):
        wanted = Recording(reads_hidden=reads_hidden, reads_output=reads_output)
        fitness = list(ReferenceEvaluator(images, shape, weights, neuron, 2, wanted).evaluate([architecture]))
        sizes = [n for n, _ in wanted.read_layers]
        n_behind = reads_hidden + reads_output
        assert sizes[len(sizes) - n_behind :] == [80 * 8 * 8] * reads_output + [24] * reads_hidden
        if reads_hidden:
            spikes = wanted.read_layers[-1][1].diagonal(dim1=1, dim2=2)
            assert 0 < spikes.sum() < spikes.numel() * 24
        for name, backend in backends(neuron).items():
            found = Recording(reads_hidden=reads_hidden, reads_output=reads_output)
            engine = EngineEvaluator(images, shape, weights, 2, found, backend, GIB, 0.05)
            assert list(engine.evaluate([architecture])) == fitness, name
            assert layers_of(wanted) <= layers_of(found), name


def test_a_head_without_neurons_adds_no_reading() -> None:
    shape = NetworkShape(3, 8, 10, 8, head="gap")
    images, neuron = torch.randn(1, 4, 3, 8, 8), NeuronParameters()
    architecture = load_space("snasnet").random_architecture(random.Random(1))
    found = Recording(reads_hidden=True)
    list(ReferenceEvaluator(images, shape, WeightSource(1), neuron, 2, found).evaluate([architecture]))
    assert found.read_layers[-1][0] == 16 * 4 * 4


def test_a_linear_layer_is_exact() -> None:
    # 16,384 inputs of 1/4 and codes of 24 bits: the sum needs 38 bits, so float32 is not enough
    codes = np.full((2, 16_384, 1, 1), 2**23 - 1, dtype=np.int32)
    codes[1, 1:] = 0
    y = exact_linear(torch.full((1, 16_384), 0.25), FixedPoint(codes, 20))
    exact = [(2**23 - 1) * n / 4 / 2**20 for n in (16_384, 1)]
    assert y.tolist() == [[float(np.float32(value)) for value in exact]]
    small = FixedPoint(np.array([[[[3]], [[-5]]]], dtype=np.int32), 1)
    assert exact_linear(torch.tensor([[0.75, 0.5]]), small).tolist() == [[(0.75 * 3 - 0.5 * 5) / 2]]


def test_weights_of_the_head_have_snasnets_deviation() -> None:
    drawn = WeightSource(5, 32).of("head.1", Weights(64, normalised=False), (16, 8, 8))
    assert drawn.codes.shape == (64, 1024, 1, 1)
    assert drawn.values.std() == pytest.approx(0.01, rel=0.01)
    assert abs(drawn.values.mean()) < 1e-4

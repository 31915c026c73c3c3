"""The integer-only network: its numbers by hand, the proof that 32 bits are enough, its difference from float."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from neuronas.config import FRACTION_BITS
from neuronas.errors import ConfigurationError
from neuronas.export.from_network import bind
from neuronas.export.integer_interpreter import integer_scores
from neuronas.export.integer_network import LARGEST, IntegerNetwork
from neuronas.export.interpreter import interpret
from neuronas.export.to_integers import integer_network
from neuronas.runs.inputs import NetworkInput
from neuronas.snn.bound_graph import BoundGraph, NeuronArrays, WeightArrays
from neuronas.snn.classifier import Classifier
from neuronas.space.graph import Graph, Link, Node
from neuronas.space.node_operations import Image, Weights
from strategies import draws
from test_export import BACKWARD, CONV, DEAD, FORMS, THRESHOLDS, UNREACHED, a_neuron, make_network

SHOWN = NetworkInput(channels=2, height=8, width=8, mean=(0.5, 0.4), std=(0.25, 0.3))


def integers(network: Classifier, bits: int = FRACTION_BITS) -> IntegerNetwork:
    return integer_network(bind(network), SHOWN, bits)


def pixels_of(n: int, side: int = 8, channels: int = 2) -> torch.Tensor:
    return torch.randint(0, 256, (n, channels, side, side), generator=torch.Generator().manual_seed(3)).byte()


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    mean, std = (torch.tensor(one)[:, None, None] for one in (SHOWN.mean, SHOWN.std))
    return (pixels.float() / 255 - mean) / std


def one_pixel(neurons: NeuronArrays) -> IntegerNetwork:
    """The network of ``a_neuron`` with codes: the input is pixel / 255, and both weights are 1."""
    bound = a_neuron(neurons)
    weights = {
        name: WeightArrays(one.values, np.ones_like(one.values, np.int32), np.ones(1, np.float32))
        for name, one in bound.weights.items()
    }
    whole = BoundGraph(bound.graph, bound.timesteps, weights, bound.neurons)
    return integer_network(whole, NetworkInput(channels=1, height=1, width=1, mean=(0.0,), std=(0.5,)))


@pytest.mark.parametrize(
    ("pixel", "spikes"),
    [
        # tau = 2, threshold 1, x = pixel / 127.5: h = (v + x) / 2
        (191, [0, 1, 0, 1]),  # x = 1.498: 0.749, 1.124 fires; again
        (255, [1, 1, 1, 1]),  # x = 2 exactly: h = 1 fires
        (254, [0, 1, 0, 1]),  # just below
        (127, [0, 0, 0, 0]),  # x below 1: never
    ],
)
def test_a_neuron_by_hand(pixel: int, spikes: list[int]) -> None:
    network = one_pixel(NeuronArrays(2.0, np.array(1.0), np.array(0.0), 0.0))
    neurons = network.neurons["lif"]
    assert (neurons.leak, neurons.threshold.tolist(), neurons.reset.tolist()) == (2**14, [2**12], [0])
    assert neurons.multiplier.tolist() == [2**13]  # (2**12 / 2) / 2**12 * 2**14
    scores = integer_scores(network, torch.tensor([[[[pixel]]]], dtype=torch.uint8))
    assert scores.flatten().tolist() == spikes
    assert network.units == {"image": Fraction(1, 2**12), "in": Fraction(1, 2**12), "lif": 1, "out": 1}


@given(
    st.floats(1.05, 20), st.floats(0.2, 3), st.floats(-1, 1), st.floats(-3, 3), st.floats(-2, 2), st.integers(0, 255)
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_neurons_spike_as_in_float_where_no_potential_is_near_its_threshold(
    tau: float, threshold: float, v_reset: float, gain: float, offset: float, pixel: int
) -> None:
    reset = min(v_reset, threshold - 0.1)
    neurons = NeuronArrays(tau, np.array(threshold), np.array(reset), reset, np.array([gain]), np.array([offset]))
    found = integer_scores(one_pixel(neurons), torch.full((1, 1, 1, 1), pixel, dtype=torch.uint8))
    expected = interpret(a_neuron(neurons), torch.full((1, 1, 1, 1), pixel / 127.5))
    if expected.margin > 0.01:
        assert found.flatten().tolist() == expected.scores.flatten().tolist()


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (-0.01, 3.0), (300.0, -200.0), (1e-6, 1e-3), (0.0, -1.0)])
@pytest.mark.parametrize("bits", [4, 8, 16])
def test_rescaling_is_as_accurate_as_the_unit(gain: float, offset: float, bits: int) -> None:
    """Batch normalisation of a convolution: within one unit of 2**-12, or 2**-14 of the largest value."""
    top = 2 ** (bits - 1) - 1
    codes = np.random.default_rng(bits).integers(-top, top + 1, (3, 2, 3, 3)).astype(np.int32)
    step, shape = np.full(1, 2.0**-bits, np.float32), (3, 8, 8)
    arrays = WeightArrays(
        (codes * step).astype(np.float32), codes, step, np.full(3, gain), np.array([offset, 0.0, -offset])
    )
    graph = Graph((Node("image", Image(), (), (2, 8, 8)), Node("conv", Weights(3, 3), (Link("image"),), shape)))
    bound = BoundGraph(graph, 1, {"conv": arrays}, {})
    network, pixels = integer_network(bound, SHOWN), pixels_of(4)
    found = integer_scores(network, pixels).double() * float(network.unit)
    expected = interpret(bound, normalised(pixels)).scores
    accuracy = float(network.unit) + float(network.ranges["conv"].largest * network.unit) * 2**-10
    assert (found - expected).abs().max() < accuracy
    assert network.sums["conv"] <= LARGEST


CASES = [
    (CONV, "fixed", "linear"), (BACKWARD, "fixed", "gap"), (THRESHOLDS, "sixteen", "linear"),
    (UNREACHED, "fixed", "gap"), (DEAD, "fixed", "gap"), (CONV, "four", "gap"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form", "head"), CASES)
def test_values_stay_within_their_proven_ranges(text: str, form: str, head: str) -> None:
    network = integers(make_network(text, FORMS[form], head))
    spikes: dict[str, int] = {}

    def seen(name: str, found: torch.Tensor) -> None:
        assert found.shape[1:] == network.graph.by_name[name].shape
        spikes[name] = spikes.get(name, 0) + int(found.sum())

    scores = integer_scores(network, pixels_of(8), seen)
    last = network.ranges[network.graph.nodes[-1].name]
    assert (scores >= torch.from_numpy(last.low)).all()
    assert (scores <= torch.from_numpy(last.high)).all()
    assert all(one.largest <= LARGEST for one in network.ranges.values())
    assert set(spikes) == {name for name in network.neurons if name in network.first_steps}


def test_networks_of_all_spaces_answer_as_in_float() -> None:
    """Untrained networks, with batch normalisation far from the identity; most scores are equal."""
    near, n = 0, 0
    for architecture in draws(1):
        network = make_network(architecture, head="linear", n_cells=max(2, len(architecture.cells)))
        found, pixels = integers(network), pixels_of(16)
        with torch.no_grad():
            expected = network(normalised(pixels)).double()
        scores = integer_scores(found, pixels).double() * float(found.units["scores"])
        near += int(((scores - expected).abs().amax(dim=(0, 2)) <= 0.05 * expected.abs().max()).sum())
        n += len(pixels)
    assert near > 0.9 * n


def test_fewer_fraction_bits_are_taken_where_sums_would_not_fit() -> None:
    """Backward edges that triple a value at every time step."""
    tripling = "|skip~0|+|skip^0|skip~1|+|skip^0|skip~1|skip~2|"
    network = make_network(tripling)
    assert integers(network).fraction_bits == FRACTION_BITS
    network.present(12, (8, 8))
    assert 4 <= integers(network).fraction_bits < FRACTION_BITS
    network.present(30, (8, 8))
    with pytest.raises(
        ConfigurationError, match=r"^layer \S+: sums up to [\d,]+ given; expected at most 2,147,483,647"
    ):
        integers(network)


def test_what_cannot_be_integers_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="weights of 32 bits given in layer stem; expected quantised weights"):
        integers(make_network(CONV, FORMS["none"]))

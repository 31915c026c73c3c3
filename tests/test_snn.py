"""Neurons, fixed point and the reference network compared with hand computations and plain PyTorch."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays
from torch.nn import functional as F  # noqa: N812

from neuronas.snn.arithmetic import batch_norm, exact_conv2d, pool
from neuronas.snn.network import SpikingFeatures
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import quantise
from neuronas.snn.spikingjelly import SpikingJellyLif
from neuronas.snn.weights import WeightSource
from neuronas.space.node_operations import Pool
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape


def test_lif_trajectory_by_hand() -> None:
    # tau 4/3, threshold 1, reset 0, input 1.2 at every step: h = v + 0.75 (1.2 - v) = 0.9 + 0.25 v
    #   h: 0.9, 0.9 + 0.225 = 1.125 (spike, back to 0), 0.9, 1.125 (spike), 0.9
    lif = SpikingJellyLif(NeuronParameters(), 5)
    assert lif(torch.full((5, 1), 1.2)).flatten().tolist() == [0, 1, 0, 1, 0]
    assert lif(torch.full((1, 1), 1.2)).flatten().tolist() == [0, 1, 0, 1, 0]
    v, found = None, []
    for _ in range(5):
        spikes, v = lif.step(torch.full((1, 1), 1.2), v)
        found.append(spikes.item())
    assert found == [0, 1, 0, 1, 0]
    assert v.item() == pytest.approx(0.9)
    # threshold 0.5: every step fires
    eager = SpikingJellyLif(NeuronParameters(), 3, threshold=0.5)
    assert eager(torch.full((3, 1), 1.2)).flatten().tolist() == [1, 1, 1]


def test_lif_fires_at_the_threshold_itself() -> None:
    assert SpikingJellyLif(NeuronParameters(tau=2.0), 1)(torch.full((1, 1), 2.0)).item() == 1


@settings(max_examples=100)
@given(
    arrays(np.float64, 20, elements=st.floats(-10, 10)),
    st.integers(4, 16),
    st.sampled_from(["nearest", "floor", "stochastic"]),
)
def test_quantisation_error_is_below_one_step(weights: np.ndarray, bits: int, rounding: str) -> None:
    noise = np.random.default_rng(0).random(20)
    fixed = quantise(weights, bits, rounding, noise)
    step = 2.0**-fixed.exponent
    assert np.abs(fixed.codes).max() <= 2 ** (bits - 1) - 1
    bound = 0.5 if rounding == "nearest" else 1
    assert (np.abs(fixed.values - weights) <= bound * step * (1 + 1e-12)).all()
    if np.abs(weights).max() > 1e-300:  # the scale is the finest that holds the largest weight
        assert np.abs(weights).max() * 2.0 ** (fixed.exponent + 1) > 2 ** (bits - 1) - 1


def test_quantisation_by_hand() -> None:
    # 4 bits: codes -7..7; the largest weight 0.4 needs 4 fractional bits (0.4 * 16 = 6.4 <= 7)
    fixed = quantise(np.array([0.4, -0.22, 0.03]), 4)
    assert fixed.exponent == 4
    assert fixed.codes.tolist() == [6, -4, 0]
    assert quantise(np.array([0.4, -0.22, 0.03]), 4, "floor").codes.tolist() == [6, -4, 0]
    assert quantise(np.array([0.4, -0.2, 0.03]), 4, "floor").codes.tolist() == [6, -4, 0]
    assert quantise(np.zeros(3), 8).codes.tolist() == [0, 0, 0]


def test_stochastic_rounding_keeps_the_mean() -> None:
    weights = np.full(20_000, 0.3)
    weights[0] = 1.0
    fixed = quantise(weights, 4, "stochastic", np.random.default_rng(1).random(20_000))
    assert fixed.values.mean() == pytest.approx(weights.mean(), abs=0.002)
    with pytest.raises(ValueError, match="expected nearest, floor, or stochastic with noise"):
        quantise(weights, 4, "up")


def test_weights_depend_on_seed_and_place_alone() -> None:
    source = WeightSource(seed=3, weight_bits=8)
    first = source.convolution("A.01.conv_3x3", 16, 16, 3)
    again = WeightSource(3, 8).convolution("A.01.conv_3x3", 16, 16, 3)
    assert (first.codes == again.codes).all()
    for other in (
        source.convolution("A.02.conv_3x3", 16, 16, 3),
        WeightSource(4, 8).convolution("A.01.conv_3x3", 16, 16, 3),
    ):
        assert (first.codes != other.codes).any()
    full = WeightSource(3, 32).convolution("A.01.conv_3x3", 16, 16, 3).values
    assert np.abs(full - first.values).max() <= 2.0 ** -(first.exponent + 1)
    # Kaiming-uniform with a = 2: bound sqrt(2 / 5) * sqrt(3 / fan_in)
    bound = (2 / 5) ** 0.5 * (3 / 144) ** 0.5
    assert 0.98 * bound < np.abs(full).max() <= bound
    assert full.std() == pytest.approx(bound / 3**0.5, rel=0.03)


def test_pooling_and_batch_norm_agree_with_pytorch() -> None:
    x = torch.randn(3, 4, 5, 9, 9)
    for kernel, stride, padding in (((3, 3), (1, 1), 1), ((2, 2), (2, 2), 0), ((5, 5), (1, 1), 2), ((3, 2), (2, 1), 0)):
        mean, largest = (Pool(kernel, stride, padding, reduce) for reduce in ("mean", "max"))
        torch.testing.assert_close(pool(x[0], mean), F.avg_pool2d(x[0], kernel, stride, padding))
        assert torch.equal(pool(x[0], largest), F.max_pool2d(x[0], kernel, stride, padding))
    ours = batch_norm(x)
    for step, wanted in zip(ours, x, strict=True):
        torch.testing.assert_close(step, F.batch_norm(wanted, None, None, training=True), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_convolution_is_exact(bits: int) -> None:
    codes = torch.from_numpy(WeightSource(0, bits).convolution("x", 64, 8, 3).codes)
    spikes = (torch.rand(2, 64, 6, 6) < 0.5).float()
    windows = F.unfold(spikes.double(), 3, padding=1)
    wanted = (codes.double().flatten(1) @ windows).reshape(2, 8, 6, 6)
    assert torch.equal(exact_conv2d(spikes, codes).double(), wanted)


def network_by_hand(images: torch.Tensor, weights: WeightSource, steps: int) -> torch.Tensor:
    """The architecture of ``test_network`` written out step by step in float64, without our modules."""
    values = {
        name: torch.from_numpy(weights.convolution(name, c_in, c_out, kernel).values)
        for name, c_in, c_out, kernel in (
            ("stem", 3, 4, 3),
            ("A.01.conv_3x3", 4, 4, 3),
            ("A.23.conv_1x1", 4, 4, 1),
            ("reduction.1", 4, 8, 3),
            ("B.03.conv_3x3", 8, 8, 3),
        )
    }
    v: dict[str, torch.Tensor] = {}

    def norm(y: torch.Tensor) -> torch.Tensor:
        return F.batch_norm(y, None, None, training=True)

    def lif(name: str, x: torch.Tensor, threshold: float = 1.0) -> torch.Tensor:
        h = v.get(name, torch.zeros_like(x))
        h = h + (x - h) * 0.75
        spike = (h >= threshold).double()
        v[name] = h * (1 - spike)
        return spike

    def conv(name: str, x: torch.Tensor, threshold: float = 1.0) -> torch.Tensor:
        weight = values[name]
        return norm(F.conv2d(lif(name, x, threshold), weight, padding=weight.shape[-1] // 2))

    outputs = []
    fed_back = torch.zeros(1)
    for _ in range(steps):
        a0 = norm(F.conv2d(images.double(), values["stem"], padding=1))
        a1 = conv("A.01.conv_3x3", a0)
        a2 = F.avg_pool2d(a0, 3, stride=1, padding=1) + a1
        a3 = a0 + conv("A.23.conv_1x1", a2, 0.5)
        b0 = F.avg_pool2d(conv("reduction.1", norm(a3)), 2)
        b1 = b0 + fed_back
        b2 = b1
        b3 = conv("B.03.conv_3x3", b0) + b2
        fed_back = F.avg_pool2d(b3, 3, stride=1, padding=1)
        outputs.append(lif("last", norm(b3)))
    return torch.stack(outputs)


def test_network_against_one_written_by_hand() -> None:
    architecture = parse_architecture(
        "|conv_3x3~0|+|avg_pool_3x3~0|skip~1|+|skip~0|none~1|conv_1x1@0.5~2| / "
        "|skip~0|+|none~0|skip~1|+|conv_3x3~0|avg_pool_3x3^1|skip~2|"
    )
    weights = WeightSource(7, 8)
    images = torch.randn(6, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    network = SpikingFeatures(architecture, NetworkShape(3, 8, 10, 4), weights, NeuronParameters(), 4)
    with torch.no_grad():
        ours = network(images)
    assert ours.shape == (4, 6, 8, 4, 4)
    assert len(network.layers_of(SpikingJellyLif)) == 5
    assert 0.02 < ours.mean() < 0.5
    assert torch.equal(ours.double(), network_by_hand(images, weights, 4))


def test_backward_edges_reach_the_next_time_step() -> None:
    looped = parse_architecture("|none~0|+|none~0|skip~1|+|skip~0|skip^1|skip~2|")
    shape = NetworkShape(3, 8, 10, 4, n_cells=1)
    network = SpikingFeatures(looped, shape, WeightSource(1, 8), NeuronParameters(), 3)
    x = torch.randn(3, 4, 4, 8, 8)
    y = network.run_section(network.graph.sections[1], x)
    # x3[t] = x0[t] + x2[t], x2[t] = x1[t] = x3[t-1]
    torch.testing.assert_close(y, torch.cumsum(x, dim=0))


def test_a_backward_edge_into_a_dead_node_is_removed() -> None:
    assert not parse_architecture("|none~0|+|none~0|none~1|+|skip~0|skip^1|none~2|").cleaned.has_backward

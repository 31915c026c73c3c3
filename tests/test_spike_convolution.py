"""Convolutions of spikes for training compared with PyTorch in float64: any sizes, kernels, densities and weights."""

from itertools import pairwise

import pytest
import torch
from hypothesis import example, given, strategies as st
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from neuronas.kernels.library import native
from neuronas.snn.arithmetic import EPSILON
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.fake_quantisation import Codes
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.normalisation import MOMENTUM, BatchNorm
from neuronas.snn.spike_convolution import SpikeWeights, has_kernel, normalised_spike_convolution, spike_convolution
from neuronas.snn.trainable import QuantisedConvolution, WeightFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape

needs_kernels = pytest.mark.skipif(native().library is None, reason=native().reason)
ARCH = "|conv_3x3~0|+|skip~0|conv_1x1~1|+|conv_3x3@0.5~0|avg_pool_3x3~1|conv_3x3~2|"


def close(found: Tensor, expected: Tensor, of: float = 0.0) -> None:
    found, expected = found.detach().double(), expected.detach()
    largest = max(of, float(expected.abs().max()))
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 * max(largest, 1e-3))


@needs_kernels
@given(
    st.integers(1, 3), st.integers(1, 40), st.sampled_from([8, 16, 24, 32, 48, 80, 144]), st.integers(1, 11),
    st.integers(1, 11), st.sampled_from([3, 5, 7]), st.floats(0, 1), st.sampled_from([3, 127, 2000]),
    st.integers(0, 10**6),
)  # fmt: skip
@example(2, 64, 64, 8, 8, 3, 1.0, 127, 0)  # more spikes than int16 can sum
@example(2, 32, 64, 10, 13, 3, 0.2, 127, 0)  # Winograd, sides that are not multiples of a tile
@example(1, 17, 16, 4, 4, 3, 0.0, 127, 0)  # no spike
@example(3, 8, 8, 9, 10, 3, 0.3, 127, 0)  # half a register of AVX-512
@example(2, 24, 40, 5, 6, 3, 0.3, 127, 0)
@example(1, 14, 8, 1, 2, 3, 1.0, 3, 0)  # two values per channel: no gradient
def test_values_and_gradients(
    n: int, n_in: int, n_out: int, height: int, width: int, kernel: int, density: float, largest: int, seed: int
) -> None:
    random = torch.Generator().manual_seed(seed)
    spikes = (torch.rand(n, n_in, height, width, generator=random) < density).float().requires_grad_()
    codes = torch.randint(-largest, largest + 1, (n_out, n_in, kernel, kernel), generator=random).float()
    step = torch.rand(n_out, 1, 1, 1, generator=random) / largest + 1e-4
    values, given_back = (codes * step).requires_grad_(), torch.randn(n, n_out, height, width, generator=random)
    norm = BatchNorm(n_out)
    with torch.no_grad():
        norm.weight.uniform_(generator=random), norm.bias.normal_(generator=random)
        norm.running_var.zero_()
    weights = SpikeWeights(values, Codes(codes, step))
    assert has_kernel(spikes, values)
    exact = F.conv2d(spikes.detach().double(), codes.double(), padding=kernel // 2)
    assert torch.equal(spike_convolution(spikes, weights), exact.float() * step.reshape(-1, 1, 1))
    inputs = [spikes, values, norm.weight, norm.bias]
    if n * height * width == 1:
        return  # no statistics
    y = normalised_spike_convolution(spikes, weights, norm)
    found = torch.autograd.grad(y, inputs, given_back)
    wide = [one.detach().double().requires_grad_() for one in inputs]
    convolved = F.conv2d(wide[0], wide[1], padding=kernel // 2)
    mean, variance = convolved.mean(dim=(0, 2, 3)), convolved.var(dim=(0, 2, 3), correction=0)
    normalised = (convolved - mean[:, None, None]) * (variance + EPSILON).rsqrt()[:, None, None]
    expected_y = normalised * wide[2][:, None, None] + wide[3][:, None, None]
    expected = torch.autograd.grad(expected_y, wide, given_back.double())
    close(norm.running_mean, MOMENTUM * mean)
    unbiased = convolved.detach().var(dim=(0, 2, 3))
    close(norm.running_var, MOMENTUM * unbiased, of=float((unbiased + mean.detach().square()).max()))
    if variance.min() < 1e-2:  # division by (nearly) 0 amplifies rounding
        return
    # Terms of the gradients cancel, completely if each channel has two values, which are normalised to -1 and 1.
    terms = float(given_back.abs().max() * norm.weight.detach().max() * (variance.detach() + EPSILON).rsqrt().max())
    for one, other, of in zip(
        (y, *found),
        (expected_y, *expected),
        (0.0, terms * float(values.detach().abs().max()), terms, 0.0, 0.0),
        strict=True,
    ):
        close(one, other, of)


@needs_kernels
@pytest.mark.parametrize("bits", [2, 8, 12, 32])
@pytest.mark.parametrize("scale", ["power-of-two", "lsq", "lsq-channel"])
def test_layer_equals_the_plain_one(scale: str, bits: int) -> None:
    """Values, gradients of all parameters and running statistics, with pruned weights."""
    spikes = (torch.rand(6, 5, 8, 8, generator=torch.Generator().manual_seed(1)) < 0.4).float()
    results, steps = [], list[Tensor]()
    for reads_spikes in (True, False):
        form = WeightFormat(bits, scale, prunable=True)
        layer = QuantisedConvolution(5, 16, 3, form, torch.Generator().manual_seed(0), reads_spikes=reads_spikes)
        layer.mask = torch.rand(layer.weight.shape, generator=torch.Generator().manual_seed(2)) < 0.7
        norm = BatchNorm(16)
        x = spikes.clone().requires_grad_()
        y = layer.normalised(x, norm)
        (y.square() * torch.arange(8)).sum().backward()
        learned = [layer.weight, norm.weight, norm.bias, x]
        gradients = [value.grad for value in learned]
        if layer.quantiser.bits != 32 and scale != "power-of-two":
            of_log_step = layer.quantiser.log_step.grad
            assert of_log_step is not None
            steps.append(of_log_step * layer.quantiser.step_of(layer.kept))
        layer.eval(), norm.eval()
        results.append((y, norm.running_mean, norm.running_var, layer.normalised(x, norm), *gradients))
    for found, expected in zip(*results, strict=True):
        assert found is not None
        assert expected is not None
        close(found, expected.double())
    for found, expected in pairwise(steps):
        torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)  # a sum whose terms cancel


def test_running_statistics() -> None:
    """The mean of the first batch enters with ``MOMENTUM``; the variance is unbiased."""
    norm, x = BatchNorm(16), torch.randn(4, 16, 3, 3, generator=torch.Generator().manual_seed(0))
    norm(x)
    torch.testing.assert_close(norm.running_mean, MOMENTUM * x.mean(dim=(0, 2, 3)))
    torch.testing.assert_close(norm.running_var, 1 - MOMENTUM + MOMENTUM * x.var(dim=(0, 2, 3)))


@needs_kernels
def test_what_has_no_kernel() -> None:
    spikes, weight = torch.ones(1, 2, 4, 4), torch.zeros(16, 2, 3, 3)
    assert has_kernel(spikes, weight)
    assert not has_kernel(spikes.bfloat16(), weight)
    assert not has_kernel(spikes, torch.zeros(12, 2, 3, 3))
    assert not has_kernel(spikes, torch.zeros(16, 2, 1, 1))
    assert not has_kernel(spikes, torch.zeros(16, 1, 3, 3))
    twin = ClassifierSettings(WeightFormat(8), NeuronParameters(), 1, spiking=False)
    ann = Classifier(parse_architecture(ARCH), NetworkShape(3, 8, 10, 16), twin)
    layers = ann.weighted_layers().values()
    assert not any(layer.reads_spikes for layer in layers if isinstance(layer, QuantisedConvolution))

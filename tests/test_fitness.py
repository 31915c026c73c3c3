import math

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from neuronas.config import FITNESS
from neuronas.errors import ConfigurationError
from neuronas.fitness.measure import Reading
from neuronas.fitness.patterns import Patterns
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.fitness.scores import Kernel, hamming, log_determinant, sahd, sahd_snasnet
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape

SPIKES = torch.tensor([[[1, 1, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]], [[0, 0, 0, 0], [1, 1, 1, 1], [1, 1, 1, 0]]])
CELL = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"


def test_distances_by_hand() -> None:
    patterns = Patterns.of(SPIKES)
    assert patterns.hamming.tolist() == [[[0, 2, 0], [2, 0, 2], [0, 2, 0]], [[0, 4, 3], [4, 0, 1], [3, 1, 0]]]
    assert patterns.rates.tolist() == [[0.5, 0.5, 0.5], [0, 1, 0.75]]


@pytest.mark.parametrize(
    ("kernel", "off_diagonal"),
    # first time step: n = 4, rates 1/2: expected distance 4 (1/4 + 1/4) = 2
    [(hamming, 4 - 2), (sahd, 4 - 0.5 * 4 * 2 / 2.001), (sahd_snasnet, 4 - 0.5 * 2 / 2.001)],
)
def test_kernels_by_hand(kernel: Kernel, off_diagonal: float) -> None:
    found = kernel(Patterns.of(SPIKES))[0]
    assert found.diagonal().tolist() == [4, 4, 4]
    assert found[0, 1].item() == pytest.approx(off_diagonal)
    assert found[0, 2].item() == 4


def layers(n_layers: int, timesteps: int, n_images: int, seed: int) -> list[torch.Tensor]:
    """Spikes of layers of different sizes, [T, B, N] each."""
    random = np.random.default_rng(seed)
    sizes = [(timesteps, n_images, 40 + 7 * number) for number in range(n_layers)]
    return [torch.from_numpy(random.random(size) < random.uniform(0.1, 0.9)).int() for size in sizes]


def combined(name: str, spikes: list[torch.Tensor]) -> float:
    measure = FITNESS[name]
    readings = [Reading.added(list(measure.read(Patterns.of(layer)))) for layer in spikes]
    return measure.combine(parse_architecture(CELL), 2, readings)


def test_fitness_of_two_layers_by_hand() -> None:
    """Two images, one time step. Layer 1: n = 2, patterns 10 and 01. Layer 2: n = 4, patterns 1100 and 1010.

    Hamming distance 2 in both; expected distance 1 in layer 1, 2 in layer 2. Printed kernel: off the diagonal
    2 - 0.5 * 2 * 2 / 1.001 and 4 - 0.5 * 4 * 2 / 2.001.
    """
    spikes = [torch.tensor([[[1, 0], [0, 1]]]), torch.tensor([[[1, 1, 0, 0], [1, 0, 1, 0]]])]
    printed = (2 - 2 / 1.001) + (4 - 4 / 2.001)
    code = (2 - 1 / 1.001) + (4 - 1 / 2.001)
    assert combined("sahd", spikes) == pytest.approx(math.log(6**2 - printed**2))
    assert combined("sahd-mean", spikes) == pytest.approx(math.log(3**2 - (printed / 2) ** 2))
    assert combined("sahd-snasnet", spikes) == pytest.approx(math.log(3**2 - (code / 2) ** 2))
    assert combined("hamming", spikes) == pytest.approx(math.log(6**2 - (0 + 2) ** 2))


@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 6), st.integers(0, 99))
def test_the_mean_is_lower_than_the_sum_by_images_times_log_of_the_number_of_readings(
    n_layers: int, timesteps: int, n_images: int, seed: int
) -> None:
    spikes = layers(n_layers, timesteps, n_images, seed)
    difference = n_images * math.log(n_layers * timesteps)
    assert combined("sahd", spikes) - combined("sahd-mean", spikes) == pytest.approx(difference, abs=1e-6)


@given(st.integers(1, 6), st.integers(1, 5), st.integers(2, 6), st.integers(0, 99))
def test_sahd_snasnet_is_what_its_published_code_computes(
    n_layers: int, timesteps: int, n_images: int, seed: int
) -> None:
    """Steps and names of the hook in SNASNet's ``search_snn.py``, in NumPy."""
    spikes = layers(n_layers, timesteps, n_images, seed)
    total, n_activations = np.zeros((n_images, n_images)), 0
    for layer in spikes:
        for x in layer.double().numpy():
            neuron_num = x.shape[1]
            sparsity = x.sum(1)[:, None] / neuron_num
            norm = (sparsity @ (1 - sparsity.T) + (1 - sparsity) @ sparsity.T) * neuron_num
            rescale = 0.5 / (norm + 1e-3)
            total = total + neuron_num - rescale * (x @ (1 - x.T) + (1 - x) @ x.T)
            n_activations += 1
    expected = np.linalg.slogdet(total / n_activations)[1]
    assert combined("sahd-snasnet", spikes) == pytest.approx(expected, rel=1e-6)


@given(st.integers(1, 6), st.integers(2, 6), st.integers(0, 99))
def test_hamming_takes_the_neurons_of_all_layers_as_one_pattern(n_layers: int, n_images: int, seed: int) -> None:
    spikes = layers(n_layers, 1, n_images, seed)
    pattern = torch.cat([layer[0] for layer in spikes], dim=1)
    kernel = (pattern[:, None] == pattern[None]).sum(dim=2).double()
    assert combined("hamming", spikes) == pytest.approx(torch.linalg.slogdet(kernel)[1].item(), rel=1e-9)


@given(st.integers(2, 8), st.integers(1, 64), st.floats(0, 1), st.integers(0, 99))
def test_kernels_are_symmetric_and_finite(batch: int, n: int, rate: float, seed: int) -> None:
    spikes = torch.from_numpy(np.random.default_rng(seed).random((3, batch, n)) < rate)
    patterns = Patterns.of(spikes)
    assert torch.equal(patterns.hamming, (spikes[:, :, None] != spikes[:, None]).sum(-1).double())
    for kernel in (hamming, sahd, sahd_snasnet):
        value = kernel(patterns)
        assert value.shape == (3, batch, batch) and torch.equal(value, value.mT)
        assert value.isfinite().all()


def test_log_determinant() -> None:
    assert log_determinant(torch.tensor([[2.0, 0], [0, -3]], dtype=torch.float64)) == pytest.approx(math.log(6))
    assert log_determinant(torch.ones(2, 2, dtype=torch.float64)) == -math.inf


def test_unknown_fitness() -> None:
    with pytest.raises(ConfigurationError, match="unknown fitness 'sadh'; did you mean 'sahd'"):
        FITNESS["sadh"]


def evaluate(text: str, *, bits: int = 8, fitness: str = "sahd", n_batches: int = 1, seed: int = 0) -> float:
    images = torch.randn(n_batches, 12, 3, 8, 8, generator=torch.Generator().manual_seed(3))
    evaluator = ReferenceEvaluator(
        images, NetworkShape(3, 8, 10, 8), WeightSource(seed, bits), NeuronParameters(), 3, FITNESS[fitness]
    )
    [(index, value)] = evaluator.evaluate([parse_architecture(text)])
    assert index == 0
    return value


def test_fitness_is_reproducible_and_follows_seed_bits_and_batches() -> None:
    value = evaluate(CELL)
    assert value == evaluate(CELL)
    assert len({value, evaluate(CELL, seed=1), evaluate(CELL, bits=4), evaluate(CELL, n_batches=2)}) == 4
    assert evaluate(CELL, bits=16) == pytest.approx(evaluate(CELL, bits=32), rel=0.01)


def test_a_network_without_a_path_is_worst() -> None:
    none = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
    assert evaluate(none, fitness="hamming") == -math.inf

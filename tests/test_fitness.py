import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from neuronas.config import FITNESS
from neuronas.errors import ConfigurationError
from neuronas.fitness.patterns import Patterns
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.fitness.scores import KERNELS, log_determinant
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
    ("name", "off_diagonal"),
    # first time step: n = 4, rates 1/2: expected distance 4 (1/4 + 1/4) = 2
    [("hamming", 4 - 2), ("sahd", 4 - 0.5 * 4 * 2 / 2.001), ("sahd-snasnet", 4 - 0.5 * 2 / 2.001)],
)
def test_kernels_by_hand(name: str, off_diagonal: float) -> None:
    kernel = KERNELS[name](Patterns.of(SPIKES))[0]
    assert kernel.diagonal().tolist() == [4, 4, 4]
    assert kernel[0, 1].item() == pytest.approx(off_diagonal)
    assert kernel[0, 2].item() == 4


@given(st.integers(2, 8), st.integers(1, 64), st.floats(0, 1), st.integers(0, 99))
def test_kernels_are_symmetric_and_finite(batch: int, n: int, rate: float, seed: int) -> None:
    spikes = torch.from_numpy(np.random.default_rng(seed).random((3, batch, n)) < rate)
    patterns = Patterns.of(spikes)
    assert torch.equal(patterns.hamming, (spikes[:, :, None] != spikes[:, None]).sum(-1).double())
    for kernel in KERNELS.values():
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

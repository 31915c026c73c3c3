"""Tests that need a CUDA device; skipped elsewhere."""

import random

import pytest
import torch

from neuronas.config import FITNESS
from neuronas.fitness.engine import int8
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.lif_cuda import fused_works
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.snn.weights import WeightSource
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
CUDA = torch.device("cuda")


@pytest.mark.parametrize("bits", [4, 8, 16, 32])
def test_the_engine_gives_the_cpus_fitness(bits: int) -> None:
    space, rng = load_space("neuronas"), random.Random(bits)
    candidates = [space.random_architecture(rng) for _ in range(6)]
    images = torch.randn(1, 16, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    shape = NetworkShape(3, 16, 10, 16)
    found = []
    for device in (torch.device("cpu"), CUDA):
        backend = select_backend(NeuronParameters(), device, 2, 2**30)
        engine = EngineEvaluator(images.to(device), shape, WeightSource(0, bits), 3, FITNESS["sahd"], backend, 2**30)
        found.append(dict(engine.evaluate(candidates)))
    assert found[1] == pytest.approx(found[0], rel=1e-5)


def test_the_fast_paths_are_there() -> None:
    assert int8.available(CUDA)
    assert fused_works(CUDA) == ""


@pytest.mark.parametrize("low_precision", [False, True])
def test_a_step_of_training_is_the_cpus(low_precision: bool) -> None:
    text = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|skip~0|avg_pool_3x3~1|conv_3x3~2|"
    images = torch.randn(8, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    gradients = []
    for device in (torch.device("cpu"), CUDA):
        settings = ClassifierSettings(WeightFormat(8), NeuronParameters(), 3, low_precision=low_precision)
        network = Classifier(parse_architecture(text), NetworkShape(3, 16, 10, 8), settings).to(device).train()
        network(images.to(device)).square().mean().backward()
        gradients.append(network.weighted_layers()["B.23"].weight.grad.cpu())
    assert torch.nn.functional.cosine_similarity(gradients[0].flatten(), gradients[1].flatten(), dim=0) > 0.9

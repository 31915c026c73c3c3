"""Run by ``test_lif_cuda.py`` under TRITON_INTERPRET=1: the CUDA kernels on CPU tensors."""

import random

import torch

from neuronas.config import FITNESS, SURROGATES
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.torch_backend import TorchBackend
from neuronas.snn.lif import Lif
from neuronas.snn.lif_cuda import lif_backward, lif_forward
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.weights import WeightSource
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import load_space

CPU = torch.device("cpu")


def check_training(tau: float, v_reset: float, *, constant: bool, dtype: torch.dtype, channels_inside: bool) -> None:
    neuron = NeuronParameters(tau=tau, v_reset=v_reset)
    for name, surrogate in SURROGATES.items():
        lif = Lif(neuron, surrogate, 4, threshold=0.8)
        x = 2 * torch.randn(1 if constant else 4, 2, 3, 5, 7)
        if channels_inside:
            x = x.movedim(2, -1).contiguous().movedim(-1, 2)
        x = x.to(dtype).requires_grad_()
        expected = lif(x)
        gradient = torch.randn_like(expected)
        expected.backward(gradient)
        spikes, found = torch.empty_like(expected), torch.empty_like(x)
        lif_forward(x.detach(), spikes, neuron, 0.8)
        lif_backward(x.detach(), gradient, found, neuron, 0.8, surrogate.code)
        assert torch.equal(spikes, expected), (tau, constant, dtype)
        assert x.grad is not None
        torch.testing.assert_close(found, x.grad, msg=lambda text, name=name: f"{name}: {text}")


def check_state() -> None:
    neuron, x = NeuronParameters(), 2 * torch.randn(3, 2, 50)
    at_once, state = torch.empty(3, 2, 50, dtype=torch.uint8), torch.full((2, 50), neuron.v_reset)
    lif_forward(x, at_once, neuron, 1.0)
    for step, expected in zip(x, at_once, strict=True):
        spikes = torch.empty(1, 2, 50, dtype=torch.uint8)
        lif_forward(step[None].contiguous(), spikes, neuron, 1.0, state)
        assert torch.equal(spikes[0], expected)


def check_engine() -> None:
    images = torch.randn(1, 5, 3, 8, 8)
    for name in ("neuronas", "snasnet-backward"):
        space, rng = load_space(name), random.Random(0)
        candidates = [space.random_architecture(rng) for _ in range(4)]
        shape, found = NetworkShape(3, 8, 10, 6, n_cells=space.cells), []
        for is_fused in (False, True):
            backend = TorchBackend(NeuronParameters(), CPU, has_integers=is_fused, is_fused=is_fused)
            engine = EngineEvaluator(images, shape, WeightSource(0, 8), 3, FITNESS["sahd"], backend, 2**30)
            found.append(dict(engine.evaluate(candidates)))
        assert found[0] == found[1], name


torch.manual_seed(0)
for tau, v_reset in ((2.0, 0.0), (3.0, -0.25)):
    for constant in (False, True):
        check_training(tau, v_reset, constant=constant, dtype=torch.float32, channels_inside=False)
check_training(2.0, 0.0, constant=False, dtype=torch.bfloat16, channels_inside=True)
check_state()
check_engine()

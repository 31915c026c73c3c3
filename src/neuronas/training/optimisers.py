"""Optimisers: those of PyTorch without their support for compilation, and Muon for convolutions.

PyTorch wraps some methods of its optimisers for ``torch.compile``, which is not used here. The wrappers import
``torch._dynamo`` at the first call, which takes as long as importing torch (benchmarks/NOTES.md, "Start-up").
"""

from inspect import unwrap
from typing import Any

import torch
from torch import Tensor, nn

from neuronas.config import TrainConfig


class _Eager(torch.optim.Optimizer):
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)


class Sgd(_Eager, torch.optim.SGD):
    """Equal to ``torch.optim.SGD``, bit for bit."""

    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class AdamW(_Eager, torch.optim.AdamW):
    """Equal to ``torch.optim.AdamW``, bit for bit."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


class Muon(_Eager):
    """Momentum orthogonalised by Newton-Schulz iterations for weight matrices, AdamW for all other parameters.

    After Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024). A kernel [out, in, h, w] is
    treated as a matrix [out, in * h * w]. Updates are scaled to the root mean square of AdamW's (arXiv 2502.16982,
    equation 4), so that both use the same learning rate. ``torch.optim.Muon`` supports matrices only, and computes in
    bfloat16, which is slow on most CPUs.

    Args:
        matrices: parameters with two or more dimensions.
        others: all other parameters.
        lr: learning rate of all parameters.
        momentum: momentum for the matrices.
        weight_decay: decoupled weight decay for the matrices.
    """

    def __init__(self, matrices: list[Tensor], others: list[Tensor], lr: float, momentum: float, weight_decay: float):
        self._adamw = AdamW(others, lr, weight_decay=0.0)
        matrix_group = {"params": matrices, "lr": lr, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__([matrix_group, *self._adamw.param_groups], {})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Update all parameters that have gradients."""
        orthogonalised, *others = self.param_groups
        for weight in orthogonalised["params"]:
            if weight.grad is None:
                continue
            momentum = orthogonalised["momentum"]
            state = self.state[weight]
            if not state:
                state["momentum_buffer"] = torch.zeros_like(weight)
            average = state["momentum_buffer"]
            average.lerp_(weight.grad, 1 - momentum)
            update = orthogonal(weight.grad.lerp(average, momentum).flatten(1))  # Nesterov's momentum
            rate = orthogonalised["lr"]
            weight.mul_(1 - rate * orthogonalised["weight_decay"])
            weight.sub_(update.reshape(weight.shape), alpha=rate * _RMS_OF_ADAMW * max(update.shape) ** 0.5)
        self._adamw.param_groups, self._adamw.state = others, self.state
        self._adamw.step()


_RMS_OF_ADAMW = 0.2
"""Typical root mean square of AdamW's updates at learning rate 1 (arXiv 2502.16982)."""

_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of x, x^3 and x^5 (Jordan et al.): in five steps, singular values above 0.01 approach 1."""


_SMALLEST_NORM = 1e-7
"""Lower bound of the norm, far above the smallest float32, so that underflow of its squares cannot cause infinity."""


def orthogonal(matrix: Tensor) -> Tensor:
    """Move the singular values of a matrix [n, m] to about 1 (0.7 to 1.2) by five Newton-Schulz steps.

    A matrix with a norm below 1e-7 is scaled by a constant instead of to unit norm, as in ``torch.optim.Muon``.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if is_tall else matrix
    x = x / x.norm().clamp(min=_SMALLEST_NORM)
    first, third, fifth = _QUINTIC
    for _ in range(5):
        squared = x @ x.T
        x = torch.addmm(x, torch.addmm(squared, squared, squared, beta=third, alpha=fifth), x, beta=first)
    return x.T if is_tall else x


def make_optimiser(network: nn.Module, settings: TrainConfig) -> torch.optim.Optimizer:
    """Create the optimiser given in the settings, for all parameters of a network.

    Parameters of batch normalisation and quantisation steps have no weight decay.
    """
    decayed: list[Tensor] = []
    others: list[Tensor] = []
    for name, value in network.named_parameters():
        # Per-channel steps have several dimensions.
        is_scale = value.dim() <= 1 or name.endswith("quantiser.log_step")
        (others if is_scale else decayed).append(value)
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimiser == "muon":
        return Muon(decayed, others, rate, settings.momentum, decay)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]
    if settings.optimiser == "sgd":
        return Sgd(groups, lr=rate, momentum=settings.momentum)
    return AdamW(groups, lr=rate)

"""The optimisers of training: PyTorch's own, without what they do for compiled networks.

Ours are not compiled. PyTorch wraps some methods of its optimisers for those that are; the wrappers import
``torch._dynamo`` at the first call, which takes as long as the import of torch (benchmarks/NOTES.md, "Start-up").
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


def make_optimiser(network: nn.Module, settings: TrainConfig) -> torch.optim.Optimizer:
    """The optimiser that the settings name, for all parameters of a network.

    Parameters of batch normalisation and quantisation steps have no weight decay.
    """
    decayed: list[Tensor] = []
    others: list[Tensor] = []
    for name, value in network.named_parameters():
        # Per-channel steps have several dimensions.
        is_scale = value.dim() <= 1 or name.endswith("quantiser.log_step")
        (others if is_scale else decayed).append(value)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    rate = settings.learning_rate
    if settings.optimiser == "sgd":
        return Sgd(groups, lr=rate, momentum=settings.momentum)
    return AdamW(groups, lr=rate)

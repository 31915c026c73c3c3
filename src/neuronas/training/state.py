"""Everything that a training run needs in order to resume as if it had never stopped."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from neuronas.config import TrainConfig
from neuronas.errors import VerificationError
from neuronas.snn.classifier import Classifier
from neuronas.training.checkpoint import load_state, read_checkpoint, subset, write_checkpoint


@dataclass
class Progress:
    """Where training stands; all random draws follow from these numbers and the seed.

    Attributes:
        epoch: the one that runs, from 0.
        step: steps done in it.
        best_accuracy: on validation images (training images where there are none); -1 before the first epoch.
        best_epoch: the one that reached it.
        loss, n_correct, n_seen: of the epoch so far.
    """

    epoch: int = 0
    step: int = 0
    best_accuracy: float = -1.0
    best_epoch: int = -1
    loss: float = 0.0
    n_correct: int = 0
    n_seen: int = 0


@dataclass
class State:
    """Network, optimiser, averaged weights and progress.

    Args:
        network: the one that learns.
        settings: resolved.
        identity: of the run; a checkpoint of another run is refused.
    """

    network: Classifier
    settings: TrainConfig
    identity: str
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.optimiser = _optimiser(self.network, self.settings)
        decay = self.settings.ema
        self.average: AveragedModel | None = None
        if decay:
            # Running statistics are averaged with the weights that made them.
            average = partial(_average, decay)
            self.average = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)

    @property
    def evaluated(self) -> Classifier:
        """The network whose accuracy counts: the averaged one, if there is one."""
        if self.average is None:
            return self.network
        averaged = self.average.module
        if not isinstance(averaged, Classifier):
            raise TypeError("the average is not over a classifier")
        return averaged

    def update_average(self) -> None:
        """Take the newest weights into the average; what is pruned is pruned there too."""
        if self.average is None:
            return
        self.average.update_parameters(self.network)
        if not self.settings.sparsity:
            return
        averaged = self.evaluated.weighted_layers()
        for name, layer in self.network.weighted_layers().items():
            if layer.mask is not None:
                averaged[name].mask = layer.mask.clone()

    def save(self, path: Path) -> None:
        """Write everything."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        state = self.optimiser.state_dict()
        for index, values in state["state"].items():
            tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
        write_checkpoint(path, tensors, {"identity": self.identity, "progress": vars(self.progress)})

    def save_evaluated(self, path: Path, facts: dict[str, Any]) -> None:
        """Write the network whose accuracy counts."""
        write_checkpoint(path, dict(self.evaluated.state_dict()), {"identity": self.identity, **facts})

    def load(self, path: Path) -> None:
        """Go back to what ``save`` wrote.

        Raises:
            VerificationError: a damaged file, or one of another run.
        """
        tensors, facts = read_checkpoint(path, self.network)
        if facts.get("identity") != self.identity:
            raise VerificationError(
                f"checkpoint {path}: was made with other settings or another architecture; leave out --resume and "
                "choose another --out"
            )
        load_state(self.network, subset(tensors, "network"), path)
        if self.average is not None:
            load_state(self.average, subset(tensors, "average"), path)
        try:
            self.progress = _progress(facts["progress"])
            state = self.optimiser.state_dict()
            for name, tensor in subset(tensors, "optimiser").items():
                index, key = name.split(".", 1)
                state["state"].setdefault(int(index), {})[key] = tensor
            self.optimiser.load_state_dict(state)
        except (ValueError, TypeError, LookupError, AttributeError, RuntimeError) as error:
            raise VerificationError(f"checkpoint {path}: holds no progress of this training ({error})") from error


def _progress(facts: dict[str, Any]) -> Progress:
    progress = Progress(**facts)
    for name, default in vars(Progress()).items():
        value = getattr(progress, name)
        if not isinstance(value, (int, float) if isinstance(default, float) else int) or not value >= default:
            raise TypeError(f"{name} is {value!r}")
    return progress


@torch.no_grad()
def _average(decay: float, averages: Sequence[Tensor], newest: Sequence[Tensor], n_averaged: Tensor | int) -> None:
    """Exponential average that begins short, so that first weights do not linger in a short run."""
    n = int(n_averaged)
    share = 1 - min(decay, (1 + n) / (10 + n))
    for average, new in zip(averages, newest, strict=True):
        if average.is_floating_point():
            average.lerp_(new.to(average.dtype), share)
        else:
            average.copy_(new)


def _optimiser(network: nn.Module, settings: TrainConfig) -> torch.optim.Optimizer:
    # Weight decay would only shrink scales: those of batch normalisation and of quantisation are left alone.
    decayed: list[Tensor] = []
    others: list[Tensor] = []
    for name, value in network.named_parameters():
        is_scale = value.dim() <= 1 or name.endswith(
            "quantiser.log_step"
        )  # one step for each output has dimensions too
        (others if is_scale else decayed).append(value)
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    rate = settings.learning_rate
    if settings.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=settings.momentum)
    return torch.optim.AdamW(groups, lr=rate)

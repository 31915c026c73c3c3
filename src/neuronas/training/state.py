"""The state of a training: everything needed to resume it with the same result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from neuronas.config import TrainConfig
from neuronas.errors import VerificationError
from neuronas.snn.classifier import Classifier
from neuronas.training.checkpoint import load_state, read_checkpoint, subset, write_checkpoint
from neuronas.training.optimisers import make_optimiser


@dataclass
class Progress:
    """Progress of training; together with the seed it determines all random numbers.

    Attributes:
        epoch: the current epoch, from 0.
        step: finished steps of the current epoch.
        best_accuracy: best accuracy on the validation images (without any, on the training images); -1 before the end
            of the first epoch.
        improved_epoch: first epoch that reached ``best_accuracy``.
        best_epoch: epoch of the best weights, from 1; -1 before the end of the first epoch.
        loss: sum of the losses of all images seen in the current epoch.
        n_correct: correctly classified images in the current epoch.
        n_seen: images seen in the current epoch.
    """

    epoch: int = 0
    step: int = 0
    best_accuracy: float = -1.0
    best_epoch: int = -1
    improved_epoch: int = -1
    loss: float = 0.0
    n_correct: int = 0
    n_seen: int = 0


@dataclass
class State:
    """Network, optimiser, averaged weights and progress.

    Args:
        network: the network to train.
        settings: resolved settings of training.
        identity: digest of the run; checkpoints with another digest are rejected.
        teacher: digest of the teacher; included in ``identity``.
    """

    network: Classifier
    settings: TrainConfig
    identity: str
    teacher: str | None = None
    progress: Progress = field(default_factory=Progress)

    def __post_init__(self) -> None:
        self.optimiser = make_optimiser(self.network, self.settings)
        decay = self.settings.ema
        self.average: AveragedModel | None = None
        if decay:
            # The running statistics are averaged like the weights that they belong to.
            average = partial(_average, decay)
            self.average = AveragedModel(self.network, multi_avg_fn=average, use_buffers=True)

    @property
    def evaluated(self) -> Classifier:
        """The network to evaluate: the one with averaged weights if enabled, otherwise the trained network."""
        if self.average is None:
            return self.network
        averaged = self.average.module
        if not isinstance(averaged, Classifier):
            raise TypeError(f"averaged module is a {type(averaged).__name__}; expected a Classifier")
        return averaged

    def update_average(self) -> None:
        """Update the moving average with the current weights and pruning masks."""
        if self.average is None:
            return
        self.average.update_parameters(self.network)
        if not self.settings.sparsity:
            return
        averaged = self.evaluated.weighted_layers()
        for name, layer in self.network.weighted_layers().items():
            if layer.mask is not None:
                averaged[name].mask = layer.mask.clone()

    def restart_average(self) -> None:
        """Restart the moving average, since earlier weights and statistics belong to other images."""
        if self.average is not None:
            self.average.n_averaged.zero_()  # the next update copies the weights

    def save(self, path: Path) -> None:
        """Write network, averaged weights, optimiser and progress to a checkpoint."""
        tensors = {f"network.{name}": tensor for name, tensor in self.network.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        state = self.optimiser.state_dict()
        for index, values in state["state"].items():
            tensors |= {f"optimiser.{index}.{name}": torch.as_tensor(value) for name, value in values.items()}
        facts = {"identity": self.identity, "progress": vars(self.progress)}
        write_checkpoint(path, tensors, facts if self.teacher is None else facts | {"teacher": self.teacher})

    def save_evaluated(self, path: Path, facts: dict[str, Any]) -> None:
        """Write the network of ``evaluated`` to a checkpoint, with metadata ``facts``."""
        write_checkpoint(path, dict(self.evaluated.state_dict()), {"identity": self.identity, **facts})

    def load(self, path: Path) -> None:
        """Restore the state from a checkpoint of ``save``.

        Raises:
            VerificationError: the file is damaged or belongs to another run.
        """
        tensors, facts = read_checkpoint(path, self.network)
        if (was := facts.get("teacher")) != self.teacher:
            raise VerificationError(
                f"checkpoint {path}: was trained with a teacher with weights {was or 'unknown'}, but train.teacher "
                f"{self.settings.teacher} has weights {self.teacher}; give the original teacher with "
                "--teacher, or train without --resume and with another --out"
            )
        if facts.get("identity") != self.identity:
            raise VerificationError(
                f"checkpoint {path}: was written with other settings or another architecture; train without --resume "
                "and with another --out"
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
            raise VerificationError(f"checkpoint {path}: progress of training cannot be read ({error})") from error


def _progress(facts: dict[str, Any]) -> Progress:
    progress = Progress(**facts)
    for name, default in vars(Progress()).items():
        value = getattr(progress, name)
        if not isinstance(value, (int, float) if isinstance(default, float) else int) or not value >= default:
            raise TypeError(f"{name} is {value!r}")
    return progress


@torch.no_grad()
def _average(decay: float, averages: Sequence[Tensor], newest: Sequence[Tensor], n_averaged: Tensor | int) -> None:
    """Exponential moving average with a low initial decay, so that the initial weights are soon forgotten."""
    n = int(n_averaged)
    share = 1 - min(decay, (1 + n) / (10 + n))
    for average, new in zip(averages, newest, strict=True):
        if average.is_floating_point():
            average.lerp_(new.to(average.dtype), share)
        else:
            average.copy_(new)

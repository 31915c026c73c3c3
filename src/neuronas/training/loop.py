"""The training loop. Random numbers depend on (seed, epoch, step) only, so training can be resumed at any step."""

import math
from pathlib import Path
from time import monotonic, perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.parallel import DistributedDataParallel

from neuronas.data.counts import check_batch
from neuronas.runs.metrics import Epoch
from neuronas.runs.observer import EpochEnded
from neuronas.runs.work import Work
from neuronas.snn.decision import decided, mean_scores
from neuronas.training.augmentation import Augmentation
from neuronas.training.checkpoint import BEST, LAST
from neuronas.training.distributed import Process
from neuronas.training.divergence import check_loss, check_weights
from neuronas.training.evaluation import accuracy_and_rates, dead_outputs
from neuronas.training.images import Images, Indices, Split, as_shown
from neuronas.training.metrics import Metrics
from neuronas.training.objective import (
    balanced_weights,
    classification_loss,
    firing_rates,
    learning_rate,
    planned_sparsity,
    prune,
    rate_penalty,
    sparsity_of,
)
from neuronas.training.random_numbers import seeded
from neuronas.training.stages import Stages
from neuronas.training.state import Progress, State
from neuronas.training.teacher import Teacher

_SAVE_EVERY_S = 300.0
_PRUNINGS = 50
"""Number of updates of the pruning masks during training."""


class Trainer:
    """Trains a network.

    Attributes:
        dead: number of dead outputs by layer after the last trained epoch, see ``dead_outputs``.
        silent: LIF layers without spikes after the last trained epoch.
        is_out_of_time: whether the time limit was reached before the last epoch.

    Args:
        state: network, optimiser and progress.
        images: all images of the training split of the data set.
        split: indices of the images for training and for validation.
        folder: folder of the checkpoints.
        metrics: file that receives the metrics of each epoch.
        process: the current process of a distributed training.
        teacher: trained network for knowledge distillation.

    Raises:
        DataError: there are fewer training images than one batch.
    """

    def __init__(
        self,
        state: State,
        images: Images,
        split: Split,
        folder: Path,
        metrics: Metrics,
        process: Process,
        teacher: Teacher | None = None,
    ):
        self.state, self.images, self.split = state, images, split
        self.folder, self.metrics, self.process, self.teacher = folder, metrics, process, teacher
        settings = state.settings
        self.batch_size = settings.batch_size
        self.n_epochs = settings.epochs
        self.class_weights: Tensor | None = None
        if settings.class_weights == "balanced":
            labels = images.labels_of(split.training)
            self.class_weights = balanced_weights(labels, state.network.shape.n_classes).to(process.device)
        check_batch(len(split.training), self.batch_size)
        self.n_steps = len(split.training) // self.batch_size
        self.augmentation = Augmentation(settings.augment, settings.border, settings.cutout, settings.mixup)
        self.n_classes = state.network.shape.n_classes
        self.model: nn.Module = state.network
        if process.n > 1:
            # Batch normalisation already uses statistics over all processes.
            self.model = DistributedDataParallel(state.network, broadcast_buffers=False)
        self.stages = Stages(settings, state.network.shape, state.network.timesteps)
        self.dead: dict[str, int] = {}
        self.silent: tuple[str, ...] = ()
        self.is_out_of_time = False
        self._images_per_s = 0.0

    def run(self, work: Work, deadline: float = math.inf, until: int | None = None) -> Progress:
        """Train from the current state to the last epoch.

        Args:
            work: progress display, updated at each step and epoch.
            deadline: time (``time.monotonic``) at which training stops with a checkpoint, after at least one step.
            until: stop after this epoch, from 1; the learning rate schedule is still that of all epochs.

        Raises:
            DivergedError: the loss or a weight is not finite.
        """
        progress = self.state.progress
        saved = monotonic()
        last = self.n_epochs if until is None else min(until, self.n_epochs)
        work.start(
            last * self.n_steps * self.batch_size,
            (progress.epoch * self.n_steps + progress.step) * self.batch_size,
        )
        while progress.epoch < last and not self.is_stopped:
            self._present(progress.epoch)
            if progress.step == 0 and self.stages.begins(progress.epoch):
                self.state.restart_average()
            order = np.random.default_rng([self.state.settings.seed, 2, progress.epoch]).permutation(
                self.split.training
            )
            while progress.step < self.n_steps:
                started = perf_counter()
                first = progress.step * self.batch_size
                seed = _seed_of(self.state.settings.seed, progress.epoch, progress.step)
                with seeded(seed, self.process.device):
                    self._step(order[first : first + self.batch_size])
                self._images_per_s = self.batch_size / max(perf_counter() - started, 1e-9)
                part = f"epoch {progress.epoch + 1} of {self.n_epochs}: step {progress.step:,} of {self.n_steps:,}"
                work.advance(self.batch_size, part, self._values())
                is_up = self._is_up(deadline) and progress.step < self.n_steps
                if is_up or monotonic() - saved > _SAVE_EVERY_S:
                    check_weights(self.state.network, progress, self.folder)
                    self._save_last()
                    saved = monotonic()
                if is_up:
                    self.is_out_of_time = True
                    self._present(self.n_epochs)
                    return progress
            row = self._end_epoch()
            work.advance(0, f"epoch {row.epoch} of {self.n_epochs}", row.numbers, EpochEnded(row, self.n_epochs))
            saved = monotonic()
            if self._is_up(deadline) and progress.epoch < last and not self.is_stopped:
                self.is_out_of_time = True
                break
        self._present(self.n_epochs)
        return progress

    def _present(self, epoch: int) -> None:
        for network in {self.state.network, self.state.evaluated}:
            self.stages.present(network, epoch)

    def _is_up(self, deadline: float) -> bool:
        """Whether the deadline has passed; the same answer in all processes."""
        return deadline < math.inf and self.process.total(float(monotonic() >= deadline))[0] > 0

    @property
    def is_stopped(self) -> bool:
        """Whether training was stopped early, by ``patience``."""
        patience, progress = self.state.settings.patience, self.state.progress
        return bool(patience) and progress.epoch - progress.improved_epoch >= patience and progress.epoch > 0

    def _values(self) -> dict[str, float]:
        progress = self.state.progress
        return {
            "train_loss": progress.loss / max(1, progress.n_seen),
            "train_accuracy": progress.n_correct / max(1, progress.n_seen),
            "images_per_s": self._images_per_s,
        }

    def _step(self, indices: Indices) -> None:
        state, settings, progress = self.state, self.state.settings, self.state.progress
        n_done, n_all = progress.epoch * self.n_steps + progress.step, self.n_epochs * self.n_steps
        warmup = min(1.0, settings.warmup_epochs / self.n_epochs)
        share = (n_done + 1) / n_all  # so that the first step has a learning rate above 0
        rate = learning_rate(settings.schedule, settings.learning_rate, share, warmup, settings.learning_rate_floor)
        for group in state.optimiser.param_groups:
            group["lr"] = rate
        if settings.sparsity and n_done % max(1, n_all // _PRUNINGS) == 0:
            prune(state.network, planned_sparsity(settings.sparsity, n_done / n_all))
        x, targets = self._batch(indices)
        state.network.train()
        with firing_rates(state.network, enabled=bool(settings.rate_weight)) as rates:
            scores: Tensor = self.model(x)
        loss = classification_loss(scores, targets, settings.loss, settings.label_smoothing, self.class_weights)
        if settings.rate_weight:
            loss = loss + settings.rate_weight * rate_penalty(rates, settings.rate_target)
        right = (decided(mean_scores(scores)) == targets.argmax(dim=1)).sum().item()
        total, n_correct, n = self.process.total(loss.item() * len(targets), right, len(targets))
        check_loss(total / n, progress, self.n_steps, self.folder)  # of the global batch, to stop all processes
        state.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        if settings.clip_norm:
            nn.utils.clip_grad_norm_(state.network.parameters(), settings.clip_norm)
        state.optimiser.step()
        state.network.keep_alive()
        state.update_average()
        progress.loss += total
        progress.n_correct += int(n_correct)
        progress.n_seen += int(n)
        progress.step += 1

    def _batch(self, indices: Indices) -> tuple[Tensor, Tensor]:
        """Inputs and targets of this process; all processes draw the same augmentation for the global batch."""
        device = self.process.device
        progress = self.state.progress
        drawn = self.images.drawn(indices, _seed_of(self.state.settings.seed, progress.epoch, progress.step))
        pixels = self.augmentation.pixels(drawn.to(device))
        targets = F.one_hot(self.images.labels_of(indices).to(device), self.n_classes).float()
        x, targets = self.augmentation.mixed(self.images.normalised(pixels), targets)
        mine = self.process.share_of(len(indices))
        x, targets = as_shown(x[mine]), targets[mine]
        return x, targets if self.teacher is None else self.teacher.taught(x, targets)

    def _end_epoch(self) -> Epoch:
        state, progress = self.state, self.state.progress
        check_weights(state.network, progress, self.folder)
        chosen = self.split.validation if len(self.split.validation) else self.split.training
        measured = accuracy_and_rates(state.evaluated, self.images, chosen, self.process)
        accuracy = measured.top1
        if progress.epoch == self.stages.last_begins:
            progress.best_accuracy = -1.0  # earlier accuracies are from easier stages
        if accuracy > progress.best_accuracy:
            progress.improved_epoch = progress.epoch + 1
        better = accuracy >= progress.best_accuracy  # the later one of equal epochs
        if better:
            progress.best_accuracy, progress.best_epoch = accuracy, progress.epoch + 1
        self.dead, self.silent = dead_outputs(state.evaluated), measured.silent
        row = Epoch(
            epoch=progress.epoch + 1,
            train_loss=progress.loss / progress.n_seen,
            train_accuracy=progress.n_correct / progress.n_seen,
            validation_accuracy=accuracy if len(self.split.validation) else None,
            learning_rate=state.optimiser.param_groups[0]["lr"],
            firing_rate=measured.mean_rate,
            sparsity=sparsity_of(state.evaluated),
            images_per_s=round(self._images_per_s, 1),
            dead_outputs=sum(self.dead.values()),
            silent_layers=len(self.silent),
            is_best=better,
        )
        progress.epoch += 1
        progress.step = progress.n_correct = progress.n_seen = 0
        progress.loss = 0.0
        if self.process.rank == 0:
            # This order is safe: after a crash in between, the epoch is repeated.
            if better:
                facts = {
                    "epoch": progress.best_epoch,
                    "accuracy": accuracy,
                    "validated": bool(len(self.split.validation)),
                }
                state.save_evaluated(self.folder / BEST, facts)
            self.metrics.append(row)
            self._save_last()
        return row

    def _save_last(self) -> None:
        if self.process.rank == 0:
            self.state.save(self.folder / LAST)


def _seed_of(seed: int, epoch: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, 3, epoch, step]).generate_state(1, np.uint64)[0] >> 1)

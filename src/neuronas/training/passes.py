"""A pass of images through a network: all that is measured of one network at one precision reads the same pass."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext

import torch
from torch import Tensor

from neuronas.snn.decision import mean_scores
from neuronas.snn.graph_network import GraphNetwork
from neuronas.training.images import Images, Indices

Seen = Callable[[int], None]
"""Progress callback: number of images that were just computed."""


def unseen(n: int) -> None:
    """Progress that nobody follows."""


class Reader(ABC):
    """Measures something in a pass, batch by batch, so that it keeps no more than its result."""

    def watching(self, n_images: int) -> AbstractContextManager[object]:
        """The context in which the network computes a batch of so many images; by default nothing is watched."""
        return nullcontext()

    @abstractmethod
    def read(self, scores: Tensor, labels: Tensor) -> None:
        """Take the result of a batch.

        Args:
            scores: [T, B, n_classes] class scores of each time step, on the network's device.
            labels: [B] classes of the images, on the CPU.
        """


@torch.no_grad()
def run_pass(
    network: GraphNetwork,
    images: Images,
    indices: Indices,
    device: torch.device,
    *readers: Reader,
    seen: Seen = unseen,
) -> None:
    """Compute images once, in evaluation mode.

    Args:
        network: the network.
        images: stills or sequences.
        indices: of those that are computed.
        device: for the computation.
        *readers: what is measured.
        seen: is told of images that were just computed.
    """
    network.eval()
    for x, labels in images.batches(indices, device):
        with ExitStack() as watching:
            for reader in readers:
                watching.enter_context(reader.watching(len(labels)))
            scores = network(x)
        for reader in readers:
            reader.read(scores, labels)
        seen(len(labels))


class ClassScores(Reader):
    """Class scores, averaged over the time steps."""

    def __init__(self) -> None:
        self._batches: list[Tensor] = []

    def read(self, scores: Tensor, labels: Tensor) -> None:
        """See ``Reader``."""
        self._batches.append(mean_scores(scores).cpu())

    @property
    def result(self) -> Tensor:
        """[n, n_classes] float32 on the CPU."""
        return torch.cat(self._batches)


def class_scores(
    network: GraphNetwork, images: Images, indices: Indices, device: torch.device, seen: Seen = unseen
) -> Tensor:
    """Class scores, averaged over the time steps: [n, n_classes] float32 on the CPU; see ``run_pass``."""
    scores = ClassScores()
    run_pass(network, images, indices, device, scores, seen=seen)
    return scores.result

"""A pass of images through a network, shared by all measurements of the network at one precision."""

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, ExitStack, nullcontext

import torch
from torch import Tensor

from neuronas.runs.work import Seen, unseen
from neuronas.snn.decision import mean_scores
from neuronas.snn.graph_network import GraphNetwork
from neuronas.training.images import Images, Indices


class Reader(ABC):
    """A measurement during a pass, accumulated batch by batch, to keep only its result in memory."""

    def watching(self, n_images: int) -> AbstractContextManager[object]:
        """Context in which the network computes a batch of ``n_images`` images; by default nothing is recorded."""
        return nullcontext()

    @abstractmethod
    def read(self, scores: Tensor, labels: Tensor) -> None:
        """Process the results of a batch.

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
        images: still images or sequences.
        indices: indices of the images to compute.
        device: device of the computation.
        *readers: measurements.
        seen: progress callback, called with the number of images just computed.
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

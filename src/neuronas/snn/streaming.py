"""Runs a network one time step at a time on a stream of images; membrane potentials are kept between images."""

from collections import deque

import torch
from torch import Tensor

from neuronas.snn.graph_network import GraphNetwork, Values


class Stream:
    """A network that reads a stream of images.

    After T images, the outputs are those of the network for a sequence of T images.

    Args:
        network: network in evaluation mode.
        memory: number of latest time steps over which outputs are averaged.
    """

    def __init__(self, network: GraphNetwork, memory: int):
        self._network = network
        self._before = [Values() for _ in network.graph.sections]
        self._potentials: list[dict[str, Tensor | None]] = [{} for _ in network.graph.sections]
        self._outputs: deque[Tensor] = deque(maxlen=memory)

    @torch.inference_mode()
    def step(self, image: Tensor) -> Tensor:
        """Process the next image.

        Args:
            image: normalised image, [B, C, H, W].

        Returns:
            class scores [B, n_classes]: mean outputs of the latest time steps.
        """
        x = image.unsqueeze(0)
        for number, section in enumerate(self._network.graph.sections):
            values = self._network.section_step(section, x, self._before[number], self._potentials[number])
            self._before[number], x = values, values[section.nodes[-1].name]
        self._outputs.append(x[0].float())
        return torch.stack(list(self._outputs)).mean(dim=0)

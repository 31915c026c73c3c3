"""A layer graph as a PyTorch module: the common base of the reference network and the trainable network."""

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from torch import Tensor, cat, nn, split

from neuronas.snn.folded_time import different_steps
from neuronas.space.graph import Graph, GraphSection, Node
from neuronas.space.node_operations import Neurons, Pool, Sum, Votes, Weights

Module = TypeVar("Module", bound=nn.Module)
Values = dict[str, Tensor]
"""Values [T or 1, B, ...] by node name. Nodes without a value yet (none of their inputs has arrived) are missing."""


class NeuronLayer(Protocol):
    """Interface of neuron modules, besides ``forward`` over all time steps ([T or 1, B, ...] -> [T, B, ...])."""

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """One time step: input [1, B, ...] and previous potential (None: at rest) -> output and new potential."""
        ...


class NormalisedNeurons(nn.Module):
    """Batch normalisation followed by neurons."""

    def __init__(self, norm: nn.Module, neurons: nn.Module):
        super().__init__()
        self.norm, self.neurons = norm, neurons

    def forward(self, x: Tensor) -> Tensor:
        """[T or 1, B, ...] -> [T, B, ...]."""
        spikes: Tensor = self.neurons(self.norm(x))
        return spikes

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """See ``NeuronLayer``."""
        return cast(NeuronLayer, self.neurons).step(self.norm(x), v)


class GraphNetwork(nn.Module):
    """Computes a layer graph: all time steps at once, except in cells with feedback, which are computed step by step.

    A value is [T, B, ...], or [1, B, ...] if it is the same at every time step.

    Args:
        graph: the layer graph.
        timesteps: number of time steps T.
        make_weights: creates the module of a node with weights, which preserves the first two dimensions.
        make_neurons: creates the module of a node of neurons, a ``NeuronLayer``.
        pool: computes a pooling node.
    """

    def __init__(
        self,
        graph: Graph,
        timesteps: int,
        make_weights: Callable[[Node, Weights], nn.Module],
        make_neurons: Callable[[Node, Neurons], nn.Module],
        pool: Callable[[Tensor, Pool], Tensor],
    ):
        super().__init__()
        self.graph, self.timesteps, self._pool = graph, timesteps, pool
        self.layers = nn.ModuleDict()
        if len({module_key(node.name) for node in graph.nodes}) < len(graph.nodes):
            raise ValueError("names of nodes given that differ only in a dot and a slash; expected distinct names")
        for node in graph.nodes:
            match node.operation:
                case Weights() as weights:
                    self.layers[module_key(node.name)] = make_weights(node, weights)
                case Neurons() as neurons:
                    self.layers[module_key(node.name)] = make_neurons(node, neurons)
        self._spent = {name: names for section in graph.sections for name, names in _spent(section).items()}

    def forward(self, images: Tensor) -> Tensor:
        """Images [B, C, H, W], or sequences [T, B, C, H, W] -> value of the last node.

        Raises:
            ValueError: unexpected shape of the images.
        """
        x = self.presented(images)
        for section in self.graph.sections:
            x = self.run_section(section, x)
        return x

    def presented(self, images: Tensor) -> Tensor:
        """Input of the first section; see ``image_steps``."""
        return image_steps(self.graph, images, self.timesteps)

    def run_section(self, section: GraphSection, x: Tensor) -> Tensor:
        """Compute a section of the graph: value before the section -> value after it."""
        if not section.has_delays:
            return self._values(section, x, {}, None)[section.nodes[-1].name]
        if len(x) < self.timesteps:
            x = x.expand(self.timesteps, *x.shape[1:])
        before, potentials, outputs = Values(), dict[str, Tensor | None](), []
        for x_t in split(x, 1):
            before = self.section_step(section, x_t, before, potentials)
            outputs.append(before[section.nodes[-1].name])
        return cat(outputs)

    def section_step(
        self, section: GraphSection, x: Tensor, before: Values, potentials: dict[str, Tensor | None]
    ) -> Values:
        """Compute one time step of a section.

        Args:
            section: section of the graph.
            x: value before the section, [1, B, ...].
            before: values of the previous time step, as returned by this function; empty for the first.
            potentials: membrane potentials of the neurons; updated.
        """
        return self._values(section, x, before, potentials)

    def layers_of(self, kind: type[Module]) -> dict[str, Module]:
        """All modules of a type by node name, in network order."""
        return {
            node.name: module
            for node in self.graph.nodes
            if module_key(node.name) in self.layers
            for module in self.layers[module_key(node.name)].modules()
            if isinstance(module, kind)
        }

    def _values(
        self, section: GraphSection, x: Tensor, before: Values, potentials: dict[str, Tensor | None] | None
    ) -> Values:
        """Values of a section over all time steps; with ``potentials``, for the time step after ``before``.

        Values not read by later nodes are dropped.
        """
        now = {section.source: x}
        for node in section.nodes:
            sources = [(before if link.delayed else now, link.source) for link in node.links]
            summands = [values[source] for values, source in sources if source in values]
            if summands:
                total = summands[0]
                for summand in summands[1:]:
                    total = total + summand
                now[node.name] = self._value(node, total, potentials)
            elif isinstance(node.operation, Sum):
                now[node.name] = x.new_zeros(len(x), x.shape[1], *node.shape)
            for name in self._spent[node.name]:
                now.pop(name, None)
        return now

    def _value(self, node: Node, x: Tensor, potentials: dict[str, Tensor | None] | None) -> Tensor:
        match node.operation:
            case Sum():
                return x
            case Pool() as operation:
                return self._pool(x, operation)
            case Votes(size):
                return x.reshape(*x.shape[:2], -1, size).mean(dim=3)
            case Neurons() if potentials is not None:
                neurons = cast(NeuronLayer, self.layers[module_key(node.name)])
                spikes, potentials[node.name] = neurons.step(x, potentials.get(node.name))
                return spikes
        value: Tensor = self.layers[module_key(node.name)](x)
        return value


def image_steps(graph: Graph, images: Tensor, timesteps: int) -> Tensor:
    """The image of each time step, [T, B, C, H, W], or one image for all time steps, [1, B, C, H, W].

    Args:
        graph: layer graph, which states whether it reads a sequence.
        images: [B, C, H, W], or for sequences [T, B, C, H, W].
        timesteps: number of time steps T.

    Raises:
        ValueError: unexpected shape of the images.
    """
    if not graph.is_sequence:
        if images.dim() != 4:
            raise ValueError(f"images of shape {list(images.shape)} given; expected [B, C, H, W]")
        return images.unsqueeze(0)
    if images.dim() != 5 or len(images) != timesteps:
        raise ValueError(f"images of shape {list(images.shape)} given; expected [T, B, C, H, W] with T = {timesteps}")
    return different_steps(images)


def module_key(name: str) -> str:
    """Name of a node's module."""
    return name.replace(".", "/")  # PyTorch does not allow dots in module names


def _spent(section: GraphSection) -> dict[str, list[str]]:
    """For each node, the values not read by later nodes; their memory can be freed after it."""
    last = {link.source: node.name for node in section.nodes for link in node.links}
    delayed = {link.source for node in section.nodes for link in node.links if link.delayed}
    found: dict[str, list[str]] = {node.name: [] for node in section.nodes}
    for source, reader in last.items():
        if source not in delayed:
            found[reader].append(source)
    return found

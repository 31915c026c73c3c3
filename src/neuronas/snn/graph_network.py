"""A layer graph as a torch module: what the reference network and the trainable one have in common."""

from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from torch import Tensor, cat, nn, split

from neuronas.space.graph import Graph, GraphSection, Neurons, Node, Pool, Sum, Votes, Weights

Module = TypeVar("Module", bound=nn.Module)
Values = dict[str, Tensor]
"""Node name -> [T or 1, B, ...]; what has not come yet is missing."""


class NeuronLayer(Protocol):
    """What a module of neurons can do besides running all time steps ([T or 1, B, ...] -> [T, B, ...])."""

    def step(self, x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """One time step: input [1, B, ...] and potential before (None: at rest) -> output and potential after."""
        ...


class NormalisedNeurons(nn.Module):
    """Neurons with batch normalisation in front."""

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
    """Runs a graph: all time steps at once, or one after the other within a cell that feeds back.

    A value is [T, B, ...], or [1, B, ...] as long as it is the same at every time step.

    Args:
        graph: what is computed.
        timesteps: T.
        make_weights: the module of a node with weights: [T or 1, B, ...] -> the same times and images.
        make_neurons: the module of a node of neurons, a ``NeuronLayer``.
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
        for node in graph.nodes:
            match node.operation:
                case Weights() as weights:
                    self.layers[_key(node.name)] = make_weights(node, weights)
                case Neurons() as neurons:
                    self.layers[_key(node.name)] = make_neurons(node, neurons)
        self._spent = {name: names for section in graph.sections for name, names in _spent(section).items()}

    def forward(self, images: Tensor) -> Tensor:
        """[B, C, H, W] -> the last node's value."""
        x = images.unsqueeze(0)
        for section in self.graph.sections:
            x = self.run_section(section, x)
        return x

    def run_section(self, section: GraphSection, x: Tensor) -> Tensor:
        """From the value before a section to the section's."""
        if not section.has_delays:
            return self._values(section, x, {}, None)[section.nodes[-1].name]
        if len(x) < self.timesteps:
            x = x.expand(self.timesteps, *x.shape[1:])
        before, potentials, outputs = Values(), dict[str, Tensor | None](), []
        for x_t in split(x, 1):
            before = self._values(section, x_t, before, potentials)
            outputs.append(before[section.nodes[-1].name])
        return cat(outputs)

    def layers_of(self, kind: type[Module]) -> dict[str, Module]:
        """The modules of a kind by the names of their nodes, in network order."""
        return {
            key.replace("/", "."): module
            for key, layer in self.layers.items()
            for module in layer.modules()
            if isinstance(module, kind)
        }

    def _values(
        self, section: GraphSection, x: Tensor, before: Values, potentials: dict[str, Tensor | None] | None
    ) -> Values:
        """Values over all time steps, or, with potentials, at the one after ``before``; spent ones are left out."""
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
                neurons = cast(NeuronLayer, self.layers[_key(node.name)])
                spikes, potentials[node.name] = neurons.step(x, potentials.get(node.name))
                return spikes
        value: Tensor = self.layers[_key(node.name)](x)
        return value


def _key(name: str) -> str:
    return name.replace(".", "/")  # names of modules hold no dots


def _spent(section: GraphSection) -> dict[str, list[str]]:
    """For each node the values that nothing reads after it, so that their memory is free."""
    last = {link.source: node.name for node in section.nodes for link in node.links}
    delayed = {link.source for node in section.nodes for link in node.links if link.delayed}
    found: dict[str, list[str]] = {node.name: [] for node in section.nodes}
    for source, reader in last.items():
        if source not in delayed:
            found[reader].append(source)
    return found

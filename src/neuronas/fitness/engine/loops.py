"""Cells with feedback: computed time step by time step, with batch normalisation per time step as in the reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from neuronas.fitness.engine.backend import Array, Backend, Geometry
from neuronas.fitness.engine.values import Added, Leaf, Looped, Pooled, Value
from neuronas.fitness.measure import Measure, Reading
from neuronas.fitness.patterns import Patterns
from neuronas.snn.quantisation import FixedPoint
from neuronas.snn.weights import weights_place
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Neurons, Pool, Shape, Sum, Weights


class Settings(Protocol):
    """The settings of the engine that a cell with feedback needs."""

    measure: Measure
    v_threshold: float


DrawWeights = Callable[[str, Weights, Shape], FixedPoint]
"""(place, operation, shape of the input) -> weights."""


def run_loop(
    looped: Looped,
    leaves: Mapping[Leaf, Array],
    geometry: Geometry,
    backend: Backend,
    settings: Settings,
    weights: DrawWeights,
) -> tuple[Array, Reading]:
    """Run a cell with feedback.

    Args:
        looped: the cell and its input.
        leaves: arrays of the input's leaves.
        geometry: sizes of the cell's output.
        backend: computes convolutions and neurons.
        settings: fitness measure and firing threshold.
        weights: draws weights.

    Returns:
        the output of the cell over all time steps, and the sum of the readings of its LIF layers.
    """
    loop = _Loop(looped, geometry.batch, backend, settings, weights)
    outputs = []
    for t in range(geometry.timesteps):
        outputs.append(loop.step({leaf: array.step(t) for leaf, array in leaves.items()}))
    return backend.stack(outputs), Reading.added(loop.readings)


@dataclass(frozen=True)
class _LayerSpikes:
    spikes: Tensor
    readings: Tensor
    geometry: Geometry


class _Loop:
    def __init__(self, looped: Looped, batch: int, backend: Backend, settings: Settings, weights: DrawWeights):
        self.looped, self.batch, self.backend = looped, batch, backend
        self.settings, self.weights = settings, weights
        self.readings: list[Tensor] = []
        self._states: dict[str, Tensor] = {}
        nodes = looped.section.nodes
        self._kept = {link.source for node in nodes for link in node.links if link.delayed} | {nodes[-1].name}
        self._before: dict[str, Array] = {}

    def step(self, arrays: dict[Leaf, Array]) -> Array:
        """Compute one time step; return the output of the cell."""

        def leaf(array: Array, node: Node) -> Leaf:
            made = Leaf(node.shape)
            arrays[made] = array
            return made

        nodes = self.looped.section.nodes
        fired: dict[Link, _LayerSpikes] = {}
        values: dict[Link, Value] = {Link(self.looped.section.source): self.looped.source}
        for node in nodes:
            if node.name in self._before:
                values[Link(node.name, delayed=True)] = leaf(self._before[node.name], node)
        for node in nodes:
            terms = [values[link] for link in node.links if link in values]
            total, link = terms[0] if len(terms) == 1 else Added.of(terms), Link(node.name)
            match node.operation:
                case Sum():
                    values[link] = total
                case Pool() as pool if terms:
                    values[link] = Pooled(total.leaves, total, pool)
                case Neurons() as neurons if terms:
                    fired[link] = self._fire(node, neurons, total, arrays)
                case Weights() as weights if node.links[0] in fired:
                    values[link] = leaf(self._convolve(node, weights, fired[node.links[0]]), node)
        self._before = {
            node.name: self.backend.materialise(values[Link(node.name)], arrays, self._geometry(node))
            for node in nodes
            if node.name in self._kept
        }
        return self._before[nodes[-1].name]

    def _fire(self, node: Node, neurons: Neurons, value: Value, arrays: Mapping[Leaf, Array]) -> _LayerSpikes:
        geometry = self._geometry(node)
        if node.name not in self._states:
            self._states[node.name] = self.backend.state(geometry)
        fired = self.backend.fire(
            value,
            arrays,
            geometry,
            self.settings.v_threshold if neurons.threshold is None else neurons.threshold,
            normalised=neurons.normalised,
            with_spikes=True,
            state=self._states[node.name],
        )
        if fired.spikes is None:
            raise LookupError("back end returned no spikes although they were requested")
        readings = self.settings.measure.read(Patterns(fired.common, geometry.n_neurons))
        return _LayerSpikes(fired.spikes, readings, geometry)

    def _convolve(self, node: Node, operation: Weights, given: _LayerSpikes) -> Array:
        self.readings += given.readings
        weights = self.weights(weights_place(node), operation, given.geometry.shape)
        return self.backend.convolve(given.spikes, weights, given.geometry)

    def _geometry(self, node: Node) -> Geometry:
        return Geometry(1, self.batch, *node.shape)

"""Cells with backward edges: step by step through time, each step normalised by itself as in the reference."""

from collections.abc import Callable, Mapping
from typing import Protocol

from torch import Tensor

from neuronas.fitness.engine.backend import Array, Backend, Geometry
from neuronas.fitness.engine.values import Leaf, Looped, Pooled, Sum, Value
from neuronas.fitness.measure import Measure, Reading
from neuronas.fitness.patterns import Patterns
from neuronas.snn.network import edge_place
from neuronas.snn.quantisation import FixedPoint
from neuronas.space.genotype import N_NODES, Incoming


class Settings(Protocol):
    """What a loop needs to know of the engine."""

    measure: Measure
    v_threshold: float


Weights = Callable[[str, int, int, int], FixedPoint]
"""(place, in channels, out channels, kernel) -> weights."""


def run_loop(
    looped: Looped,
    leaves: Mapping[Leaf, Array],
    geometry: Geometry,
    backend: Backend,
    settings: Settings,
    weights: Weights,
) -> tuple[Array, Reading | None]:
    """Run a cell with backward edges.

    Args:
        looped: the cell and its input.
        leaves: arrays of the input's leaves.
        geometry: of the cell's values.
        backend: what computes.
        settings: fitness measure and firing threshold.
        weights: where weights come from.

    Returns:
        The output node over all time steps, and the readings of the cell's LIF layers, None if it has none.
    """
    loop = _Loop(looped, geometry, backend, settings, weights)
    outputs = []
    for t in range(geometry.timesteps):
        outputs.append(loop.step({leaf: array.step(t) for leaf, array in leaves.items()}))
    return backend.stack(outputs), Reading.added(loop.readings) if loop.readings else None


class _Loop:
    def __init__(self, looped: Looped, geometry: Geometry, backend: Backend, settings: Settings, weights: Weights):
        self.looped, self.backend, self.settings, self.weights = looped, backend, settings, weights
        self.geometry = Geometry(1, geometry.batch, geometry.channels, geometry.side)
        self.states: dict[int, Tensor] = {}
        self.previous: dict[int, Array] | None = None
        self.readings: list[Tensor] = []
        self.feeding_back = {
            edge.source for target in range(N_NODES) for edge in looped.cell.incoming(target) if edge.backward
        }

    def step(self, arrays: dict[Leaf, Array]) -> Array:
        """One time step: the output node's value."""
        nodes: list[Value] = []
        for target in range(N_NODES):
            terms = [self.looped.source] if target == 0 else []
            for incoming in self.looped.cell.incoming(target):
                if not incoming.backward:
                    terms.append(self._edge(incoming, nodes[incoming.source], arrays))
                elif self.previous is not None:
                    before = self._new_leaf(self.previous[incoming.source], arrays)
                    terms.append(self._edge(incoming, before, arrays))
            nodes.append(terms[0] if len(terms) == 1 else Sum.of(terms))
        self.previous = {
            node: self.backend.materialise(nodes[node], arrays, self.geometry)
            for node in self.feeding_back | {N_NODES - 1}
        }
        return self.previous[N_NODES - 1]

    def _edge(self, incoming: Incoming, source: Value, arrays: dict[Leaf, Array]) -> Value:
        edge, geometry = incoming.edge, self.geometry
        if not edge.kind.is_convolution:
            return source if edge.operation == "skip" else Pooled(source.leaves, source)
        if incoming.number not in self.states:
            self.states[incoming.number] = self.backend.state(geometry)
        fired = self.backend.fire(
            source,
            arrays,
            geometry,
            self.settings.v_threshold if edge.threshold is None else edge.threshold,
            normalised=False,
            with_spikes=True,
            state=self.states[incoming.number],
        )
        if fired.spikes is None:
            raise LookupError("a backend that was asked for spikes gave none")
        self.readings += self.settings.measure.read(Patterns(fired.common, geometry.n_neurons))
        place = edge_place(self.looped.place, incoming.number, edge.operation)
        weights = self.weights(place, geometry.channels, geometry.channels, edge.kind.kernel)
        return self._new_leaf(self.backend.convolve(fired.spikes, weights, geometry), arrays)

    def _new_leaf(self, array: Array, arrays: dict[Leaf, Array]) -> Leaf:
        leaf = Leaf(self.geometry.channels, self.geometry.side)
        arrays[leaf] = array
        return leaf

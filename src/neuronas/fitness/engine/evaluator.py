"""The engine: evaluates a set of candidates within a memory limit; what they have in common is computed once."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TypeVar

import torch
from torch import Tensor

from neuronas.fitness.engine.backend import Array, Backend, Geometry
from neuronas.fitness.engine.loops import run_loop
from neuronas.fitness.engine.store import Store
from neuronas.fitness.engine.values import (
    Convolved,
    Firing,
    Hidden,
    Leaf,
    Looped,
    Reduced,
    SharedValues,
    Stem,
    Term,
    Value,
)
from neuronas.fitness.measure import Measure, Reading
from neuronas.fitness.patterns import Patterns
from neuronas.snn.arithmetic import NORMALISATION_BYTES, exact_linear, normalised_images, pool
from neuronas.snn.quantisation import FixedPoint
from neuronas.snn.weights import WeightSource
from neuronas.space.genotype import Architecture, edge_order
from neuronas.space.node_operations import Shape, Weights
from neuronas.space.shape import NetworkShape

Kept = TypeVar("Kept")


class EngineEvaluator:
    """Computes the fitness of a set of candidates, equal to that of the reference.

    Candidates are sorted so that neighbours have the most layers in common. A result is kept as long as a later
    candidate needs it. If memory is short, the result whose next use is latest is dropped and recomputed later.

    Args:
        batches: [n, B, C, H, W] normalised images, of sequences [n, T, B, C, H, W]; fitness is the mean over the n
            batches.
        shape: sizes of the network around the cells.
        weights: draws the quantised weights.
        timesteps: number of time steps.
        measure: the fitness measure.
        backend: computes convolutions and neurons.
        memory_limit_bytes: limit for all stored results.
        v_threshold: firing threshold of the network.
    """

    def __init__(
        self,
        batches: Tensor,
        shape: NetworkShape,
        weights: WeightSource,
        timesteps: int,
        measure: Measure,
        backend: Backend,
        memory_limit_bytes: int,
        v_threshold: float = 1.0,
    ):
        self.batches, self.shape, self.weights, self.timesteps = batches, shape, weights, timesteps
        self.measure = measure
        self.backend, self.memory_limit_bytes, self.v_threshold = backend, memory_limit_bytes, v_threshold

    def evaluate(self, architectures: Sequence[Architecture]) -> Iterator[tuple[int, float]]:
        """See ``Evaluator``. All batches are evaluated candidate by candidate, each with its share of the memory."""
        order = sorted(
            range(len(architectures)), key=lambda index: edge_order(architectures[index], self.shape.n_cells)
        )
        candidates = [architectures[index] for index in order]
        limit = self.memory_limit_bytes // len(self.batches)
        runs = [_Run(self, images, candidates, limit).fitness() for images in self.batches]
        for index, values in zip(order, zip(*runs, strict=True), strict=True):
            yield index, sum(values) / len(values)


class _Run:
    """Evaluates all candidates in order on one batch of images."""

    def __init__(
        self, engine: EngineEvaluator, images: Tensor, architectures: Sequence[Architecture], limit_bytes: int
    ):
        self.engine, self.backend = engine, engine.backend
        self.images = images if engine.shape.sequence else images.unsqueeze(0)
        self.batch = self.images.shape[1]
        values = SharedValues(engine.shape, engine.measure)
        self.architectures = [architecture.cleaned for architecture in architectures]
        self.candidates = [values.terms(architecture) for architecture in architectures]
        self.uses = _uses(self.candidates)
        self.store = Store(limit_bytes, self.uses)
        self._weights: dict[str, FixedPoint] = {}

    @torch.no_grad()
    def fitness(self) -> Iterator[float]:
        for step, terms in enumerate(self.candidates):
            self.store.advance(step)
            readings = {term: self._reading(term) for term in dict.fromkeys(terms)}
            layers = [readings[term] for term in terms]
            yield self.engine.measure.combine(self.architectures[step], self.engine.shape.n_cells, layers)

    def _reading(self, term: Term) -> Reading:
        found: Reading | None = self.store.get(("readings", term))
        if found is not None:
            return found
        match term:
            case Firing():
                return self._fire(term)[1]
            case Looped():
                return self._loop(term)[1]
            case Hidden():
                return self._read_hidden(term)

    def _spikes(self, firing: Firing) -> Tensor:
        found: Tensor | None = self.store.get(("spikes", firing))
        if found is None:
            found, _ = self._fire(firing)
        if found is None:
            raise LookupError("spikes were requested that are not in the list of uses")
        return found

    def _leaf(self, leaf: Leaf) -> Array:
        found: Array | None = self.store.get(leaf)
        if found is not None:
            return found
        if isinstance(leaf, Looped):
            return self._loop(leaf)[0]
        if isinstance(leaf, Stem):
            array = self._stem(leaf)
        elif isinstance(leaf, Reduced):
            array = self._reduce(leaf)
        elif isinstance(leaf, Convolved):
            array = self._convolve(leaf)
        else:
            raise TypeError(f"nothing computes a {type(leaf).__name__}")
        return self._keep(leaf, array, array.n_bytes)

    def _stem(self, leaf: Stem) -> Array:
        weights = self.weights(leaf.place, leaf.operation, leaf.given)
        n_bytes = self._geometry(leaf.shape).one_step.n_values * NORMALISATION_BYTES
        self.store.reserve(n_bytes)
        self.backend.make_room(n_bytes)
        values = normalised_images(self.images, weights, leaf.operation.stride)
        return self.backend.dense(values, constant=not self.engine.shape.sequence)

    def _convolve(self, leaf: Convolved) -> Array:
        firing = leaf.firing
        spikes, geometry = self._spikes(firing), self._geometry(firing.shape)
        weights = self.weights(leaf.place, leaf.operation, firing.shape)
        with self.store.pinned(("spikes", firing)):
            self.store.reserve(self.backend.convolved_bytes(weights, geometry))
            return self.backend.convolve(spikes, weights, geometry)

    def _reduce(self, leaf: Reduced) -> Array:
        # The convolution of a reduction is large and only used here, so it is not stored.
        sums = self._convolve(leaf.convolved)
        geometry = self._geometry(leaf.convolved.shape)
        self.store.reserve(sums.n_bytes + geometry.n_values)
        return self.backend.reduce(sums, geometry)

    def _fire(self, firing: Firing) -> tuple[Tensor | None, Reading]:
        key, geometry, neurons = ("spikes", firing), self._geometry(firing.shape), firing.operation
        is_used = key in self.uses
        with self._inputs(firing.value) as leaves:
            self.store.reserve(self.backend.spike_bytes(geometry) if is_used else 0)
            threshold = self.engine.v_threshold if neurons.threshold is None else neurons.threshold
            fired = self.backend.fire(
                firing.value, leaves, geometry, threshold, normalised=neurons.normalised, with_spikes=is_used
            )
        readings = self.engine.measure.read(Patterns(fired.common, geometry.n_neurons))
        reading = self._keep_reading(firing, Reading.added(readings))
        if fired.spikes is not None:
            self._keep(key, fired.spikes, self.backend.spike_bytes(geometry))
        return fired.spikes, reading

    def _read_hidden(self, term: Hidden) -> Reading:
        spikes, geometry = self._spikes(term.firing), self._geometry(term.firing.shape)
        pooled = term.pool.output(term.firing.shape)
        weights = self.weights(term.place, term.operation, pooled)
        with self.store.pinned(("spikes", term.firing)):
            steps = [  # one time step at a time, to limit memory
                exact_linear(pool(self.backend.unpacked(step, geometry.one_step), term.pool).flatten(2), weights)
                for step in torch.split(spikes, 1)
            ]
        values = torch.cat(steps)[..., None, None]
        leaf, geometry = Leaf((term.operation.n_out, 1, 1)), self._geometry((term.operation.n_out, 1, 1))
        array = self.backend.dense(values, constant=False)
        threshold = self.engine.v_threshold if term.neurons.threshold is None else term.neurons.threshold
        fired = self.backend.fire(leaf, {leaf: array}, geometry, threshold, normalised=False, with_spikes=False)
        readings = self.engine.measure.read(Patterns(fired.common, geometry.n_neurons))
        return self._keep_reading(term, Reading.added(readings))

    def _loop(self, leaf: Looped) -> tuple[Array, Reading]:
        geometry = self._geometry(leaf.shape)
        with self._inputs(leaf.source) as leaves:
            self.store.reserve(4 * geometry.n_values)
            array, reading = run_loop(leaf, leaves, geometry, self.backend, self.engine, self.weights)
        self._keep_reading(leaf, reading)
        return self._keep(leaf, array, array.n_bytes), reading

    @contextmanager
    def _inputs(self, value: Value) -> Iterator[dict[Leaf, Array]]:
        """The leaves of a value; they cannot be dropped within this context."""
        arrays: dict[Leaf, Array] = {}
        with ExitStack() as pins:
            for leaf in value.leaves:
                arrays[leaf] = self._leaf(leaf)
                pins.enter_context(self.store.pinned(leaf))
            yield arrays

    def weights(self, place: str, operation: Weights, given: Shape) -> FixedPoint:
        """The weights of a layer, drawn once; ``given``: shape [C, H, W] of their input."""
        if place not in self._weights:
            self._weights[place] = self.engine.weights.of(place, operation, given)
        return self._weights[place]

    def _geometry(self, shape: Shape) -> Geometry:
        return Geometry(self.engine.timesteps, self.batch, *shape)

    def _keep(self, key: Hashable, item: Kept, n_bytes: int) -> Kept:
        self.store.reserve(n_bytes)
        self.store.put(key, item, n_bytes)
        return item

    def _keep_reading(self, term: Term, reading: Reading) -> Reading:
        return self._keep(("readings", term), reading, reading.total.numel() * 8)


def _uses(candidates: Sequence[Sequence[Term]]) -> dict[Hashable, list[int]]:
    """For each reading and each array, the indices of the candidates that need it, ascending."""
    uses: defaultdict[Hashable, list[int]] = defaultdict(list)
    known: set[object] = set()

    def need(term: Term | Leaf, step: int) -> None:
        if term in known:
            return
        known.add(term)
        if isinstance(term, Hidden):
            uses["spikes", term.firing].append(step)
            need(term.firing, step)
        elif isinstance(term, Firing | Looped):
            for leaf in (term.value if isinstance(term, Firing) else term.source).leaves:
                uses[leaf].append(step)
                need(leaf, step)
        elif isinstance(term, Convolved | Reduced):
            firing = term.firing if isinstance(term, Convolved) else term.convolved.firing
            uses["spikes", firing].append(step)
            need(firing, step)

    for step, terms in enumerate(candidates):
        for term in dict.fromkeys(terms):
            uses["readings", term].append(step)
            need(term, step)
    return dict(uses)

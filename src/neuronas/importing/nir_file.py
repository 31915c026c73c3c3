"""Reader of NIR files (doi 10.1038/s41467-024-52259-9); the package nir is optional.

A NIR node adds its inputs: nodes with the same inputs read one common sum. The metadata of files exported by neuronas
lists the original sums. Nodes that scale each channel are folded into the preceding layer.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from neuronas.config import DT_S
from neuronas.errors import ConfigurationError, reading_as
from neuronas.hdf5.reading import PendingFile
from neuronas.importing.draft import Draft, ImageShape
from neuronas.importing.layers import UNSUPPORTED, convolution, linear, pooling
from neuronas.importing.metadata import recorded
from neuronas.importing.nir_arrays import n_groups, rule_of, scaling_of, weights_of
from neuronas.snn.bound_graph import WeightArrays
from neuronas.snn.imported import ImportedNetwork, Scaling
from neuronas.space.graph import Graph
from neuronas.space.node_operations import Sum

_NEURONS = (nir.LIF, nir.IF, nir.CubaLIF, nir.Threshold)
_OWN = "neuronas-nir-1"
_Terms = Counter[str]


def read_nir(file: PendingFile, shape: ImageShape) -> Graph:
    """Read the layers of a NIR file.

    Args:
        file: path of the file.
        shape: shape of the input image.

    Raises:
        ConfigurationError: a node is unsupported; names the node and its type.
        VerificationError: the file is not a NIR file.
    """
    return _read(file, shape, with_arrays=False).draft.graph()


def read_nir_arrays(file: PendingFile, shape: ImageShape, dt_s: float | None) -> ImportedNetwork:
    """Read a NIR file with weights and neurons; see ``read_nir``.

    Args:
        file: path of the file.
        shape: shape of the input image.
        dt_s: length of a time step in seconds; None: that of the file, or 1e-4.
    """
    reader = _read(file, shape, with_arrays=True, dt_s=dt_s)
    found = reader.draft.network()
    return replace(found, recorded=recorded(str(file.path), reader.about)) if reader.about else found


def _read(file: PendingFile, shape: ImageShape, *, with_arrays: bool, dt_s: float | None = None) -> "_NirReader":
    with reading_as("a NIR graph", file.path, LookupError, TypeError, RuntimeError, AssertionError, AttributeError):
        graph = nir.dict2NIRNode({**file.read(), "type_check": True})  # nir.read would open it in this process
    reader = _NirReader(file.path, graph, shape, with_arrays=with_arrays, dt_s=dt_s)
    reader.read()
    return reader


class _NirReader:
    """Converts a NIR graph."""

    def __init__(self, path: Path, graph: nir.NIRGraph, shape: ImageShape, *, with_arrays: bool, dt_s: float | None):
        self.draft, self.nodes, self.edges = Draft(str(path), with_arrays=with_arrays), graph.nodes, graph.edges
        self.shape = shape
        self.about = about = graph.metadata if graph.metadata.get("format") == _OWN else {}
        own_dt_s = float(about["dt_s"]) if "dt_s" in about else None
        if own_dt_s is not None and dt_s not in (None, own_dt_s):
            raise ConfigurationError(
                f"--dt {dt_s:g} given with {path}, whose time step is {own_dt_s:g} s; leave it out"
            )
        self.dt_s = own_dt_s or dt_s or DT_S
        with reading_as("a NIR graph with sums and order", path, TypeError):
            self.sums: dict[str, list[str]] = dict(json.loads(about.get("sums", "{}")))
            self.order: list[str] = list(json.loads(about.get("order", "[]")))
        self.known: dict[frozenset[tuple[str, int]], str] = {}
        """Names of values by their summands."""

    def read(self) -> None:
        """Read all nodes into the draft."""
        for name in self._ordered():
            node = self.nodes[name]
            with self.draft.reading(name, type(node).__name__):
                if isinstance(node, nir.Output):
                    self._end(name)
                elif not self._is_folded(name):
                    self._read(name, node)
                    self._make_sums()

    def _end(self, name: str) -> None:
        if self.draft.output is not None:
            raise ValueError("second output given; expected one, the class scores")
        if self.draft.with_arrays:
            self.draft.output = self._source(name)

    def _ordered(self) -> list[str]:
        """All names in topological order; ties are broken by ``order`` of the metadata, then by order in the file."""
        waiting = list(dict.fromkeys((*(name for name in self.order if name in self.nodes), *self.nodes)))
        found: dict[str, None] = {}
        while waiting:
            ready = next((name for name in waiting if all(one in found for one in self._sources(name))), None)
            if ready is None:
                names = ", ".join(waiting[:3])
                raise ConfigurationError(
                    f"{self.draft.source}: layers that feed back given ({names}); expected forward edges only"
                )
            waiting.remove(ready)
            found[ready] = None
        return list(found)

    def _sources(self, name: str) -> list[str]:
        return [source for source, target in self.edges if target == name]

    def _terms(self, name: str) -> _Terms:
        """The summands of a node with their multiplicities; folded nodes are skipped."""
        found = _Terms()
        for source in self._sources(name):
            if not self._is_folded(source):
                found[source] += 1
                continue
            times = source.rpartition("_times_")[2] if self.order else ""
            for term, n in self._terms(source).items():
                found[term] += n * (int(times) if times.isdecimal() else 1)
        return found

    def _is_folded(self, name: str) -> bool:
        """Whether a node is omitted from the layer graph; without arrays, nodes that only scale are."""
        if isinstance(self.nodes[name], nir.Flatten):
            return True
        is_repeated = bool(self.order) and name.rpartition("_times_")[2].isdecimal() and "_times_" in name
        return self._is_scale(name) and (is_repeated or not self.draft.with_arrays)

    def _is_scale(self, name: str) -> bool:
        node = self.nodes[name]
        if isinstance(node, nir.Scale):
            return True
        if not isinstance(node, nir.Conv2d) or node.metadata or node.weight.shape[2:] != (1, 1):
            return False
        weights = node.weight[:, :, 0, 0]
        is_diagonal = weights.shape[0] == weights.shape[1] and not (weights - np.diag(np.diag(weights))).any()
        moves = self.draft.with_arrays and ({*_ints(node.stride)} != {1} or {*_ints(_padding(node))} != {0})
        return is_diagonal and (len(weights) > 1 or bool(self.order)) and not moves

    def _read(self, name: str, node: nir.NIRNode) -> None:
        match node:
            case nir.Input():
                image, sequence = self.shape.of(node.input_type["input"]), bool(self.about.get("sequence", False))
                self._keep(self.draft.image(name, image, sequence=sequence))
            case _ if self._is_scale(name):
                self._keep(self.draft.scale(name, self._source(name), scaling_of(node)))
            case nir.Conv2d():
                groups = node.groups if node.groups > 1 else n_groups(node.weight)
                kernel, stride, dilation = node.weight.shape[2:], _ints(node.stride), _ints(node.dilation)
                operation = convolution(len(node.weight), kernel, stride, _padding(node), dilation, groups)
                n_in = node.weight.shape[1] * node.groups // groups
                shape = (len(node.weight), n_in, *node.weight.shape[2:])
                self._keep(self.draft.weigh(name, operation, self._source(name), shape, self._arrays(node, groups)))
            case nir.Linear() | nir.Affine():
                if size := _voters(node.weight):
                    self._keep(self.draft.vote(name, size, self._source(name)))
                else:
                    shape = tuple(node.weight.shape)
                    arrays = self._arrays(node, 1)
                    self._keep(self.draft.weigh(name, linear(shape[0]), self._source(name), shape, arrays))
            case nir.AvgPool2d() | nir.SumPool2d():
                pool = pooling("mean", _ints(node.kernel_size), _ints(node.stride), _ints(node.padding))
                found = self.draft.add(name, pool, self._source(name))
                if isinstance(node, nir.SumPool2d):
                    found = self.draft.scale(f"{name}.sum", found, partial(Scaling.of, float(prod(pool.kernel)), 0.0))
                self.known[_key(_Terms([name]))] = found
            case _ if isinstance(node, _NEURONS):
                self._keep(self._fire(name, node))
            case _:
                raise ValueError(UNSUPPORTED)

    def _arrays(self, node: nir.NIRNode, groups: int) -> WeightArrays | None:
        return weights_of(node, groups) if self.draft.with_arrays else None

    def _fire(self, name: str, node: nir.NIRNode) -> str:
        source = self._source(name)
        if not self.draft.with_arrays:
            return self.draft.fire(name, source)
        rule, factor = rule_of(node, self.dt_s)
        if (factor != 1).any():
            source = self.draft.scale(f"{name}.input", source, partial(Scaling.of, factor, 0.0))
        return self.draft.fire(name, source, rule)

    def _keep(self, name: str) -> None:
        self.known[_key(_Terms([name]))] = name

    def _source(self, name: str) -> str:
        """The single input value of a node; a sum is added if it has several inputs."""
        terms = self._terms(name)
        if not terms:
            raise ValueError("no input given; expected at least one")
        if _key(terms) not in self.known:
            self.known[_key(terms)] = self.draft.add(f"{name}.sum", Sum(), *terms.elements())
        return self.known[_key(terms)]

    def _make_sums(self) -> None:
        """Add the sums of an exported file whose summands have all been read."""
        for name, sources in list(self.sums.items()):
            if all(source in self.draft.nodes for source in sources):
                self.draft.add(name, Sum(), *sources)
                del self.sums[name]
                terms = sum((self._parts(source) for source in sources), _Terms())
                self.known.setdefault(_key(terms), name)

    def _parts(self, name: str) -> _Terms:
        node = self.draft.nodes[name]
        if not isinstance(node.operation, Sum):
            return _Terms([name])
        return sum((self._parts(link.source) for link in node.links), _Terms())


def _key(terms: _Terms) -> frozenset[tuple[str, int]]:
    return frozenset(terms.items())


def _voters(weights: NDArray[Any]) -> int:
    """Size of the groups of successive inputs that a matrix averages; 0 if it does not average."""
    n_out, n_in = map(int, weights.shape)
    size = n_in // n_out
    if size < 2 or n_in % n_out or not np.allclose(weights, np.kron(np.eye(n_out), np.full((1, size), 1 / size))):
        return 0
    return size


def _padding(node: nir.Conv2d) -> Sequence[int] | int:
    if isinstance(node.padding, str):
        return 0 if node.padding == "valid" else [side // 2 for side in node.weight.shape[2:]]
    return _ints(node.padding)


def _ints(values: Any) -> list[int]:
    return [int(value) for value in np.atleast_1d(values)]

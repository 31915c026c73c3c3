"""Reader of NIR files (doi 10.1038/s41467-024-52259-9); the package nir is optional.

A NIR node adds its inputs: nodes that read the same several values read one sum. Files that neuronas exported say in
their metadata which sums there were. Nodes that scale each channel are folded into the layer before them.
"""

import json
from collections import Counter
from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from neuronas.errors import ConfigurationError, reading_as
from neuronas.importing.draft import UNSUPPORTED, Draft, convolution, linear, pooling
from neuronas.space.graph import Graph, Shape, Sum

_NEURONS = (nir.LIF, nir.IF, nir.CubaLIF, nir.Threshold)
_OWN = "neuronas-nir-1"
_Terms = Counter[str]


def read_nir(path: Path, input_shape: Shape | None) -> Graph:
    """Read a NIR file.

    Args:
        path: of the file.
        input_shape: [C, H, W]; None: as the file says.

    Raises:
        ConfigurationError: it holds what a layer graph cannot; names the node and its type.
        VerificationError: not a NIR file.
    """
    with reading_as("a NIR graph", path, LookupError, TypeError, RuntimeError, AssertionError):
        graph = nir.read(path)
    return _Reader(path, graph, input_shape).read()


class _Reader:
    """Converts a NIR graph."""

    def __init__(self, path: Path, graph: nir.NIRGraph, input_shape: Shape | None):
        self.draft, self.nodes, self.edges = Draft(str(path)), graph.nodes, graph.edges
        self.input_shape = input_shape
        about = graph.metadata if graph.metadata.get("format") == _OWN else {}
        with reading_as("a NIR graph with sums and order", path, TypeError):
            self.sums: dict[str, list[str]] = dict(json.loads(about.get("sums", "{}")))
            self.order: list[str] = list(json.loads(about.get("order", "[]")))
        self.known: dict[frozenset[tuple[str, int]], str] = {}
        """Names of values by what they are the sum of."""

    def read(self) -> Graph:
        """The layer graph."""
        for name in self._ordered():
            node = self.nodes[name]
            with self.draft.reading(name, type(node).__name__):
                if not isinstance(node, nir.Output) and not self._is_folded(name):
                    self._read(name, node)
                    self._make_sums()
        return self.draft.graph()

    def _ordered(self) -> list[str]:
        """All names, each behind those that it reads; else as neuronas wrote or the file has them."""
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
        """What a node adds up, with the number of times each is added, without folded nodes between."""
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
        node = self.nodes[name]
        if isinstance(node, nir.Scale | nir.Flatten):
            return True
        if not isinstance(node, nir.Conv2d) or node.metadata or node.weight.shape[2:] != (1, 1):
            return False
        weights = node.weight[:, :, 0, 0]
        is_scale = weights.shape[0] == weights.shape[1] and not (weights - np.diag(np.diag(weights))).any()
        return is_scale and (len(weights) > 1 or bool(self.order))

    def _read(self, name: str, node: nir.NIRNode) -> None:
        match node:
            case nir.Input():
                shape = self.input_shape or tuple(int(size) for size in node.input_type["input"])
                self._keep(self.draft.image(name, shape))
            case nir.Conv2d():
                groups = node.groups if node.groups > 1 else _groups(node.weight)
                kernel, stride, dilation = node.weight.shape[2:], _ints(node.stride), _ints(node.dilation)
                operation = convolution(len(node.weight), kernel, stride, _padding(node), dilation, groups)
                n_in = node.weight.shape[1] * node.groups // groups
                shape = (len(node.weight), n_in, *node.weight.shape[2:])
                self._keep(self.draft.weigh(name, operation, self._source(name), shape))
            case nir.Linear() | nir.Affine():
                if size := _voters(node.weight):
                    self._keep(self.draft.vote(name, size, self._source(name)))
                else:
                    shape = tuple(node.weight.shape)
                    self._keep(self.draft.weigh(name, linear(shape[0]), self._source(name), shape))
            case nir.AvgPool2d() | nir.SumPool2d():
                pool = pooling("mean", _ints(node.kernel_size), _ints(node.stride), _ints(node.padding))
                self._keep(self.draft.add(name, pool, self._source(name)))
            case _ if isinstance(node, _NEURONS):
                self._keep(self.draft.fire(name, self._source(name)))
            case _:
                raise ValueError(UNSUPPORTED)

    def _keep(self, name: str) -> None:
        self.known[_key(_Terms([name]))] = name

    def _source(self, name: str) -> str:
        """The one value that a node reads; a sum is made where it reads several."""
        terms = self._terms(name)
        if not terms:
            raise ValueError("no input given; expected at least one")
        if _key(terms) not in self.known:
            self.known[_key(terms)] = self.draft.add(f"{name}.sum", Sum(), *terms.elements())
        return self.known[_key(terms)]

    def _make_sums(self) -> None:
        """Add the sums of an exported file whose parts are all there."""
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


def _groups(weights: NDArray[Any]) -> int:
    """The most groups in which weights [out, in, k, k] fall apart."""
    n_out, n_in = weights.shape[:2]
    used = (weights != 0).any(axis=(2, 3))
    outputs, inputs = np.nonzero(used)
    for groups in range(gcd(n_out, n_in), 1, -1):
        if gcd(n_out, n_in) % groups == 0 and (outputs * groups // n_out == inputs * groups // n_in).all():
            return groups if len(outputs) else 1
    return 1


def _voters(weights: NDArray[Any]) -> int:
    """Size of the groups of successive inputs of which a matrix takes the mean; 0 if it does not."""
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

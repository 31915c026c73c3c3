"""Format ``nir``: the Neuromorphic Intermediate Representation (doi 10.1038/s41467-024-52259-9) in HDF5.

A NIR node adds its inputs, and NIR has no node that only adds: instead of the sum of a cell's node, each reader of the
sum gets an edge from each summand. A summand that occurs k times passes through a 1x1 convolution by k, since NIR does
not allow double edges. Batch normalisation after a convolution is folded into it; in front of the neurons of a
reduction or of the head, it is a separate diagonal 1x1 convolution. The metadata ``sums`` (JSON: the summands of each
sum) and ``order`` (JSON: all names) record what this conversion loses. NIR's LIF is tau dv/dt = (v_leak - v) + r x. One
step of Euler's method of length dt is::

    v + (dt / tau) * (r * x - (v - v_leak))

which is the neuron of this program if NIR's tau is its tau (in time steps) times dt, r = 1 and v_leak = v_reset. The
package nir is optional and imported only here. The written file is verified with SpikingJelly's importer.
"""

import json
from collections import Counter
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path

import nir
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from neuronas.config import LayerBits, write_bytes
from neuronas.errors import ConfigurationError, reading_as
from neuronas.export.content import ExportContent
from neuronas.export.interpreter import steps_of
from neuronas.export.verification import Computed
from neuronas.snn.bound_graph import Floats, NeuronArrays, WeightArrays
from neuronas.snn.quantisation import ungrouped
from neuronas.space.graph import Node
from neuronas.space.node_operations import Image, Neurons, Pool, Shape, Sum, Votes, Weights

_About = Mapping[str, NDArray[np.signedinteger] | Floats | None]
_INPUT, _OUTPUT = "image", "output"
_SHOWN = {False: "the same image at every time step", True: "an image of its own at every time step"}


def write_nir(content: ExportContent, path: Path) -> None:
    """Write a network as a NIR graph. Its input at each time step is the image, or the next one of a sequence.

    Raises:
        ConfigurationError: NIR cannot represent the network.
    """
    if content.network.graph.has_delays:
        raise ConfigurationError(
            "architecture with backward edges given; NIR has no delay of one time step; expected forward edges only, "
            "or --format integer or onnx"
        )
    file = BytesIO()  # HDF5 leaves a truncated file if the disk is full
    nir.write(file, _Dissolved(content).dissolved())
    write_bytes(path, file.getvalue())


def compute_nir(path: Path, images: Tensor) -> Computed:
    """Read a file with nir and compute images in float64 with SpikingJelly's importer.

    Images are [B, C, H, W], sequences [T, B, C, H, W].

    Raises:
        VerificationError: the file cannot be read or imported.
    """
    from spikingjelly.activation_based.nir_exchange import import_from_nir  # noqa: PLC0415 - imports nirtorch

    with reading_as("a NIR graph", path, KeyError, NotImplementedError, AssertionError):
        graph = nir.read(path)
        timesteps, dt = int(graph.metadata["timesteps"]), float(graph.metadata["dt_s"])
        network = import_from_nir(graph, dt=dt, dtype=torch.float64)
    state, scores = None, []
    with torch.no_grad():
        steps = steps_of(images.double())
        for number in range(timesteps):
            step, state = network(steps[number if len(steps) > 1 else 0], state)
            scores.append(step)
    return Computed(torch.stack(scores))


class _Dissolved:
    """Converts a layer graph to NIR nodes and edges."""

    def __init__(self, content: ExportContent):
        self.content, self.network, self.graph = content, content.network, content.network.graph
        self.nodes: dict[str, nir.NIRNode] = {}
        self.edges: list[tuple[str, str]] = []
        self.terms: dict[str, Counter[str]] = {}
        """For each node of the layer graph, the NIR nodes that it is the sum of, with their multiplicities."""
        self.sums: dict[str, list[str]] = {}

    def dissolved(self) -> nir.NIRGraph:
        content = self.content
        for node in self.graph.nodes:
            self.terms[node.name] = self._write(node)
        last = self.graph.nodes[-1]
        self._place(_OUTPUT, nir.Output(np.array(last.shape)), self.terms[last.name], last.shape)
        about = {
            "format": "neuronas-nir-1",
            **content.about,
            "weight_bits": _bits(content),
            "timesteps": self.network.timesteps,
            "dt_s": content.settings.dt_s,
            "pixel_mean": np.array(content.input.mean),
            "pixel_std": np.array(content.input.std),
            "input": f"(pixel / 255 - pixel_mean) / pixel_std, {_SHOWN[self.graph.is_sequence]}",
            "sequence": int(self.graph.is_sequence),
            "fires": "where v >= v_threshold",
            "sums": json.dumps(self.sums),
            "order": json.dumps(list(self.nodes)),
        }
        return nir.NIRGraph(self.nodes, self.edges, metadata=about)

    def _write(self, node: Node) -> Counter[str]:
        arriving: Counter[str] = Counter()
        for link in node.links:
            arriving += self.terms[link.source]
        before, name = self.graph.input_shape(node), _name(node)
        match node.operation:
            case Sum():
                if not arriving:
                    raise ConfigurationError(
                        f"node {node.name} without inputs given; NIR has no constants; expected --format integer, onnx"
                    )
                self.sums[name] = [_name(self.graph.by_name[link.source]) for link in node.links]
                return arriving
            case Image():
                return self._place(name, nir.Input(np.array(node.shape)), arriving, before)
            case Weights() as operation:
                return self._weigh(name, operation, self.network.weights[node.name], arriving, before)
            case Neurons():
                return self._fire(name, self.network.neurons[node.name], arriving, node.shape)
            case Pool(_, _, _, "max"):
                raise ConfigurationError(
                    f"node {node.name} given, which pools by maximum; NIR has no such node; expected mean pooling, or "
                    "--format integer or onnx"
                )
            case Pool(kernel, stride, padding):
                pool = nir.AvgPool2d(np.array(kernel), np.array(stride), np.array([padding, padding]))
                return self._place(name, pool, arriving, before)
            case Votes(size):
                mean = np.kron(np.eye(node.shape[0]), np.full((1, size), 1 / size))
                return self._place(name, nir.Linear(mean.astype(np.float32)), arriving, before)

    def _weigh(
        self, name: str, operation: Weights, weights: WeightArrays, arriving: Counter[str], before: Shape
    ) -> Counter[str]:
        values, offset = weights.folded
        step = None if weights.step is None else weights.step.reshape(-1)  # HDF5 does not compress scalars
        known: _About = {"codes": weights.codes, "step": step, "gain": weights.gain, "offset": weights.offset}
        about = {key: value for key, value in known.items() if value is not None}
        if operation.kernel:
            whole = ungrouped(values, operation.groups)  # importers do not support groups
            layer = _convolution(whole, offset, operation.stride, before, about, operation.n_padded)
            return self._place(name, layer, arriving, before)
        if len(before) > 1:
            flatten = nir.Flatten({"input": np.array(before)}, start_dim=0, end_dim=-1)
            arriving = self._place(f"{name}_flatten", flatten, arriving, before)
        size = (int(np.prod(before)),)
        return self._place(name, nir.Linear(values.astype(np.float32), metadata=dict(about)), arriving, size)

    def _fire(self, name: str, neurons: NeuronArrays, arriving: Counter[str], shape: Shape) -> Counter[str]:
        if neurons.gain is not None and neurons.offset is not None:
            norm = _convolution(_diagonal(neurons.gain), neurons.offset, 1, shape, {})
            arriving = self._place(f"{name}_norm", norm, arriving, shape)
        tau = neurons.tau * self.content.settings.dt_s
        threshold, reset = float(neurons.threshold), float(neurons.v_reset)
        lif = nir.LIF(
            tau=_full(shape, tau),
            r=_full(shape, 1.0),
            v_leak=_full(shape, neurons.v_rest),
            v_threshold=_full(shape, threshold),
            v_reset=_full(shape, reset),
        )
        return self._place(name, lif, arriving, shape)

    def _place(self, name: str, node: nir.NIRNode, arriving: Counter[str], shape: Shape) -> Counter[str]:
        """Add a node with the given inputs of ``shape``; an input that occurs k times is first multiplied by k."""
        self.nodes[name] = node
        for source, times in arriving.items():
            self.edges.append((source if times == 1 else self._times(source, times, shape), name))
        return Counter([name])

    def _times(self, source: str, times: int, shape: Shape) -> str:
        name = f"{source}_times_{times}"
        if name not in self.nodes:
            factor = np.full(shape[0], times)
            self._place(name, _convolution(_diagonal(factor), 0 * factor, 1, shape, {}), Counter([source]), shape)
        return name


def _bits(content: ExportContent) -> int | str:
    """Weight bits as metadata; by layer, under the names of the NIR nodes."""
    bits, nodes = content.weight_bits, content.network.graph.by_name
    return bits if isinstance(bits, int) else str(LayerBits(tuple((_name(nodes[key]), n) for key, n in bits.items)))


def _name(node: Node) -> str:
    return _INPUT if isinstance(node.operation, Image) else node.name.replace(".", "_")


def _convolution(
    weights: NDArray[np.floating],
    offset: NDArray[np.floating],
    stride: int,
    before: Shape,
    about: _About,
    padding: int = 0,
) -> nir.Conv2d:
    values, bias = weights.astype(np.float32), offset.astype(np.float32)
    return nir.Conv2d(before[1:], values, stride, padding, 1, 1, bias, metadata=dict(about))


def _diagonal(factors: NDArray[np.generic]) -> NDArray[np.floating]:
    return np.diag(factors.astype(np.float64))[:, :, None, None]


def _full(shape: Shape, value: float) -> NDArray[np.float64]:
    return np.full(shape, value)

"""Format ``integer``: a folder with ``network.json`` (``export.integer_document``) and ``weights.safetensors``."""

from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

from neuronas.config import bits_of, read_bytes, write_bytes, write_text
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export import integer_document as doc
from neuronas.export.content import ExportContent
from neuronas.export.interpreter import interpret
from neuronas.export.verification import Computed
from neuronas.snn.bound_graph import BoundGraph, NeuronArrays, WeightArrays
from neuronas.snn.decision import READOUT
from neuronas.space.graph import Graph, Link, Node
from neuronas.space.node_operations import Image, Neurons, NodeOperation, Pool, Sum, Votes, Weights
from neuronas.version import __version__

NETWORK_FILE = "network.json"
_INT8_BITS = 8
_MAX_WEIGHT_BYTES = 10_000_000_000
Tensors = dict[str, NDArray[np.generic]]


def write_integer(content: ExportContent, folder: Path) -> None:
    """Write integer weights, neurons, connections and crossbars of a network to a folder.

    Raises:
        ConfigurationError: the weights are not quantised.
    """
    tensors: Tensors = {}
    nodes = tuple(_node(node, content, tensors) for node in content.network.graph.nodes)
    weights = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    network = doc.NetworkDocument(
        format=doc.FORMAT,
        neuronas=__version__,
        architecture=content.architecture,
        weight_bits=content.weight_bits,
        timesteps=content.network.timesteps,
        input=content.input,
        class_names=content.class_names,
        readout=READOUT,
        weights_file=doc.WEIGHTS_FILE,
        weights_sha256=sha256(weights).hexdigest(),
        nodes=nodes,
        crossbars=content.crossbars,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / doc.WEIGHTS_FILE, weights)
    write_text(folder / NETWORK_FILE, network.model_dump_json() + "\n")


def read_integer(folder: Path) -> BoundGraph:
    """Read a network from its folder.

    Raises:
        VerificationError: a file is missing, damaged or changed, or the two files do not match.
    """
    network, path = doc.NetworkDocument.read(folder / NETWORK_FILE), folder / doc.WEIGHTS_FILE
    try:
        weights = read_bytes(path, _MAX_WEIGHT_BYTES)
    except OSError as error:
        raise VerificationError(f"{path}: cannot be read ({error.strerror})") from error
    if sha256(weights).hexdigest() != network.weights_sha256:
        raise VerificationError(f"{path}: does not match {NETWORK_FILE} (wrong SHA-256)")
    try:
        found = _read(network, load(weights))
        found.check()
    except (SafetensorError, LookupError, ValueError, TypeError) as error:
        raise VerificationError(f"{folder}: {NETWORK_FILE} and its tensors do not match ({error})") from error
    return found


def compute_integer(folder: Path, images: Tensor) -> Computed:
    """Compute the scores of images [B, C, H, W], or sequences [T, B, C, H, W], from a folder.

    Raises:
        VerificationError: see ``read_integer``.
    """
    found = interpret(read_integer(folder), images)
    return Computed(found.scores, found.n_spikes)


def _node(node: Node, content: ExportContent, tensors: Tensors) -> doc.AnyNode:
    name, shape = node.name, node.shape
    links = tuple(doc.LinkDocument(source=link.source, delayed=link.delayed) for link in node.links)

    def kept(what: str, values: NDArray[np.generic] | None) -> str | None:
        if values is None:
            return None
        tensors[f"{name}.{what}"] = values
        return f"{name}.{what}"

    match node.operation:
        case Weights(_, kernel, stride, groups) as operation:
            weights, bits = content.network.weights[name], bits_of(content.weight_bits, name)
            if weights.codes is None or weights.step is None:
                raise ConfigurationError(
                    f"weights of {bits} bits given in layer {name}; expected quantised weights for format integer: "
                    "train with --weight-bits 2 to 16, or export to nir or onnx"
                )
            kept("codes", weights.codes.astype(np.int8 if bits <= _INT8_BITS else np.int16))
            kept("step", weights.step.reshape(-1))
            return doc.WeightsNode(
                name=name, links=links, shape=shape,
                kernel=kernel, stride=stride, padding=operation.n_padded, groups=groups,
                codes=f"{name}.codes", step=f"{name}.step",
                gain=kept("gain", weights.gain), offset=kept("offset", weights.offset),
            )  # fmt: skip
        case Neurons():
            neurons = content.network.neurons[name].folded
            kept("threshold", neurons.threshold.reshape(-1))
            kept("v_reset", neurons.v_reset.reshape(-1))
            return doc.NeuronsNode(
                name=name, links=links, shape=shape, tau=neurons.tau, v_rest=neurons.v_rest,
                threshold=f"{name}.threshold", v_reset=f"{name}.v_reset", gain=kept("gain", neurons.gain),
            )  # fmt: skip
        case Pool(kernel_size, strides, padding, reduce):
            return doc.PoolNode(
                name=name, links=links, shape=shape,
                reduce=reduce, kernel=kernel_size, stride=strides, padding=padding,
            )  # fmt: skip
        case Votes(size):
            return doc.VotesNode(name=name, links=links, shape=shape, size=size)
        case Image():
            return doc.ImageNode(name=name, links=links, shape=shape, sequence=node.operation.sequence)
        case Sum():
            return doc.SumNode(name=name, links=links, shape=shape)


def _read(network: doc.NetworkDocument, tensors: Tensors) -> BoundGraph:
    nodes = network.nodes
    return BoundGraph(
        Graph(tuple(Node(node.name, _operation(node, tensors), _links(node), node.shape) for node in nodes)),
        network.timesteps,
        {node.name: _weights(node, tensors) for node in nodes if isinstance(node, doc.WeightsNode)},
        {node.name: _neurons(node, tensors) for node in nodes if isinstance(node, doc.NeuronsNode)},
    )


def _links(node: doc.AnyNode) -> tuple[Link, ...]:
    return tuple(Link(link.source, link.delayed) for link in node.links)


def _operation(node: doc.AnyNode, tensors: Tensors) -> NodeOperation:
    match node:
        case doc.WeightsNode(kernel=kernel, padding=padding):
            if padding != kernel // 2 or (kernel and kernel % 2 == 0):
                raise ValueError(
                    f"node '{node.name}' has kernel {kernel} and padding {padding}; expected odd k and padding k // 2"
                )
            return Weights(len(tensors[node.codes]), kernel, node.stride, node.groups, node.gain is not None)
        case doc.NeuronsNode():
            return Neurons(normalised=node.gain is not None)
        case doc.PoolNode():
            return Pool(node.kernel, node.stride, node.padding, node.reduce)
        case doc.VotesNode():
            return Votes(node.size)
        case doc.ImageNode():
            return Image(node.sequence)
        case doc.SumNode():
            return Sum()


def _weights(node: doc.WeightsNode, tensors: Tensors) -> WeightArrays:
    found, step = tensors[node.codes], _reals(tensors, node.step).astype(np.float32)
    if found.dtype not in (np.int8, np.int16):
        raise ValueError(f"tensor '{node.codes}' has type {found.dtype}; expected int8 or int16")
    if step.size not in (1, len(found)):
        raise ValueError(f"tensor '{node.step}' has {step.size} steps; expected 1 or {len(found)}")
    codes = found.astype(np.int32)
    values = codes * step.reshape(-1, *[1] * (codes.ndim - 1))
    gain, offset = _optional(tensors, node.gain), _optional(tensors, node.offset)
    return WeightArrays(values.astype(np.float32), codes, step, gain, offset)


def _neurons(node: doc.NeuronsNode, tensors: Tensors) -> NeuronArrays:
    threshold, v_reset = _reals(tensors, node.threshold), _reals(tensors, node.v_reset)
    return NeuronArrays(node.tau, threshold, v_reset, node.v_rest, _optional(tensors, node.gain))


def _optional(tensors: Tensors, name: str | None) -> NDArray[np.float64] | None:
    return None if name is None else _reals(tensors, name)


def _reals(tensors: Tensors, name: str) -> NDArray[np.float64]:
    values = tensors[name]
    if values.dtype.kind != "f" or not np.isfinite(values).all():
        raise ValueError(f"tensor '{name}' has type {values.dtype}; expected finite floating-point numbers only")
    return values.astype(np.float64)

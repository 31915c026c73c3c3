"""Format ``integer``: a folder with ``network.json`` (``export.document``) and ``weights.safetensors``."""

from hashlib import sha256
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import Tensor

from neuronas.config import read_bytes, read_json, write_bytes, write_text
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export import document as doc
from neuronas.export.content import READOUT, Content
from neuronas.export.graph import Graph, Image, Link, Neurons, Node, Operation, Pool, Sum, Votes, Weights
from neuronas.export.graph_check import check_graph
from neuronas.export.interpreter import interpret
from neuronas.export.verification import Computed
from neuronas.version import __version__

NETWORK_FILE = "network.json"
_INT8_BITS = 8
_MAX_BYTES, _MAX_WEIGHT_BYTES = 100_000_000, 10_000_000_000
Tensors = dict[str, NDArray[np.generic]]


def write_integer(content: Content, folder: Path) -> None:
    """Write a network's codes, neurons, connections and crossbars into a folder.

    Raises:
        ConfigurationError: its weights are not quantised.
    """
    tensors: Tensors = {}
    nodes = tuple(_node(node, tensors, content.weight_bits) for node in content.graph.nodes)
    weights = save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})
    network = doc.NetworkDocument(
        format=doc.FORMAT,
        neuronas=__version__,
        architecture=content.architecture,
        weight_bits=content.weight_bits,
        timesteps=content.graph.timesteps,
        input=doc.InputDocument(mean=content.mean, std=content.std),
        readout=READOUT,
        weights_file=doc.WEIGHTS_FILE,
        weights_sha256=sha256(weights).hexdigest(),
        nodes=nodes,
        crossbars=content.crossbars,
    )
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes(folder / doc.WEIGHTS_FILE, weights)
    write_text(folder / NETWORK_FILE, network.model_dump_json() + "\n")


def read_integer(folder: Path) -> Graph:
    """Read a network back from its folder alone.

    Raises:
        VerificationError: a file is missing, damaged or changed, or the two do not belong together.
    """
    read_json(folder / NETWORK_FILE)  # refuses what pydantic would take: a key given twice
    try:
        network = doc.NetworkDocument.model_validate_json(read_bytes(folder / NETWORK_FILE, _MAX_BYTES))
        weights = read_bytes(folder / network.weights_file, _MAX_WEIGHT_BYTES)
        if sha256(weights).hexdigest() != network.weights_sha256:
            raise VerificationError(
                f"{folder / network.weights_file}: is not the file that {NETWORK_FILE} was written with"
            )
        tensors = load(weights)
        graph = Graph(tuple(_read_node(node, tensors) for node in network.nodes), network.timesteps)
        check_graph(graph)
        return graph
    except OSError as error:
        raise VerificationError(f"{error.filename}: cannot be read ({error.strerror})") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise VerificationError(f"{folder / NETWORK_FILE}: {where}: {first['msg']}") from error
    except (SafetensorError, LookupError, ValueError, TypeError) as error:
        raise VerificationError(f"{folder}: {NETWORK_FILE} and its tensors do not belong together ({error})") from error


def compute_integer(folder: Path, images: Tensor) -> Computed:
    """Compute a batch from a folder alone.

    Raises:
        VerificationError: see ``read_integer``.
    """
    found = interpret(read_integer(folder), images)
    return Computed(found.scores, found.n_spikes)


def _node(node: Node, tensors: Tensors, bits: int) -> doc.AnyNode:
    name, shape = node.name, node.shape
    links = tuple(doc.LinkDocument(source=link.source, delayed=link.delayed) for link in node.links)

    def kept(what: str, values: NDArray[np.generic] | None) -> str | None:
        if values is None:
            return None
        tensors[f"{name}.{what}"] = values
        return f"{name}.{what}"

    match node.operation:
        case Weights() as weights:
            if weights.codes is None or weights.step is None:
                raise ConfigurationError(
                    f"weights of {bits} bits given; format integer wants quantised ones: train with --weight-bits 4 to "
                    "16, or export to nir or onnx"
                )
            kept("codes", weights.codes.astype(np.int8 if bits <= _INT8_BITS else np.int16))
            kept("step", weights.step.reshape(-1))
            return doc.WeightsNode(
                name=name, links=links, shape=shape,
                kernel=weights.kernel, stride=weights.stride, padding=weights.kernel // 2,
                codes=f"{name}.codes", step=f"{name}.step",
                gain=kept("gain", weights.gain), offset=kept("offset", weights.offset),
            )  # fmt: skip
        case Neurons() as neurons:
            folded = neurons.folded
            kept("threshold", folded.threshold.reshape(-1))
            kept("v_reset", folded.v_reset.reshape(-1))
            return doc.NeuronsNode(
                name=name, links=links, shape=shape,
                layer=folded.layer, tau=folded.tau, v_rest=folded.v_rest,
                threshold=f"{name}.threshold", v_reset=f"{name}.v_reset", gain=kept("gain", folded.gain),
            )  # fmt: skip
        case Pool(kernel, stride, padding):
            return doc.PoolNode(name=name, links=links, shape=shape, kernel=kernel, stride=stride, padding=padding)
        case Votes(size):
            return doc.VotesNode(name=name, links=links, shape=shape, size=size)
        case Image():
            return doc.ImageNode(name=name, links=links, shape=shape)
        case Sum():
            return doc.SumNode(name=name, links=links, shape=shape)


def _read_node(node: doc.AnyNode, tensors: Tensors) -> Node:
    links = tuple(Link(link.source, link.delayed) for link in node.links)
    return Node(node.name, _read_operation(node, tensors), links, node.shape)


def _read_operation(node: doc.AnyNode, tensors: Tensors) -> Operation:
    def reals(name: str) -> NDArray[np.float64]:
        values = tensors[name]
        if values.dtype.kind != "f" or not np.isfinite(values).all():
            raise ValueError(f"tensor '{name}' holds other values than finite floating-point numbers")
        return values.astype(np.float64)

    def tensor(name: str | None) -> NDArray[np.float64] | None:
        return None if name is None else reals(name)

    match node:
        case doc.WeightsNode():
            found, step = tensors[node.codes], reals(node.step).astype(np.float32)
            if found.dtype not in (np.int8, np.int16) or found.shape[2:] != (node.kernel,) * 2 * bool(node.kernel):
                raise ValueError(f"tensor '{node.codes}' holds no codes of a kernel of {node.kernel}")
            if found.ndim < 2 or node.padding != node.kernel // 2:
                raise ValueError(f"node '{node.name}' has other weights or another padding than its kernel")
            if step.size not in (1, len(found)):
                raise ValueError(f"node '{node.name}' has {len(found)} outputs, but {step.size} steps")
            codes = found.astype(np.int32)
            values = codes * step.reshape(-1, *[1] * (codes.ndim - 1))
            return Weights(values.astype(np.float32), codes, step, node.stride, tensor(node.gain), tensor(node.offset))
        case doc.NeuronsNode():
            threshold, v_reset = reals(node.threshold), reals(node.v_reset)
            return Neurons(node.layer, node.tau, threshold, v_reset, node.v_rest, tensor(node.gain))
        case doc.PoolNode():
            return Pool(node.kernel, node.stride, node.padding)
        case doc.VotesNode():
            return Votes(node.size)
        case doc.ImageNode():
            return Image()
        case doc.SumNode():
            return Sum()

"""Reader of ONNX files.

In files exported by neuronas, time steps are unrolled and the values of a node are named ``NODE/STEP``. The last step
is read; links to the previous step are read as delayed links. The package onnx is optional.
"""

from collections.abc import Container, Mapping
from dataclasses import replace
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from neuronas.errors import ConfigurationError, VerificationError, reading_as
from neuronas.importing.draft import Draft, ImageShape, checked, finished
from neuronas.importing.metadata import recorded
from neuronas.importing.onnx_nodes import NodeReader
from neuronas.snn.imported import ImportedNetwork
from neuronas.space.graph import Graph, Link, Node

_OWN = {"architecture", "timesteps"}
"""Metadata of a file exported by neuronas."""


def read_onnx(path: Path, shape: ImageShape) -> Graph:
    """Read the layers of an ONNX file; external files with weights are not read.

    Args:
        path: path of the file.
        shape: shape of the input image.

    Raises:
        ConfigurationError: a layer is unsupported; names the layer and its type.
        VerificationError: the file is not an ONNX file.
    """
    reader, _, about = _read(path, shape, with_arrays=False)
    if not about.keys() >= _OWN:
        return reader.draft.graph()
    nodes = _last_step(reader.draft, _timesteps(path, about))
    return checked(Graph(tuple(nodes.values())), str(path))


def read_onnx_arrays(path: Path, shape: ImageShape) -> ImportedNetwork:
    """Read an ONNX file with weights and neurons; see ``read_onnx``."""
    reader, outputs, about = _read(path, shape, with_arrays=True)
    draft = reader.draft
    if not about.keys() >= _OWN:
        if len(outputs) != 1:
            raise ConfigurationError(f"{path}: {len(outputs)} outputs given; expected one, the class scores")
        draft.output = reader.node_of(outputs[0])
        return draft.network()
    timesteps = _timesteps(path, about)
    places = {name: _place(name, draft.scalings) for name in draft.nodes}
    names = {one: name for one, (name, step) in places.items() if step in (None, timesteps - 1)}
    found = finished(
        str(path),
        _last_step(draft, timesteps),
        {names[one]: arrays for one, arrays in draft.weights.items() if one in names},
        {names[one]: rule for one, rule in draft.rules.items() if one in names},
        {names[one]: scaling for one, scaling in draft.scalings.items() if one in names},
    )
    return replace(found, recorded=recorded(str(path), about))


def _read(path: Path, shape: ImageShape, *, with_arrays: bool) -> tuple[NodeReader, list[str], Mapping[str, str]]:
    """All nodes, the names of the outputs, and the metadata."""
    with reading_as("an ONNX model", path, DecodeError, onnx.checker.ValidationError):
        model = onnx.load(path, load_external_data=with_arrays)
        onnx.checker.check_model(str(path))
    names = (name for node in model.graph.node for name in (node.name, *node.input, *node.output))
    if not all(isinstance(name, str) for name in names):  # protobuf returns bytes if they are not valid UTF-8
        raise VerificationError(f"{path}: cannot be read as an ONNX model (names that are not valid UTF-8)")
    about = {one.key: one.value for one in model.metadata_props}
    timesteps = _timesteps(path, about) if about.keys() >= _OWN else None
    reader = NodeReader(str(path), model.graph, shape, with_arrays=with_arrays, timesteps=timesteps)
    for node in model.graph.node:
        reader.read(node)
    return reader, [one.name for one in model.graph.output], about


def _timesteps(path: Path, about: Mapping[str, str]) -> int:
    timesteps = about["timesteps"]
    if not timesteps.isdecimal() or timesteps == "0":
        raise VerificationError(f"{path}: timesteps '{timesteps}' given; expected a number from 1")
    return int(timesteps)


def _last_step(draft: Draft, timesteps: int) -> dict[str, Node]:
    """The nodes of the last time step of an exported network, from those of all time steps."""
    found: dict[str, Node] = {}
    for node in draft.nodes.values():
        name, step = _place(node.name, draft.scalings)
        if step not in (None, timesteps - 1):
            continue
        links: list[Link] = []
        for link in node.links:
            source, before = _place(link.source, draft.scalings)
            is_part = (source, before) == (name, step)  # of a sum of several values, which ONNX adds in pairs
            links += found[source].links if is_part else [Link(source, delayed=before not in (None, step))]
        found.pop(name, None)
        found[name] = Node(name, node.operation, tuple(links), node.shape)
    return found


def _place(value: str, scalings: Container[str]) -> tuple[str, int | None]:
    """The node and the time step that a value belongs to; None if it is the same at every step.

    The name of a node that only scales includes its part, such as ``gain``.
    """
    name, *rest = value.split("/")
    step = int(rest[0]) if rest and rest[0].isdecimal() else None
    return "/".join((name, *rest[-1:])) if value in scalings else name, step

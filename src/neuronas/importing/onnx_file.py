"""Reader of ONNX files.

In a file that neuronas exported, time steps are unrolled and the values of a node are called ``NODE/STEP``; the last
step is read, with delayed links where it reads the step before. The package onnx is optional.
"""

from pathlib import Path

import onnx
from google.protobuf.message import DecodeError

from neuronas.errors import VerificationError, reading_as
from neuronas.importing.draft import Draft, checked
from neuronas.importing.onnx_nodes import NodeReader
from neuronas.space.graph import Graph, Link, Node, Shape

_OWN = {"architecture", "timesteps"}
"""Metadata of a file that neuronas exported."""


def read_onnx(path: Path, input_shape: Shape | None) -> Graph:
    """Read an ONNX file; weights may lie in other files, which are not read.

    Args:
        path: of the file.
        input_shape: [C, H, W]; None: as the file says.

    Raises:
        ConfigurationError: it holds what a layer graph cannot; names the layer and its type.
        VerificationError: not an ONNX file.
    """
    with reading_as("an ONNX model", path, DecodeError, onnx.checker.ValidationError):
        model = onnx.load(path, load_external_data=False)
        onnx.checker.check_model(str(path))
    reader = NodeReader(str(path), model.graph, input_shape)
    for node in model.graph.node:
        reader.read(node)
    about = {one.key: one.value for one in model.metadata_props}
    if not about.keys() >= _OWN:
        return reader.draft.graph()
    return checked(_last_step(reader.draft, about["timesteps"]), str(path))


def _last_step(draft: Draft, timesteps: str) -> Graph:
    """One time step of an exported network, from those of all."""
    if not timesteps.isdecimal() or timesteps == "0":
        raise VerificationError(f"{draft.source}: timesteps '{timesteps}' given; expected a number from 1")
    found: dict[str, Node] = {}
    for node in draft.nodes.values():
        name, step = _place(node.name)
        if step not in (None, int(timesteps) - 1):
            continue
        links: list[Link] = []
        for link in node.links:
            source, before = _place(link.source)
            is_part = (source, before) == (name, step)  # of a sum of several, which ONNX adds two at a time
            links += found[source].links if is_part else [Link(source, delayed=before not in (None, step))]
        found.pop(name, None)
        found[name] = Node(name, node.operation, tuple(links), node.shape)
    return Graph(tuple(found.values()))


def _place(value: str) -> tuple[str, int | None]:
    """The node and the time step that a value belongs to; None where it is the same at every step."""
    name, *rest = value.split("/")
    return name, int(rest[0]) if rest and rest[0].isdecimal() else None

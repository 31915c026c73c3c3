"""Format ``onnx``: one file, from images to the class scores of every time step; the time steps are unrolled.

Quantised weights stay integers (``DequantizeLinear``). Batch normalisation is a separate scale and shift per channel,
so that a runtime computes the same sums as a chip. onnx and onnxruntime are optional and imported only here.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

from neuronas.config import FULL_PRECISION, WeightBits, bits_of, distinct_bits, precision_text, write_bytes
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.export.content import ExportContent
from neuronas.export.unrolled import Unrolled
from neuronas.export.verification import Computed
from neuronas.snn.bound_graph import BoundGraph, Floats, NeuronArrays, WeightArrays
from neuronas.space.node_operations import Pool, Shape, Weights

_INT16_OPSET = 21
"""First opset with ``DequantizeLinear`` for 16-bit codes."""
_LOWEST_OPSET = 18  # ReduceMean with its axes as an input
_INT8_BITS = 8


def write_onnx(content: ExportContent, path: Path) -> None:
    """Write a network as an ONNX model: normalised ``images`` [B, C, H, W] -> ``scores`` [T, B, n_classes].

    If the network reads sequences, ``images`` are [T, B, C, H, W].
    """
    network, nodes = content.network, content.network.graph.nodes
    writer = _OnnxWriter(network, content.weight_bits)
    writer.write()
    image, n_classes = nodes[0].shape, nodes[-1].shape[0]
    steps = [network.timesteps] if network.graph.is_sequence else []
    body = helper.make_graph(
        writer.nodes,
        "neuronas",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [*steps, "batch", *image])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [network.timesteps, "batch", n_classes])],
        list(writer.constants.values()),
    )
    imports = [helper.make_opsetid("", _opset(content))]
    model = helper.make_model(body, opset_imports=imports, ir_version=helper.find_min_ir_version_for(imports))
    about = {
        **content.about,
        "weight_bits": str(content.weight_bits),
        "timesteps": str(network.timesteps),
        "pixel_mean": " ".join(map(str, content.input.mean)),
        "pixel_std": " ".join(map(str, content.input.std)),
    }
    helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())


def _opset(content: ExportContent) -> int:
    """The requested opset version.

    Raises:
        ConfigurationError: it lacks operators that the network needs, or the installed onnx does not support it.
    """
    wide = [bits for bits in distinct_bits(content.weight_bits) if _INT8_BITS < bits < FULL_PRECISION]
    lowest = _INT16_OPSET if wide else _LOWEST_OPSET
    highest, given = onnx.defs.onnx_opset_version(), content.settings.opset
    if not lowest <= given <= highest:
        bits = precision_text(content.weight_bits)
        raise ConfigurationError(f"--opset {given} given for weights of {bits}; expected {lowest} to {highest}")
    return given


def compute_onnx(path: Path, images: Tensor) -> Computed:
    """Compute images [B, C, H, W], or sequences [T, B, C, H, W], with onnxruntime on the CPU.

    Raises:
        VerificationError: onnxruntime cannot run the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (scores,) = session.run(["scores"], {"images": images.numpy()})
    except Exception as error:  # onnxruntime has no common base class of its errors
        raise VerificationError(f"{path}: onnxruntime cannot run it ({error})") from error
    return Computed(torch.from_numpy(scores))


class _OnnxWriter(Unrolled[str, WeightArrays, NeuronArrays]):
    """Writes the nodes of all time steps; a value is the name of an ONNX value."""

    def __init__(self, network: BoundGraph, weight_bits: WeightBits):
        super().__init__(network)
        self.weight_bits = weight_bits
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}
        self.held: set[str] = set()

    def write(self) -> None:
        """Write all time steps and concatenate their scores."""
        axes = self._constant("axis0", np.array([0], np.int64))
        images = ["images"]
        if self.network.graph.is_sequence:
            numbers = [self._constant(f"step {step}", np.array(step)) for step in range(self.network.timesteps)]
            images = [
                self._node("Gather", ["images", number], f"images/{step}", {"axis": 0})
                for step, number in enumerate(numbers)
            ]
        scores = [
            self._node("Unsqueeze", [score, axes], f"scores/{step}/step")
            for step, score in enumerate(self.scores(images))
        ]
        self._node("Concat", scores, "scores", {"axis": 0})

    def zeros(self, shape: Shape, name: str) -> str:
        axis = int(self.network.graph.is_sequence)
        batch = self._node("Shape", ["images"], f"{name}/batch", {"start": axis, "end": axis + 1})
        own = self._constant(f"{name}/shape", np.array(shape, np.int64))
        return self._node("ConstantOfShape", [self._node("Concat", [batch, own], f"{name}/size", {"axis": 0})], name)

    def add(self, x: str, y: str, name: str) -> str:
        return self._node("Add", [x, y], name)

    def weigh(self, operation: Weights, weights: WeightArrays, x: str, node: str, name: str) -> str:
        held = self._held(weights, node)
        if operation.kernel:
            padding, stride = [operation.n_padded] * 4, [operation.stride] * 2
            window = {"pads": padding, "strides": stride, "group": operation.groups}
            y = self._node("Conv", [x, held], f"{name}/product", window)
        else:
            flat = self._node("Flatten", [x], f"{name}/flat", {"axis": 1})
            y = self._node("Gemm", [flat, held], f"{name}/product", {"transB": 1})
        return self._affine(weights.gain, weights.offset, y, node, name)

    def fire(self, neurons: NeuronArrays, x: str, v: str | None, node: str, name: str) -> tuple[str, str]:
        x = self._affine(neurons.gain, neurons.offset, x, node, name)
        rest, reset = (self._number(float(value)) for value in (neurons.v_rest, neurons.v_reset))
        v = v or reset
        above = self._node("Sub", [v, rest], f"{name}/above")
        drive = self._node("Sub", [x, above], f"{name}/drive")
        change = self._node("Div", [drive, self._number(neurons.tau)], f"{name}/change")
        h = self._node("Add", [v, change], f"{name}/h")
        fires = self._node("GreaterOrEqual", [h, self._number(float(neurons.threshold))], f"{name}/fires")
        after = self._node("Where", [fires, reset, h], f"{name}/v")
        return self._node("Cast", [fires], name, {"to": TensorProto.FLOAT}), after

    def pool(self, operation: Pool, x: str, node: str, name: str) -> str:
        window = {"kernel_shape": operation.kernel, "strides": operation.stride, "pads": [operation.padding] * 4}
        if operation.reduce == "max":
            return self._node("MaxPool", [x], name, window)
        return self._node("AveragePool", [x], name, {**window, "count_include_pad": 1})

    def vote(self, size: int, x: str, name: str) -> str:
        shape = self._constant("votes", np.array([0, -1, size], np.int64))
        votes = self._node("Reshape", [x, shape], f"{name}/votes")
        axes = self._constant("axis2", np.array([2], np.int64))
        return self._node("ReduceMean", [votes, axes], name, {"keepdims": 0})

    def _held(self, weights: WeightArrays, node: str) -> str:
        name = f"{node}.weights"
        if weights.codes is None or weights.step is None:
            return self._constant(name, weights.values)
        if name not in self.held:  # written once for all time steps
            self.held.add(name)
            step = weights.step.reshape(-1) if weights.step.size > 1 else weights.step.reshape(())
            code_type = np.int8 if bits_of(self.weight_bits, node) <= _INT8_BITS else np.int16
            codes = self._constant(f"{name}.codes", weights.codes.astype(code_type))
            self._node("DequantizeLinear", [codes, self._constant(f"{name}.step", step)], name, {"axis": 0})
        return name

    def _affine(self, gain: Floats | None, offset: Floats | None, x: str, node: str, name: str) -> str:
        for operation, what, values in (("Mul", "gain", gain), ("Add", "offset", offset)):
            if values is not None:
                constant = self._constant(f"{node}.{what}", values.astype(np.float32).reshape(-1, 1, 1))
                x = self._node(operation, [x, constant], f"{name}/{what}")
        return x

    def _number(self, value: float) -> str:
        return self._constant(f"number {value!r}", np.array(value, np.float32))

    def _constant(self, name: str, values: NDArray[np.generic]) -> str:
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def _node(
        self,
        operation: str,
        inputs: Sequence[str],
        output: str,
        attributes: Mapping[str, object] = MappingProxyType({}),
    ) -> str:
        node = helper.make_node(operation, inputs, [output], name=output)
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(node)
        return output

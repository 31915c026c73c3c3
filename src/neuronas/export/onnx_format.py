"""Format ``onnx``: one file, images in, class scores at every time step out; the time steps are unrolled.

Quantised weights stay integers (``DequantizeLinear``). Batch normalisation stands behind them as a factor and a summand
for each channel, so that a runtime adds up what a chip adds up. onnx and onnxruntime are extras and imported only here.
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

from neuronas.config import write_bytes
from neuronas.errors import VerificationError
from neuronas.export.bound_graph import BoundGraph, Floats, WeightArrays
from neuronas.export.formats import READOUT, Content
from neuronas.export.verification import Computed
from neuronas.space.graph import Image, Neurons, Node, Pool, Sum, Votes, Weights

_OPSET, _IR_VERSION = 21, 10  # 21 is the first in which 16-bit codes can be dequantised
_INT8_BITS = 8
_Values = dict[str, str | None]
"""Node of the layer graph -> name of its ONNX value; None where nothing has come yet."""


def write_onnx(content: Content, path: Path) -> None:
    """Write a network as an ONNX model: ``images`` [B, C, H, W], normalised -> ``scores`` [T, B, n_classes]."""
    network, nodes = content.network, content.network.graph.nodes
    steps = _Unrolled(network, content.weight_bits).steps()
    image, n_classes = nodes[0].shape, nodes[-1].shape[0]
    body = helper.make_graph(
        steps.nodes,
        "neuronas",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["batch", *image])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [network.timesteps, "batch", n_classes])],
        steps.constants,
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR_VERSION)
    about = {
        "architecture": content.architecture,
        "weight_bits": str(content.weight_bits),
        "timesteps": str(network.timesteps),
        "pixel_mean": " ".join(map(str, content.mean)),
        "pixel_std": " ".join(map(str, content.std)),
        "readout": READOUT,
    }
    helper.set_model_props(model, about)
    onnx.checker.check_model(model, full_check=True)
    write_bytes(path, model.SerializeToString())


def compute_onnx(path: Path, images: Tensor) -> Computed:
    """Compute a batch with onnxruntime, on the CPU.

    Raises:
        VerificationError: the runtime refuses the file.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        (scores,) = session.run(["scores"], {"images": images.numpy()})
    except Exception as error:  # onnxruntime has no common base for its errors
        raise VerificationError(f"{path}: onnxruntime cannot run it ({error})") from error
    return Computed(torch.from_numpy(scores))


class _Unrolled:
    """Writes the time steps of a network, one after another."""

    def __init__(self, network: BoundGraph, weight_bits: int):
        self.network, self.graph = network, network.graph
        self.code_type = np.dtype(np.int8 if weight_bits <= _INT8_BITS else np.int16)
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.known: set[str] = set()
        self.potentials: dict[str, str] = {}

    def steps(self) -> "_Unrolled":
        """Write all steps and join their scores."""
        static = self.graph.static
        fixed: _Values = {"image": "images"}
        before: _Values = {}
        scores = []
        for t in range(self.network.timesteps):
            now = fixed.copy()
            for node in self.graph.nodes:
                if node.name not in now:
                    now[node.name] = self._value(
                        node, now, before, node.name if node.name in static else f"{node.name}/{t}"
                    )
            fixed, before = {name: now[name] for name in static}, now
            axes = self._constant("axis0", np.array([0], np.int64))
            scores.append(self._node("Unsqueeze", [now[self.graph.nodes[-1].name] or "", axes], f"scores/{t}/step"))
        self._node("Concat", scores, "scores", {"axis": 0})
        return self

    def _value(self, node: Node, now: _Values, before: _Values, name: str) -> str | None:
        summands = [(before if link.delayed else now).get(link.source) for link in node.links]
        given = [one for one in summands if one is not None]
        if not given:
            return self._zeros(node.shape, name) if isinstance(node.operation, Sum) else None
        x = given[0]
        for number, one in enumerate(given[1:]):
            x = self._node("Add", [x, one], f"{name}/sum{number}")
        match node.operation:
            case Weights() as weights:
                return self._weigh(weights, node.name, x, name)
            case Neurons():
                return self._fire(node.name, x, name)
            case Pool(kernel, stride, padding, reduce):
                window = {"kernel_shape": kernel, "strides": stride, "pads": [padding] * 4}
                if reduce == "max":
                    return self._node("MaxPool", [x], name, window)
                return self._node("AveragePool", [x], name, {**window, "count_include_pad": 1})
            case Votes(size):
                shape = self._constant("votes", np.array([0, -1, size], np.int64))
                votes = self._node("Reshape", [x, shape], f"{name}/votes")
                return self._node(
                    "ReduceMean", [votes, self._constant("axis2", np.array([2], np.int64))], name, {"keepdims": 0}
                )
            case Sum() | Image():
                return x

    def _weigh(self, operation: Weights, own: str, x: str, name: str) -> str:
        weights = self.network.weights[own]
        held = self._held(weights, own)
        if operation.kernel:
            padding, stride = [operation.kernel // 2] * 4, [operation.stride] * 2
            window = {"pads": padding, "strides": stride, "group": operation.groups}
            y = self._node("Conv", [x, held], f"{name}/product", window)
        else:
            flat = self._node("Flatten", [x], f"{name}/flat", {"axis": 1})
            y = self._node("Gemm", [flat, held], f"{name}/product", {"transB": 1})
        return self._affine(weights.gain, weights.offset, own, y, name)

    def _held(self, weights: WeightArrays, own: str) -> str:
        name = f"{own}.weights"
        if weights.codes is None or weights.step is None:
            return self._constant(name, weights.values)
        if name not in self.known:
            self.known.add(name)
            step = weights.step.reshape(-1) if weights.step.size > 1 else weights.step.reshape(())
            inputs = [
                self._constant(f"{own}.codes", weights.codes.astype(self.code_type)),
                self._constant(f"{own}.step", step),
            ]
            self._node("DequantizeLinear", inputs, name, {"axis": 0})
        return name

    def _affine(self, gain: Floats | None, offset: Floats | None, own: str, x: str, name: str) -> str:
        for operation, what, values in (("Mul", "gain", gain), ("Add", "offset", offset)):
            if values is not None:
                constant = self._constant(f"{own}.{what}", values.astype(np.float32).reshape(-1, 1, 1))
                x = self._node(operation, [x, constant], f"{name}/{what}")
        return x

    def _fire(self, own: str, x: str, name: str) -> str:
        neurons = self.network.neurons[own]
        x = self._affine(neurons.gain, neurons.offset, own, x, name)
        rest, reset = (self._number(float(value)) for value in (neurons.v_rest, neurons.v_reset))
        v = self.potentials.get(own, reset)
        above = self._node("Sub", [v, rest], f"{name}/above")
        change = self._node(
            "Div", [self._node("Sub", [x, above], f"{name}/drive"), self._number(neurons.tau)], f"{name}/change"
        )
        h = self._node("Add", [v, change], f"{name}/h")
        fires = self._node("GreaterOrEqual", [h, self._number(float(neurons.threshold))], f"{name}/fires")
        self.potentials[own] = self._node("Where", [fires, reset, h], f"{name}/v")
        return self._node("Cast", [fires], name, {"to": TensorProto.FLOAT})

    def _zeros(self, shape: Sequence[int], name: str) -> str:
        whole = self._node("Shape", ["images"], f"{name}/batch", {"start": 0, "end": 1})
        size = self._node(
            "Concat", [whole, self._constant(f"{name}/shape", np.array(shape, np.int64))], f"{name}/size", {"axis": 0}
        )
        return self._node("ConstantOfShape", [size], name)

    def _number(self, value: float) -> str:
        return self._constant(f"number {value!r}", np.array(value, np.float32))

    def _constant(self, name: str, values: NDArray[np.generic]) -> str:
        if name not in self.known:
            self.known.add(name)
            self.constants.append(numpy_helper.from_array(np.array(values, order="C"), name))
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

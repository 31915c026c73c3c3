"""Finds LIF neurons in an ONNX graph by their equations, as ``neuronas export`` writes them.

With v, the potential before the time step, and x, the input::

    above = Sub(v, rest); drive = Sub(x, above); change = Div(drive, tau); h = Add(v, change)
    fires = GreaterOrEqual(h, threshold); v after the step = Where(fires, reset, h)
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import onnx

from neuronas.importing.onnx_constants import Constant
from neuronas.snn.imported import SpikeRule

_PARTS = 4


@dataclass(frozen=True)
class LifNames:
    """Names of the values of a layer of LIF neurons.

    Attributes:
        tau: membrane time constant.
        threshold: firing threshold.
        reset: potential after a spike.
        rest: resting potential.
        inner: values between input and spikes, and the potential after the time step.
    """

    tau: str
    threshold: str
    reset: str
    rest: str
    inner: tuple[str, ...]

    def rule(self, given: Callable[[str], object]) -> SpikeRule:
        """The neurons' parameters.

        Args:
            given: returns a value by its name.

        Raises:
            ValueError: one of them is not constant.
        """
        values = [given(name) for name in (self.tau, self.threshold, self.reset, self.rest)]
        constants = [one.needed for one in values if isinstance(one, Constant)]
        if len(constants) < len(values):
            raise ValueError("LIF neurons with computed parameters given; expected constants")
        tau, threshold, reset, rest = constants
        return SpikeRule(tau, threshold, reset, rest)


def find_lif(graph: onnx.GraphProto) -> Mapping[str, LifNames]:
    """All layers of LIF neurons by the name of the value that holds their spikes."""
    makers = {name: node for node in graph.node for name in node.output}
    resets = {node.input[0]: node for node in graph.node if node.op_type == "Where"}
    return dict(_found(graph, makers, resets))


def _found(
    graph: onnx.GraphProto, makers: Mapping[str, onnx.NodeProto], resets: Mapping[str, onnx.NodeProto]
) -> Iterator[tuple[str, LifNames]]:
    for fires in graph.node:
        if fires.op_type != "GreaterOrEqual" or fires.output[0] not in resets:
            continue
        h, after = fires.input[0], resets[fires.output[0]]
        parts, name = [], h
        for kind, position in (("Add", 1), ("Div", 0), ("Sub", 1), ("Sub", 0)):
            node = makers.get(name)
            if node is None or node.op_type != kind:
                break
            parts.append(node)
            name = node.input[position]
        if len(parts) < _PARTS:
            continue
        add, divide, _, above = parts
        if add.input[0] == above.input[0] and after.input[2] == h:
            inner = (*(node.output[0] for node in (*parts, after)), fires.output[0])
            tau, rest = divide.input[1], above.input[1]
            yield fires.output[0], LifNames(tau, fires.input[1], after.input[1], rest, inner)

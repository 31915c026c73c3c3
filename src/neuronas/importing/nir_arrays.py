"""Weights, scales and firing rules of NIR nodes."""

from collections.abc import Callable
from functools import partial
from math import gcd
from typing import Any

import nir
import numpy as np
from numpy.typing import NDArray

from neuronas.snn.bound_graph import Floats, WeightArrays
from neuronas.snn.imported import Scaling, SpikeRule
from neuronas.snn.quantisation import ungrouped
from neuronas.space.node_operations import Shape


def weights_of(node: nir.NIRNode, groups: int) -> WeightArrays:
    """Weights and bias; for files exported by neuronas, codes, step and batch normalisation.

    Args:
        node: a convolution or matrix.
        groups: number of independent groups of the weights.
    """
    about, n_own = node.metadata, getattr(node, "groups", 1)
    if "codes" in about and "step" in about:
        codes, step = np.asarray(about["codes"], np.int32), np.asarray(about["step"], np.float32)
        if codes.ndim == 4:
            codes = grouped(ungrouped(codes, node.weight.shape[1] // codes.shape[1]), groups)
        gain, offset = (None if about.get(key) is None else np.asarray(about[key]) for key in ("gain", "offset"))
        values = codes * step.reshape(-1, *[1] * (codes.ndim - 1))
        return WeightArrays(values.astype(np.float32), codes, step, gain, offset)
    values = np.asarray(node.weight, np.float32)
    if n_own != groups:
        values = grouped(ungrouped(values, n_own), groups)
    bias = getattr(node, "bias", None)
    return WeightArrays(values, offset=None if bias is None else np.broadcast_to(bias, len(values)).astype(np.float64))


def scaling_of(node: nir.NIRNode) -> Callable[[Shape], Scaling]:
    """Scaling of a scale node, or of a 1x1 convolution with a diagonal matrix."""
    if isinstance(node, nir.Scale):
        return partial(Scaling.of, np.asarray(node.scale), 0.0)
    gain, offset = np.diag(node.weight[:, :, 0, 0]), np.broadcast_to(node.bias, len(node.weight))
    return lambda shape: Scaling.of_channels(gain, offset, shape)


def rule_of(node: nir.NIRNode, dt_s: float) -> tuple[SpikeRule, Floats]:
    """Firing rule of neurons, by Euler's method, and the factor of their input.

    Args:
        node: the neurons.
        dt_s: length of a time step, s.

    Raises:
        ValueError: the neurons cannot be simulated, or a time constant is shorter than a time step.
    """
    none = np.array(0.0)
    match node:
        case nir.LIF():
            tau = _uniform(node.tau) / dt_s
            if not (tau >= 1 - 1e-6).all():
                raise ValueError(
                    f"time constant of {float(tau.min()):.3g} time steps of {dt_s:g} s given; expected 1 or more"
                )
            rest = _uniform(node.v_leak)
            return SpikeRule(tau, _uniform(node.v_threshold), _uniform(node.v_reset), rest), _uniform(node.r)
        case nir.IF():
            threshold, reset = _uniform(node.v_threshold), _uniform(node.v_reset)
            return SpikeRule(None, threshold, reset, reset), _uniform(node.r) * dt_s
        case nir.Threshold():  # keeps no state between time steps
            return SpikeRule(np.array(1.0), _uniform(node.threshold), none, none), np.array(1.0)
    raise ValueError("neurons with synaptic currents cannot be simulated; expected LIF, IF or Threshold")


def n_groups(weights: NDArray[Any]) -> int:
    """Largest number of independent groups in weights [out, in, k, k]."""
    n_out, n_in = weights.shape[:2]
    used = (weights != 0).any(axis=(2, 3))
    outputs, inputs = np.nonzero(used)
    for groups in range(gcd(n_out, n_in), 1, -1):
        if gcd(n_out, n_in) % groups == 0 and (outputs * groups // n_out == inputs * groups // n_in).all():
            return groups if len(outputs) else 1
    return 1


def grouped(weights: NDArray[Any], groups: int) -> NDArray[Any]:
    """Weights [out, in, k, k] without the zeros between groups: [out, in / groups, k, k]."""
    parts = [np.split(one, groups, axis=1)[number] for number, one in enumerate(np.split(weights, groups, axis=0))]
    return np.concatenate(parts)


def _uniform(values: NDArray[Any]) -> Floats:
    """A single number if all values are equal, otherwise the values."""
    numbers = np.asarray(values, np.float64)
    return numbers.reshape(-1)[0] * np.ones(()) if (numbers == numbers.flat[0]).all() else numbers

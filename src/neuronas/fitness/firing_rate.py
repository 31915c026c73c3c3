"""Forecast of firing rates after training, from the layer graph alone: no images, no weights, no torch.

Batch normalisation determines the distribution of a convolution's output: over images, pixels and channels it is
assumed normal with mean m and standard deviation s; a convolution of the image has standard deviation s_image. Then

    sum at a node        means add; a value that occurs c times counts c times, different convolutions are independent
    mean of n values     standard deviation times sqrt((1 + (n - 1) r) / n); r: correlation of neighbouring pixels
    maximum of n values  mean + s sqrt(1 - r) E_n, standard deviation times sqrt(r + (1 - r) V_n), where E_n and V_n are
                         mean and variance of the largest of n independent standard normal values
    firing rate          sum over k = 1 … T of (floor(T / k) - floor(T / (k + 1))) / T P(x >= threshold / (1 - d^k))

The last line is exact for an input x that is equal at all T time steps: with d = 1 - 1/tau, a LIF neuron at rest
reaches the threshold at step k if x (1 - d^k) does, and is then reset. The threshold is relative to the reset
potential. After feedback each time step has its own sum, and the rate is the mean over time steps.

The four constants are in ``calibration.json``; nothing else is fitted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import erf, erfc, exp, pi, prod, sqrt

from neuronas.errors import ConfigurationError
from neuronas.space.graph import Link, Node
from neuronas.space.node_operations import Image, Neurons, Pool, Weights


@dataclass(frozen=True)
class RateConstants:
    """m, s, s_image and r of the equations above; potentials in units of the neuron's input."""

    mean: float
    deviation: float
    image_deviation: float
    correlation: float


@dataclass(frozen=True)
class LifNeuron:
    """Parameters of the neuron and the number of time steps; names as in ``snn.neuron``."""

    tau: float
    v_threshold: float
    v_reset: float
    timesteps: int


@dataclass(frozen=True)
class _Signal:
    """A value: its mean, and for each independent part its multiplicity and standard deviation."""

    mean: float
    parts: Mapping[str, tuple[float, float]]

    @property
    def deviation(self) -> float:
        return sqrt(sum((times * own) ** 2 for times, own in self.parts.values()))

    def scaled(self, factor: float, shift: float = 0.0) -> "_Signal":
        return _Signal(self.mean + shift, {name: (times * factor, own) for name, (times, own) in self.parts.items()})


def forecast_rates(nodes: Sequence[Node], neuron: LifNeuron, constants: RateConstants) -> dict[str, float]:
    """Forecast the firing rate of each LIF layer: spikes per neuron per time step, 0 to 1.

    Args:
        nodes: nodes of a layer graph, in order. Links to missing nodes are ignored; neurons without any input have no
            rate.
        neuron: parameters of the neurons.
        constants: constants of the equations.

    Returns:
        firing rates by the name of the neurons' node.

    Raises:
        ConfigurationError: the threshold is not above the reset potential.
    """
    if neuron.v_threshold <= neuron.v_reset:
        raise ConfigurationError(
            f"v_threshold {neuron.v_threshold:g} and v_reset {neuron.v_reset:g} given with activity forecast; "
            "expected a threshold above the reset potential"
        )
    n_steps = neuron.timesteps if any(link.delayed for node in nodes for link in node.links) else 1
    totals: dict[str, float] = {}
    signals: dict[str, _Signal] = {}
    for _ in range(n_steps):
        signals, rates = _step(nodes, signals, neuron, constants)
        for name, rate in rates.items():
            totals[name] = totals.get(name, 0.0) + rate / n_steps
    return totals


def input_rates(nodes: Sequence[Node], rates: Mapping[str, float]) -> dict[str, float]:
    """Share of nonzero inputs of each layer that has weights and reads spikes, as measured by ``neuronas evaluate``.

    A pooled input over n neurons is zero only if none of them spikes, so the share is 1 - (1 - rate)^n.
    """
    known = {node.name: node for node in nodes}
    silent: dict[str, float] = {name: 1 - rate for name, rate in rates.items()}

    def silence(name: str) -> float | None:
        """Share of values that are zero; None for values that are not computed from spikes."""
        if name in silent:
            return silent[name]
        node = known.get(name)
        if node is None or isinstance(node.operation, Image | Weights | Neurons):
            return None
        parts = [silence(link.source) for link in node.links]
        if not parts or any(part is None for part in parts):
            return None
        n = prod(node.operation.kernel) if isinstance(node.operation, Pool) else 1
        return float(prod(part for part in parts if part is not None) ** n)

    found = {node.name: silence(node.links[0].source) for node in nodes if isinstance(node.operation, Weights)}
    return {name: 1 - share for name, share in found.items() if share is not None}


def mean_rate(nodes: Sequence[Node], rates: Mapping[str, float]) -> float:
    """Mean firing rate of the neurons read by each layer with weights, as defined by SpikeNAS-Bench.

    Each layer counts once, even if several read the same neurons. Neurons without any input count as 0.
    """
    found = list(_read_rates(nodes, rates))
    return sum(found) / len(found) if found else 0.0


def _read_rates(nodes: Sequence[Node], rates: Mapping[str, float]) -> Iterator[float]:
    known = {node.name: node for node in nodes}
    for node in nodes:
        if isinstance(node.operation, Weights):
            source = known.get(node.links[0].source)
            while source is not None and isinstance(source.operation, Pool):
                source = known.get(source.links[0].source)
            if source is not None and isinstance(source.operation, Neurons):
                yield rates.get(source.name, 0.0)


def _step(
    nodes: Sequence[Node], before: Mapping[str, _Signal], neuron: LifNeuron, constants: RateConstants
) -> tuple[dict[str, _Signal], dict[str, float]]:
    """The signals of one time step, and the rates; nodes without any input so far are in neither."""
    now: dict[str, _Signal] = {}
    rates: dict[str, float] = {}
    images: set[str] = set()
    for node in nodes:
        if isinstance(node.operation, Image):
            now[node.name] = _Signal(0.0, {node.name: (1.0, 1.0)})
            images.add(node.name)
        elif arriving := [found for link in node.links if (found := _arriving(link, now, before)) is not None]:
            total = _added(arriving)
            match node.operation:
                case Weights():
                    reads_image = node.links[0].source in images
                    total = _normalised(node.name, constants, is_image=reads_image)
                case Neurons(threshold, normalised):
                    total = _normalised(node.name, constants) if normalised else total
                    above = (neuron.v_threshold if threshold is None else threshold) - neuron.v_reset
                    rates[node.name] = lif_rate(total.mean, total.deviation, above, neuron.tau, neuron.timesteps)
                case Pool(kernel, _, _, reduce):
                    total = _pooled(total, prod(kernel), reduce == "max", constants.correlation)
            now[node.name] = total
    return now, rates


def _arriving(link: Link, now: Mapping[str, _Signal], before: Mapping[str, _Signal]) -> _Signal | None:
    return (before if link.delayed else now).get(link.source)


def _added(arriving: Sequence[_Signal]) -> _Signal:
    if len(arriving) == 1:
        return arriving[0]
    parts: dict[str, tuple[float, float]] = {}
    for signal in arriving:
        for name, (times, own) in signal.parts.items():
            parts[name] = (parts[name][0] + times if name in parts else times, own)
    return _Signal(sum(signal.mean for signal in arriving), parts)


def _normalised(name: str, constants: RateConstants, *, is_image: bool = False) -> _Signal:
    deviation = constants.image_deviation if is_image else constants.deviation
    return _Signal(constants.mean, {name: (1.0, deviation)})


def _pooled(signal: _Signal, n: int, is_max: bool, correlation: float) -> _Signal:
    if not is_max:
        return signal.scaled(sqrt((1 + (n - 1) * correlation) / n))
    mean, variance = largest_of(n)
    shift = signal.deviation * sqrt(1 - correlation) * mean
    return signal.scaled(sqrt(correlation + (1 - correlation) * variance), shift)


@lru_cache(1 << 14)
def lif_rate(mean: float, deviation: float, threshold: float, tau: float, timesteps: int) -> float:
    """Firing rate over T steps of a LIF neuron whose constant input is normal over neurons; see the module's docstring.

    Args:
        mean: mean of the input.
        deviation: standard deviation of the input, above 0.
        threshold: firing threshold relative to the reset potential.
        tau: membrane time constant in time steps.
        timesteps: number of time steps T.
    """
    decay = 1 - 1 / tau
    rate = 0.0
    for k in range(1, timesteps + 1):
        share = (timesteps // k - timesteps // (k + 1)) / timesteps
        if share:
            rate += share * erfc((threshold / (1 - decay**k) - mean) / (deviation * sqrt(2))) / 2
    return rate


@lru_cache
def largest_of(n: int) -> tuple[float, float]:
    """Mean and variance of the largest of n independent standard normal values, by the trapezoidal rule."""
    step, reach = 0.005, 9.0
    first = second = 0.0
    for index in range(-round(reach / step), round(reach / step) + 1):
        z = index * step
        density = n * exp(-z * z / 2) / sqrt(2 * pi) * ((1 + erf(z / sqrt(2))) / 2) ** (n - 1) * step
        first, second = first + z * density, second + z * z * density
    return first, second - first**2

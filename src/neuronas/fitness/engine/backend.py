"""The interface of the engine's back ends, and the arrays that they exchange with the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from torch import Tensor

from neuronas.fitness.engine.values import Leaf, Value
from neuronas.snn.quantisation import FixedPoint
from neuronas.space.node_operations import Shape


@dataclass(frozen=True)
class Array:
    """A stored leaf (see ``values``), in the memory layout of the back end; the first dimension is time.

    Attributes:
        data: [T, B, …], or [1, B, …] if ``constant``.
        scale: [T, C] scale of batch normalisation that is still to be applied to ``data``; None if there is none.
        shift: [T, C] shift of batch normalisation, like ``scale``.
        constant: whether the values are equal at every time step.
    """

    data: Tensor
    scale: Tensor | None = None
    shift: Tensor | None = None
    constant: bool = False

    @property
    def n_bytes(self) -> int:
        """Size of ``data`` in bytes."""
        return self.data.numel() * self.data.element_size()

    def step(self, t: int) -> "Array":
        """The array at one time step."""
        if self.constant:
            return self
        scale = None if self.scale is None else self.scale[t : t + 1]
        shift = None if self.shift is None else self.shift[t : t + 1]
        return Array(self.data[t : t + 1], scale, shift)


@dataclass(frozen=True)
class Fired:
    """Spikes of one LIF layer.

    Attributes:
        spikes: the spikes in the memory layout of the back end, if requested.
        common: [T, B, B] float64, number of neurons that spike for both of two images.
    """

    spikes: Tensor | None
    common: Tensor


@dataclass(frozen=True)
class Geometry:
    """Sizes of a value: time steps, images, channels, height and width in pixels."""

    timesteps: int
    batch: int
    channels: int
    height: int
    width: int

    @property
    def shape(self) -> Shape:
        """[C, H, W]."""
        return (self.channels, self.height, self.width)

    @property
    def one_step(self) -> "Geometry":
        """The same with one time step."""
        return replace(self, timesteps=1)

    @property
    def n_pixels(self) -> int:
        """Pixels of an image."""
        return self.height * self.width

    @property
    def n_neurons(self) -> int:
        """Number of neurons of a LIF layer with inputs of this size."""
        return self.channels * self.n_pixels

    @property
    def n_values(self) -> int:
        """Number of values over all time steps and images."""
        return self.timesteps * self.batch * self.n_neurons


class Backend(Protocol):
    """Computes leaves and spikes. The spikes of all back ends are equal bit for bit."""

    @property
    def name(self) -> str:
        """Description for messages and reports."""
        ...

    def make_room(self, n_bytes: int) -> None:
        """Free memory that is kept for reuse until, with ``n_bytes`` of other memory, it is within the limit."""
        ...

    def dense(self, value: Tensor, *, constant: bool) -> Array:
        """Convert a value [T, B, C, H, W] to the memory layout of the back end."""
        ...

    def fire(
        self,
        value: Value,
        leaves: Mapping[Leaf, Array],
        geometry: Geometry,
        threshold: float,
        *,
        normalised: bool,
        with_spikes: bool,
        state: Tensor | None = None,
    ) -> Fired:
        """Run LIF neurons over all time steps of a value.

        Args:
            value: input of the neurons.
            leaves: arrays of the leaves of ``value``.
            geometry: sizes of the value.
            threshold: firing threshold.
            normalised: whether to apply batch normalisation to the input first.
            with_spikes: whether to return the spikes.
            state: membrane potentials before the first time step; updated in place. None: neurons start at rest.
        """
        ...

    def state(self, geometry: Geometry) -> Tensor:
        """Membrane potentials at rest (``v_reset``), for ``state`` of ``fire``."""
        ...

    def unpacked(self, spikes: Tensor, geometry: Geometry) -> Tensor:
        """Spikes of ``fire`` as [T, B, C, H, W] float32."""
        ...

    def convolve(self, spikes: Tensor, weights: FixedPoint, geometry: Geometry) -> Array:
        """Convolve spikes and compute the statistics of batch normalisation; ``geometry``: sizes of the input."""
        ...

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        """Apply batch normalisation to a convolution and pool it by ``values.REDUCTION``; ``geometry``: its sizes."""
        ...

    def materialise(self, value: Value, leaves: Mapping[Leaf, Array], geometry: Geometry) -> Array:
        """Compute a value from its leaves."""
        ...

    def stack(self, steps: list[Array]) -> Array:
        """Concatenate values of single time steps."""
        ...

    def convolved_bytes(self, weights: FixedPoint, geometry: Geometry) -> int:
        """Size in bytes of the result of ``convolve``."""
        ...

    def spike_bytes(self, geometry: Geometry) -> int:
        """Size in bytes of the spikes of ``fire``."""
        ...

"""What a machine must be able to do for the engine, and the arrays that pass between."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from neuronas.fitness.engine.values import Leaf, Value
from neuronas.snn.quantisation import FixedPoint
from neuronas.space.graph import Shape


@dataclass(frozen=True)
class Array:
    """A stored leaf, in the backend's own layout; the leading dimension is time.

    Attributes:
        data: [T, B, …], or [1, B, …] if ``constant``.
        scale: [T, C] batch normalisation of integer sums; None for finished values.
        shift: as ``scale``.
        constant: the same at every time step.
    """

    data: Tensor
    scale: Tensor | None = None
    shift: Tensor | None = None
    constant: bool = False

    @property
    def n_bytes(self) -> int:
        """Size in memory."""
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
        spikes: in the backend's layout, if they were asked for.
        common: [T, B, B] float64, how many neurons spike for both of two images.
    """

    spikes: Tensor | None
    common: Tensor


@dataclass(frozen=True)
class Geometry:
    """Shape of a value: time steps, images, channels, height and width in pixels."""

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
    def n_pixels(self) -> int:
        """Pixels of an image."""
        return self.height * self.width

    @property
    def n_neurons(self) -> int:
        """Neurons of a LIF layer that this value drives."""
        return self.channels * self.n_pixels

    @property
    def n_values(self) -> int:
        """Number of values over all time steps."""
        return self.timesteps * self.batch * self.n_neurons


class Backend(Protocol):
    """Computes leaves and spikes; every backend gives the same spikes to the last bit."""

    @property
    def name(self) -> str:
        """What does the work, for people."""
        ...

    def dense(self, value: Tensor, *, constant: bool) -> Array:
        """Take over a finished value [T, B, C, H, W]."""
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
        """Run LIF neurons on a value; ``state`` is read and updated, else neurons start at rest."""
        ...

    def state(self, geometry: Geometry) -> Tensor:
        """Membrane potentials before the first time step: ``v_reset``."""
        ...

    def convolve(self, spikes: Tensor, weights: FixedPoint, geometry: Geometry) -> Array:
        """Convolve spikes (``geometry`` is theirs) and take the statistics for batch normalisation."""
        ...

    def reduce(self, convolved: Array, geometry: Geometry) -> Array:
        """Normalise sums (``geometry`` is theirs) and pool them by ``values.REDUCTION``."""
        ...

    def materialise(self, value: Value, leaves: Mapping[Leaf, Array], geometry: Geometry) -> Array:
        """Compute a value."""
        ...

    def stack(self, steps: list[Array]) -> Array:
        """Join finished values of single time steps."""
        ...

    def convolved_bytes(self, weights: FixedPoint, geometry: Geometry) -> int:
        """Memory that ``convolve`` will take for its result."""
        ...

    def spike_bytes(self, geometry: Geometry) -> int:
        """Memory that the spikes of ``fire`` take."""
        ...

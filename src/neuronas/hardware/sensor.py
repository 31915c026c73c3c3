"""The sensor that provides the images of a network, which affects latency."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuronas.hardware.cost import Array

BYTE = 8
"""Bits of the pixels of all data sets, which are bytes."""


@dataclass(frozen=True)
class Sensor:
    """The sensor of a network that reads sequences, or a static image, which is available at once.

    Attributes:
        window_ms: recording time for one decision, in T time steps of equal length; 0: the input is available at once.
        pixel_bits: bits of a pixel; see ``bits_read``.
    """

    window_ms: float = 0.0
    pixel_bits: int = BYTE

    def bits_read(self, image_bits: int) -> int:
        """Bits of a pixel that the first layer reads, one after another: the minimum of sensor and accelerator.

        Args:
            image_bits: the accelerator's ``digital.image_bits``.
        """
        return min(self.pixel_bits, image_bits)

    def first(self, n: int, timesteps: int) -> "Sensor":
        """The sensor for the first n of ``timesteps`` time steps."""
        return replace(self, window_ms=self.window_ms * n / timesteps)

    def decision_ms(self, busy_ms: "Array", last_ms: "Array", timesteps: int) -> "Array":
        """Time from the first event to the decision: max(window + last, window / T + busy), ms.

        The images of the time steps arrive at equal intervals, at the ends of their parts of the window. A time step is
        computed when its image is available and the previous one is finished. Either the chip waits for the last image,
        or it is busy from the first one on.

        Args:
            busy_ms: time of all time steps without waiting.
            last_ms: time of one time step.
            timesteps: number of time steps T.
        """
        if not self.window_ms:
            return busy_ms
        import numpy as np

        return np.maximum(self.window_ms + last_ms, self.window_ms / timesteps + busy_ms)

    def assumptions(self, what: str) -> tuple[str, ...]:
        """Assumptions of a cost model about the window; ``what`` names the quantities that include it."""
        if not self.window_ms:
            return ()
        said = f"the sensor records {self.window_ms:g} ms for one decision, which {what}; its own energy is not counted"
        return (said,)


AT_ONCE = Sensor()
"""A static image: no waiting."""

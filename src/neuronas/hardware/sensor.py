"""What the cost of a network depends on besides the chip: the sensor that gives its images."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neuronas.hardware.cost import Array

BYTE = 8
"""Bits of the pixels of all data sets, which are bytes."""


@dataclass(frozen=True)
class Sensor:
    """The sensor of a network that reads sequences, or a still image, which is there at once.

    Attributes:
        window_ms: how long it records for one decision, in T time steps of one length; 0: all is there at once.
        pixel_bits: of a pixel; see ``bits_read``.
    """

    window_ms: float = 0.0
    pixel_bits: int = BYTE

    def bits_read(self, image_bits: int) -> int:
        """Bits of a pixel that the first layer reads, one after another: as many as sensor and accelerator both have.

        Args:
            image_bits: the accelerator's ``digital.image_bits``.
        """
        return min(self.pixel_bits, image_bits)

    def first(self, n: int, timesteps: int) -> "Sensor":
        """The sensor as far as the first n of so many time steps."""
        return replace(self, window_ms=self.window_ms * n / timesteps)

    def decision_ms(self, busy_ms: "Array", last_ms: "Array", timesteps: int) -> "Array":
        """Time from the first event to the decision: max(window + last, window / T + busy), ms.

        The images of the time steps arrive at equal distances, at the ends of their parts of the window, and each time
        step is computed when its image is there and the one before is done. Either the chip waits for the last image,
        or it is busy from the first one on.

        Args:
            busy_ms: time of all time steps without waiting.
            last_ms: of one time step.
            timesteps: T.
        """
        if not self.window_ms:
            return busy_ms
        import numpy as np

        return np.maximum(self.window_ms + last_ms, self.window_ms / timesteps + busy_ms)

    def assumptions(self, what: str) -> tuple[str, ...]:
        """What a cost model says of the window; ``what`` includes it."""
        if not self.window_ms:
            return ()
        said = f"the sensor records {self.window_ms:g} ms for one decision, which {what}; its own energy is not counted"
        return (said,)


AT_ONCE = Sensor()
"""Nothing to wait for."""

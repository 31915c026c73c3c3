"""Files ``.bin`` of N-MNIST and N-Caltech101, 5 bytes per event (Orchard et al. 2015, doi 10.3389/fnins.2015.00437).

x, y, then the polarity in the top bit and the time in µs in 23 bits, big-endian. The size of the sensor is not stored.
"""

import numpy as np

from neuronas.data.events.recording import Recording, whole_records

_SIZE, _OVERFLOW_Y, _OVERFLOW_US = 5, 240, 2**13
"""An event in row 240, outside the sensor, means that the clock advanced by this much (event-Python, G. Orchard)."""


def decode(raw: bytes) -> Recording:
    """Decode a file.

    Raises:
        RecordingError: truncated, or not of this format.
    """
    whole_records(raw, _SIZE, "events")
    columns = np.frombuffer(raw, np.uint8).reshape(-1, _SIZE)
    x, y, high = columns[:, 0], columns[:, 1], columns[:, 2]
    t_us = (high & 0x7F).astype(np.int64) << 16
    t_us |= columns[:, 3].astype(np.int64) << 8
    t_us |= columns[:, 4]
    overflows = y == _OVERFLOW_Y
    if overflows.any():
        t_us += np.cumsum(overflows) * _OVERFLOW_US
        x, y, high, t_us = (one[~overflows] for one in (x, y, high, t_us))
    return Recording.of(t_us, x, y, high >> 7)

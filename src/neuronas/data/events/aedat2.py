"""AEDAT 2.0 of jAER: lines of text, then address and time of each event, four bytes each, big-endian.

The meaning of an address depends on the chip
(https://docs.inivation.com/software/software-advanced-usage/file-formats). Columns are counted from the right and rows
from the bottom; both are reversed here. Polarity 0 of a DVS128 is ON, as in jAER and dv-processing, although the page
states the opposite.
"""

import re

import numpy as np

from neuronas.data.events.dat import header
from neuronas.data.events.recording import Recording, RecordingError, unwrapped, whole_records
from neuronas.space.node_operations import Pair

MAGIC = b"#!AER-DAT2"
_DAVIS: dict[str, Pair] = {
    "240": (180, 240),
    "346": (260, 346),
    "640": (480, 640),
    "208": (192, 208),
    "128": (128, 128),
}
_DVS128: Pair = (128, 128)


def decode(raw: bytes) -> Recording:
    """Decode a file of a DAVIS, or of a DVS128, which is also assumed if the file names no chip.

    Raises:
        RecordingError: truncated, or of another chip.
    """
    lines, start = header(raw, b"#", None)
    body = memoryview(raw)[start:]
    whole_records(body, 8, "events")
    words = np.frombuffer(body, ">u4").reshape(-1, 2)
    address, t_us = words[:, 0].astype(np.uint32), unwrapped(words[:, 1], 32)
    found = re.search(r"AEChip:\s*(\S+)", "\n".join(lines))
    chip = found[1].rpartition(".")[2] if found else "DVS128"
    if davis := re.match(r"davis\D*(\d+)", chip, re.IGNORECASE):
        sensor = _DAVIS.get(davis[1])
        pixels = (address & 0x8000_0400) == 0  # not grey or inertial data (bit 31), not an external event (bit 10)
        y, x, p = address >> 22 & 0x1FF, address >> 12 & 0x3FF, address >> 11 & 1
        if sensor is not None:
            x = sensor[1] - 1 - x.astype(np.int64)
    elif chip.upper() in ("DVS128", "DVS128CAM"):
        sensor = _DVS128
        pixels = address < 0x8000  # the others are external events
        y, x, p = address >> 8 & 0x7F, 127 - (address >> 1 & 0x7F), 1 - (address & 1)
    else:
        sensor = None
    if sensor is None:
        raise RecordingError(f"is of chip {chip}; expected DVS128 or a DAVIS of {', '.join(_DAVIS)} columns")
    rows = sensor[0] - 1 - y[pixels].astype(np.int64)
    return Recording.of(t_us[pixels], x[pixels], rows, p[pixels], sensor)

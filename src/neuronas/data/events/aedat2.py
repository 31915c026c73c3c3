"""AEDAT 2.0 of jAER: lines of text, then address and time, four bytes each, the first byte the highest.

What an address means depends on the chip (https://docs.inivation.com/software/software-advanced-usage/file-formats).
Columns count from the right and rows from the bottom, and both are turned here. The polarity of a DVS128 is as jAER and
dv-processing read it, 0 for ON; the page says the opposite.
"""

import re

import numpy as np

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
    """Read the content of a file of a DVS128, which files without the name of a chip are taken for, or a DAVIS.

    Raises:
        RecordingError: it was cut, or is of another chip.
    """
    text, body = _split(raw)
    whole_records(body, 8, "events")
    words = np.frombuffer(body, ">u4").reshape(-1, 2)
    address, t_us = words[:, 0].astype(np.uint32), unwrapped(words[:, 1], 32)
    found = re.search(r"AEChip:\s*(\S+)", text)
    chip = found[1].rpartition(".")[2] if found else "DVS128"
    if davis := re.match(r"davis\D*(\d+)", chip, re.IGNORECASE):
        sensor = _DAVIS.get(davis[1])
        pixels = (address & 0x8000_0400) == 0  # neither a grey value or inertia (bit 31) nor an external event (bit 10)
        y, x, p = address >> 22 & 0x1FF, address >> 12 & 0x3FF, address >> 11 & 1
        if sensor is not None:
            x = sensor[1] - 1 - x.astype(np.int64)
    elif chip.upper() in ("DVS128", "DVS128CAM"):
        sensor = _DVS128
        pixels = address < 0x8000  # others are external events
        y, x, p = address >> 8 & 0x7F, 127 - (address >> 1 & 0x7F), 1 - (address & 1)
    else:
        sensor = None
    if sensor is None:
        raise RecordingError(f"is of chip {chip}; expected DVS128 or a DAVIS of {', '.join(_DAVIS)} columns")
    rows = sensor[0] - 1 - y[pixels].astype(np.int64)
    return Recording.of(t_us[pixels], x[pixels], rows, p[pixels], sensor)


def _split(raw: bytes) -> tuple[str, memoryview]:
    """Lines that begin with ``#``, and what follows them."""
    place = 0
    while raw[place : place + 1] == b"#":
        end = raw.find(b"\n", place)
        if end < 0:
            raise RecordingError("ends within its header")
        place = end + 1
    return raw[:place].decode("latin-1"), memoryview(raw)[place:]

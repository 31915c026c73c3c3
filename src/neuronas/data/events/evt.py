"""Prophesee's files ``.raw`` with events in EVT 2.0; EVT 3.0 has the same header (``evt3``).

A text header, then words of 32 or 16 bits, whose upper four bits state the type of the word
(https://docs.prophesee.ai/stable/data/encoding_formats/index.html).
"""

import re

import numpy as np
from numpy.typing import NDArray

from neuronas.data.events import evt3
from neuronas.data.events.dat import header
from neuronas.data.events.recording import Numbers, Recording, RecordingError, unwrapped, whole_records
from neuronas.space.node_operations import Pair

_OFF, _ON, _TIME_HIGH = 0x0, 0x1, 0x8
"""Types of EVT 2.0 words used here; the others hold no events."""


def decode(raw: bytes) -> Recording:
    """Decode a file.

    Raises:
        RecordingError: truncated, or of another encoding.
    """
    lines, start = header(raw)
    encoding, sensor = _stated(lines)
    body = memoryview(raw)[start:]
    if encoding == "2":
        whole_records(body, 4, "words")
        return Recording.of(*_evt2(np.frombuffer(body, "<u4")), sensor)
    if encoding == "3":
        whole_records(body, 2, "words")
        return Recording.of(*evt3.columns(np.frombuffer(body, "<u2")), sensor)
    raise RecordingError(f"states encoding EVT {encoding or '?'}; expected EVT 2.0 or 3.0 (save it as one of these)")


def _stated(lines: list[str]) -> tuple[str | None, Pair | None]:
    """Encoding and sensor from the older form of the header (``evt 3.0``, ``geometry 640x480``) or the newer one."""
    encoding, sensor = None, None
    for line in lines:
        if found := re.fullmatch(r"evt (\d)\.(\d)", line):
            encoding = found[1] if found[2] == "0" else f"{found[1]}{found[2]}"
        elif found := re.match(r"format EVT(\d+)", line):
            encoding = found[1]
            height, width = (re.search(rf"\b{key}=(\d{{1,6}})", line) for key in ("height", "width"))
            sensor = (int(height[1]), int(width[1])) if height and width else sensor
        elif found := re.fullmatch(r"geometry (\d{1,6})x(\d{1,6})", line):
            sensor = int(found[2]), int(found[1])
    return encoding, sensor


def _evt2(words: NDArray[np.uint32]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """Times, columns, rows and polarities; events before the first time word are skipped (their time is unknown)."""
    kind = words >> 28
    highs = np.flatnonzero(kind == _TIME_HIGH)
    events = np.flatnonzero(kind <= _ON)
    high_of, events = _latest(highs, events)
    word = words[events]
    high = unwrapped(words[highs] & 0x0FFFFFFF, 28)[high_of]
    return high << 6 | (word >> 22 & 0x3F), word >> 11 & 0x7FF, word & 0x7FF, word >> 28


def _latest(states: NDArray[np.intp], events: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Index of the last state before each event; events before the first state are skipped."""
    index = np.searchsorted(states, events) - 1
    known = index >= 0
    return index[known], events[known]

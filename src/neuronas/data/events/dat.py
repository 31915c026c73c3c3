"""Prophesee's files ``.dat``: a text header, two bytes that describe the events, then 8 bytes per event.

https://docs.prophesee.ai/stable/data/file_formats/dat.html
"""

import re

import numpy as np

from neuronas.data.events.recording import Recording, RecordingError, unwrapped, whole_records
from neuronas.space.node_operations import Pair

_EVENT_TYPES = (0x00, 0x0C)
"""Event2d and EventCD."""
_SIZE = 8


def decode(raw: bytes) -> Recording:
    """Decode a file of version 2.

    Raises:
        RecordingError: truncated, of another version, or with other events.
    """
    lines, start = header(raw)
    version = _number(lines, "Version")
    if version != 2:
        raise RecordingError(f"states version {version}; expected a DAT file of version 2")
    if len(raw) < start + 2:
        raise RecordingError("ends within its header")
    kind, size = raw[start], raw[start + 1]
    if kind not in _EVENT_TYPES or size != _SIZE:
        raise RecordingError(
            f"holds events of type {kind} of {size} bytes; expected CD events of {_SIZE} bytes (type 0 or 12)"
        )
    body = memoryview(raw)[start + 2 :]
    whole_records(body, _SIZE, "events")
    words = np.frombuffer(body, "<u4").reshape(-1, 2)
    place = words[:, 1]
    height, width = _number(lines, "Height"), _number(lines, "Width")
    sensor: Pair | None = (height, width) if height and width else None
    t_us = unwrapped(words[:, 0], 32)
    return Recording.of(t_us, place & 0x3FFF, place >> 14 & 0x3FFF, place >> 28 & 1, sensor)


def header(raw: bytes, mark: bytes = b"%", last: str | None = "end") -> tuple[list[str], int]:
    """Lines of a header, and the offset at which it ends.

    Args:
        raw: content of the file.
        mark: beginning of each line, which is left out.
        last: line that ends the header, if there is one; None: only a line without the mark does.

    Raises:
        RecordingError: there is no header, or it does not end.
    """
    found, place = [], 0
    while raw[place : place + 1] == mark:
        end = raw.find(b"\n", place)
        if end < 0:
            raise RecordingError("ends within its header")
        line = raw[place + 1 : end].decode("latin-1").strip()
        found.append(line)
        place = end + 1
        if line == last:
            break
    if not found:
        raise RecordingError(f"has no header of lines that begin with {mark.decode()}")
    return found, place


def _number(lines: list[str], key: str) -> int | None:
    found = (re.fullmatch(rf"{key}\s+(\d{{1,6}})", line, re.IGNORECASE) for line in lines)
    return next((int(one[1]) for one in found if one), None)

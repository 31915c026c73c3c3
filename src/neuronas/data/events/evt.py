"""Prophesee's files ``.raw`` with events as EVT 2.0 and EVT 3.0.

A text header, then words of 32 or 16 bits, the upper four of which say what a word is
(https://docs.prophesee.ai/stable/data/encoding_formats/index.html).
"""

import re

import numpy as np
from numpy.typing import NDArray

from neuronas.data.events.dat import header
from neuronas.data.events.recording import MAX_EVENTS, Numbers, Recording, RecordingError, unwrapped, whole_records
from neuronas.space.node_operations import Pair

_OFF, _ON, _TIME_HIGH = 0x0, 0x1, 0x8
"""Words of EVT 2.0; others hold no events."""
_ADDR_Y, _ADDR_X, _BASE_X, _VECT_12, _VECT_8, _TIME_LOW, _TIME_HIGH_3 = 0x0, 0x2, 0x3, 0x4, 0x5, 0x6, 0x8
"""Words of EVT 3.0."""


def decode(raw: bytes) -> Recording:
    """Read the content of a file.

    Raises:
        RecordingError: it was cut, or is of another encoding.
    """
    lines, start = header(raw)
    encoding, sensor = _stated(lines)
    body = memoryview(raw)[start:]
    if encoding == "2":
        whole_records(body, 4, "words")
        return Recording.of(*_evt2(np.frombuffer(body, "<u4")), sensor)
    if encoding == "3":
        whole_records(body, 2, "words")
        return Recording.of(*_evt3(np.frombuffer(body, "<u2")), sensor)
    raise RecordingError(f"states encoding EVT {encoding or '?'}; expected EVT 2.0 or 3.0 (save it as one of these)")


def _stated(lines: list[str]) -> tuple[str | None, Pair | None]:
    """Encoding and sensor, in the older form of the header (``evt 3.0``, ``geometry 640x480``) or the newer one."""
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
    """Times, columns, rows and polarities; events before the first time are left out, since their time is not known."""
    kind = words >> 28
    highs = np.flatnonzero(kind == _TIME_HIGH)
    events = np.flatnonzero(kind <= _ON)
    high_of, events = _latest(highs, events)
    word = words[events]
    high = unwrapped(words[highs] & 0x0FFFFFFF, 28)[high_of]
    return high << 6 | (word >> 22 & 0x3F), word >> 11 & 0x7FF, word & 0x7FF, word >> 28


def _evt3(words: NDArray[np.uint16]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """See ``_evt2``. A word changes one part of the state; each event takes the latest of every part."""
    kind, value = words >> 12, words & 0x0FFF
    highs, rows = np.flatnonzero(kind == _TIME_HIGH_3), np.flatnonzero(kind == _ADDR_Y)
    if not len(highs):
        raise RecordingError("holds no time (EVT_TIME_HIGH)")
    carriers = np.flatnonzero((kind == _ADDR_X) | (kind == _VECT_12) | (kind == _VECT_8))
    carriers = carriers[carriers > max(highs[0], rows[0] if len(rows) else len(words))]
    vectors = carriers[kind[carriers] != _ADDR_X]
    single = carriers[kind[carriers] == _ADDR_X]
    where, x, p = [single], [value[single] & 0x7FF], [value[single] >> 11]
    if len(vectors):
        place, column, polarity = _vectors(kind, value, vectors)
        where, x, p = [*where, place], [*x, column], [*p, polarity]
    place, column, polarity = (np.concatenate(parts) for parts in (where, x, p))
    order = np.argsort(place, kind="stable")  # a vector's pixels stay from left to right
    place, column, polarity = place[order], column[order], polarity[order]
    row = value[rows[np.searchsorted(rows, place) - 1]] & 0x7FF
    return _times(kind, value, highs)[place], column, row, polarity


def _times(kind: Numbers, value: Numbers, highs: NDArray[np.intp]) -> NDArray[np.int64]:
    """Time at each word: a new upper half (12 bits, which start again at 0) sets the lower half to 0."""
    marks = np.flatnonzero((kind == _TIME_HIGH_3) | (kind == _TIME_LOW))
    low = np.where(kind[marks] == _TIME_LOW, value[marks], 0).astype(np.int64)
    high = unwrapped(value[highs], 12) << 12
    base = high[np.maximum(np.searchsorted(highs, marks, side="right") - 1, 0)]
    lengths = np.diff(marks, append=len(kind))
    return np.repeat(np.concatenate([[0], base + low]), np.concatenate([marks[:1], lengths]))


def _vectors(kind: Numbers, value: Numbers, vectors: NDArray[np.intp]) -> tuple[Numbers, Numbers, Numbers]:
    """Pixels of vector words: each bit is one, from the base column on, which every vector word moves by its length."""
    bases = np.flatnonzero(kind == _BASE_X)
    base_of, vectors = _latest(bases, vectors)
    lengths = np.where(kind[vectors] == _VECT_12, 12, 8)
    ends = np.cumsum(lengths)
    first = np.searchsorted(vectors, bases[base_of])  # the first vector behind the same base
    moved = ends - lengths - np.where(first > 0, ends[first - 1], 0)
    bits = value[vectors]
    bits = np.where(lengths == 8, bits & 0xFF, bits).astype("<u2")
    marks = np.unpackbits(bits.view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
    if int(marks.sum(dtype=np.int64)) > MAX_EVENTS:
        raise RecordingError(f"holds more than {MAX_EVENTS:,} events")
    which, offset = np.nonzero(marks)
    base = value[bases[base_of]]
    column = ((base & 0x7FF) + moved)[which] + offset
    return vectors[which], column, (base >> 11)[which]


def _latest(states: NDArray[np.intp], events: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For each event the index of the last state before it; events before the first state are left out."""
    index = np.searchsorted(states, events) - 1
    known = index >= 0
    return index[known], events[known]

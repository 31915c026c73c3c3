"""EVT 3.0 in words of 16 bits: a word changes a part of the decoder's state, or emits events in that state.

https://docs.prophesee.ai/stable/data/encoding_formats/evt3.html. Words are decoded in chunks that fit the processor's
cache, so that memory is allocated for events rather than for words.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neuronas.data.events.recording import MAX_EVENTS, Numbers, RecordingError, unwrapped

_ADDR_Y, _ADDR_X, _BASE_X, _VECT_12, _VECT_8, _TIME_LOW, _TIME_HIGH = 0x0, 0x2, 0x3, 0x4, 0x5, 0x6, 0x8
_HIGH_BITS = 12
_PART = 1 << 18
"""Number of words decoded at a time."""
_Columns = tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.uint16], NDArray[np.bool_]]
"""Times, columns, rows and polarities."""


@dataclass
class _State:
    """State of the decoder; None: not set yet.

    Attributes:
        high: upper part of the time, including the overflows of its 12 bits.
        low: lower 12 bits of the time.
        row: row of the following events.
        base: first column of the next vector.
        polarity: polarity of vectors.
    """

    high: int | None = None
    low: int = 0
    row: int | None = None
    base: int | None = None
    polarity: int = 0


def columns(words: NDArray[np.uint16]) -> _Columns:
    """Events of a file; those before the first time or row are skipped.

    Raises:
        RecordingError: no time word, or too many events.
    """
    state, parts, n = _State(), list[_Columns](), 0
    for first in range(0, len(words), _PART):
        parts.append(_decoded(words[first : first + _PART], state))
        n += len(parts[-1][0])
        if n > MAX_EVENTS:
            raise RecordingError(f"holds more than {MAX_EVENTS:,} events")
    if state.high is None:
        raise RecordingError("holds no time (EVT_TIME_HIGH)")
    t, x, y, p = (np.concatenate(column) for column in zip(*parts, strict=True))
    return t, x, y, p


def _decoded(words: NDArray[np.uint16], state: _State) -> _Columns:
    """Events of a chunk; updates the state for the next chunk."""
    kind, value = words >> 12, words & 0x0FFF
    carriers = np.flatnonzero((kind == _ADDR_X) | (kind == _VECT_12) | (kind == _VECT_8))
    carriers = carriers[_known(kind, carriers, state)]
    carried = value[carriers]
    start, polarity, bits = carried & 0x7FF, carried >> 11, np.ones(len(carriers), "<u2")
    is_vector = kind[carriers] != _ADDR_X
    known = np.ones(len(carriers), bool)
    if is_vector.any() or (kind == _BASE_X).any():
        start = start.astype(np.int64)
        start[is_vector], polarity[is_vector], bits[is_vector], known[is_vector] = _vectors(
            kind, value, carriers[is_vector], state
        )
    times, rows = _times(kind, value, carriers, state), _rows(kind, value, carriers, state)
    if not known.all():
        start, polarity, bits = start[known], polarity[known], bits[known]
        times, rows, is_vector = times[known], rows[known], is_vector[known]
    if is_vector.any():
        marks = np.unpackbits(bits.view(np.uint8).reshape(-1, 2), axis=1, bitorder="little")
        which, offset = np.nonzero(marks)
        start, polarity, times, rows = start[which] + offset, polarity[which], times[which], rows[which]
    return times, start.astype(np.uint16), rows, polarity > 0


def _count(kind: Numbers, *kinds: int) -> NDArray[np.int32]:
    """Number of words of some types up to and including each word."""
    found = kind == kinds[0]
    for one in kinds[1:]:
        found |= kind == one
    return np.cumsum(found, dtype=np.int32)


def _known(kind: Numbers, carriers: NDArray[np.intp], state: _State) -> NDArray[np.bool_]:
    """Which words that carry events have a time and a row."""
    found = np.ones(len(carriers), bool)
    for given, word in ((state.high, _TIME_HIGH), (state.row, _ADDR_Y)):
        if given is None:
            found &= _count(kind, word)[carriers] > 0
    return found


def _times(kind: Numbers, value: Numbers, carriers: NDArray[np.intp], state: _State) -> NDArray[np.int64]:
    """Time of each word that carries events; a new upper part resets the lower part to 0."""
    marks = np.flatnonzero((kind == _TIME_HIGH) | (kind == _TIME_LOW))
    is_high = kind[marks] == _TIME_HIGH
    highs = value[marks[is_high]].astype(np.int64)
    if state.high is None:
        highs = unwrapped(highs, _HIGH_BITS)
        before = 0
    else:
        before = state.high
        own = before & (1 << _HIGH_BITS) - 1
        highs = unwrapped(np.concatenate([[own], highs]), _HIGH_BITS)[1:] + (before - own)
    upper = np.concatenate([[before], highs])[np.concatenate([[0], np.cumsum(is_high)])]
    lower = np.concatenate([[state.low], np.where(is_high, 0, value[marks])])
    found: NDArray[np.int64] = ((upper << _HIGH_BITS) + lower)[_count(kind, _TIME_HIGH, _TIME_LOW)[carriers]]
    if len(highs) or state.high is not None:
        state.high, state.low = int(upper[-1]), int(lower[-1])
    return found


def _rows(kind: Numbers, value: Numbers, carriers: NDArray[np.intp], state: _State) -> NDArray[np.uint16]:
    """Row of each word that carries events."""
    rows = np.concatenate([[state.row or 0], value[kind == _ADDR_Y] & 0x7FF]).astype(np.uint16)
    if len(rows) > 1:
        state.row = int(rows[-1])
    return rows[_count(kind, _ADDR_Y)[carriers]]


def _vectors(
    kind: Numbers, value: Numbers, vectors: NDArray[np.intp], state: _State
) -> tuple[NDArray[np.int64], Numbers, Numbers, NDArray[np.bool_]]:
    """First column, polarity and bits of each vector, and whether its base is known; a vector advances the base."""
    words = value[kind == _BASE_X]
    bases = np.concatenate([[state.base or 0], words & 0x7FF]).astype(np.int64)
    polarities = np.concatenate([[state.polarity], words >> 11]).astype(np.uint16)
    base_of = _count(kind, _BASE_X)[vectors]
    is_long = kind[vectors] == _VECT_12
    lengths = np.where(is_long, 12, 8)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    first = np.searchsorted(base_of, np.arange(len(bases)))  # the first vector after each base
    starts = bases[base_of] + ends[:-1] - ends[first[base_of]]
    known = np.full(len(vectors), True) if state.base is not None else base_of > 0
    if len(words) or state.base is not None:
        state.base = int(bases[-1] + ends[-1] - ends[first[-1]])
        state.polarity = int(polarities[-1])
    bits = np.where(is_long, value[vectors], value[vectors] & 0xFF)
    return starts, polarities[base_of], bits, known

"""Events in text files: one line per event, with columns named by a header or implied by the separator."""

import io
import re
from collections.abc import Iterator, Sequence

import numpy as np

from neuronas.data.events.arrays import NAMES, recording_of
from neuronas.data.events.recording import MAX_EVENTS, Numbers, Recording, RecordingError
from neuronas.space.node_operations import Pair

_SPACES, _COMMAS = ("t", "x", "y", "p"), ("x", "y", "p", "t")
"""Columns without a header: with spaces as in the Event Camera Dataset (rpg.ifi.uzh.ch/davis_data.html), with commas
as written by Metavision."""
_COMMENTS = "%#"
_INTEGER = re.compile(r"[+-]?\d+$")
_SOMETHING, _ROW = re.compile(rb"\S"), re.compile(r"row (\d+)")
_PART_BYTES = 1 << 23


def decode(raw: bytes) -> Recording:
    """Decode a file. Times are integers in microseconds, or seconds if written with a decimal point.

    Raises:
        RecordingError: a line is not an event, or the columns are unknown.
    """
    start, comments = 0, []
    first = ""
    while start < len(raw):
        end = raw.find(b"\n", start)
        end = len(raw) if end < 0 else end
        first = raw[start:end].decode("utf-8", "replace").strip()
        if first and first[0] not in _COMMENTS:
            break
        comments.append(first)
        start, first = end + 1, ""
    separator = next((one for one in ",;\t" if one in first), None)
    cells = [cell.strip() for cell in first.split(separator)]
    if re.search(r"[A-Za-z]", re.sub(r"[eE][+-]?\d", "", first)):
        names: Sequence[str] = [cell.strip("\"'").lower() for cell in cells]
        start = raw.find(b"\n", start) + 1 or len(raw)
        cells = [
            cell.strip()
            for cell in raw[start : start + 400].decode("utf-8", "replace").partition("\n")[0].split(separator)
        ]
    else:
        names = _COMMAS if separator == "," else _SPACES
    if (len(cells) < len(_SPACES) and names in (_SPACES, _COMMAS)) or len(names) < len(_SPACES):
        raise RecordingError(
            f"begins with {first[:60]!r}; expected t x y p with spaces, x,y,p,t, or a header with these names"
        )
    in_seconds = {
        name: not _INTEGER.match(cell) for name, cell in zip(names, cells, strict=False) if name in NAMES["t"]
    }
    read = [number for number, name in enumerate(names) if any(name in known for known in NAMES.values())]
    kinds = [(f"f{number}", "f8" if in_seconds.get(names[number]) else "i8") for number in read]
    parts = list(_parts(raw, start, separator, read, kinds))
    if not parts:
        raise RecordingError("holds no events")
    columns = {names[number]: np.concatenate([part[f"f{number}"] for part in parts]) for number in read}
    return recording_of(columns, _geometry(comments))


def _parts(
    raw: bytes, start: int, separator: str | None, read: Sequence[int], kinds: Sequence[tuple[str, str]]
) -> Iterator[dict[str, Numbers]]:
    """Columns of some lines at a time, to need little more memory than the events themselves.

    Args:
        raw: content of the file.
        start: offset of the first line of events.
        separator: separator of columns; None: spaces.
        read: indices of the columns to read.
        kinds: names and types of these columns.

    Raises:
        RecordingError: a line is not an event.
    """
    n, end = 0, start
    while _SOMETHING.search(raw, end):
        start, end = end, min(end + _PART_BYTES, len(raw))
        end = raw.find(b"\n", end) + 1 or len(raw)
        if not _SOMETHING.search(raw, start, end):
            continue
        try:
            found = np.loadtxt(
                io.BytesIO(raw[start:end]), dtype=list(kinds), delimiter=separator, usecols=read, comments=None,
                ndmin=1, encoding="latin-1",
            )  # fmt: skip
        except (ValueError, OverflowError) as error:
            reason = _at_row(str(error).partition(";")[0], n)
            raise RecordingError(f"holds a line that is not an event ({reason[:120]})") from error
        n += len(found)
        if n > MAX_EVENTS:
            raise RecordingError(f"holds more than {MAX_EVENTS:,} events")
        yield {name: _narrow(found[name]) for name, _ in kinds}


def _at_row(reason: str, n: int) -> str:
    """NumPy's message, with the row number increased by the number of preceding rows."""
    return _ROW.sub(lambda row: f"row {n + int(row[1])}", reason)


def _narrow(values: Numbers) -> Numbers:
    """The same numbers as 32-bit integers, if they fit."""
    fits = values.dtype.kind == "i" and int(values.min()) >= -(2**31) and int(values.max()) < 2**31
    return values.astype(np.int32) if fits else values


def _geometry(comments: Sequence[str]) -> Pair | None:
    """Sensor in Metavision's form: ``%geometry:640,480``."""
    found = (re.match(r"[%#]\s*geometry\s*:?\s*(\d{1,6})\s*[,x ]\s*(\d{1,6})$", line) for line in comments)
    return next(((int(one[2]), int(one[1])) for one in found if one), None)

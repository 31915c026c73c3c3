"""Events in text files: a line an event, in the columns that a header names or that its separator implies."""

import io
import re
from collections.abc import Sequence

import numpy as np

from neuronas.data.events.arrays import NAMES, recording_of
from neuronas.data.events.recording import Recording, RecordingError
from neuronas.space.node_operations import Pair

_SPACES, _COMMAS = ("t", "x", "y", "p"), ("x", "y", "p", "t")
"""Without a header: with spaces as in the Event Camera Dataset (rpg.ifi.uzh.ch/davis_data.html), with commas as
Metavision writes them."""
_COMMENTS = "%#"
_INTEGER = re.compile(r"[+-]?\d+$")


def decode(raw: bytes) -> Recording:
    """Read the content of a file. Times are whole microseconds, or seconds if they are written with a decimal point.

    Raises:
        RecordingError: a line is no event, or the columns are not known.
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
    kinds = [(f"f{number}", "f8" if in_seconds.get(name) else "i8") for number, name in enumerate(names)]
    read = [number for number, name in enumerate(names) if any(name in known for known in NAMES.values())]
    try:
        found = np.loadtxt(
            io.BytesIO(memoryview(raw)[start:]), dtype=[kinds[number] for number in read], delimiter=separator,
            usecols=read, comments=None, ndmin=1, encoding="latin-1",
        )  # fmt: skip
    except (ValueError, OverflowError) as error:
        raise RecordingError(f"holds a line that is no event ({str(error).partition(';')[0][:120]})") from error
    columns = {names[number]: found[f"f{number}"] for number in read}
    return recording_of(columns, _geometry(comments))


def _geometry(comments: Sequence[str]) -> Pair | None:
    """Sensor as Metavision writes it: ``%geometry:640,480``."""
    found = (re.match(r"[%#]\s*geometry\s*:?\s*(\d{1,6})\s*[,x ]\s*(\d{1,6})$", line) for line in comments)
    return next(((int(one[2]), int(one[1])) for one in found if one), None)

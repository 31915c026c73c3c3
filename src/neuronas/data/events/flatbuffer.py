"""A minimal reader of FlatBuffers for AEDAT 4.0: fields of the root table (https://flatbuffers.dev/internals/).

Every offset is checked against the buffer, since files may be damaged.
"""

import struct

from neuronas.data.events.recording import RecordingError

Buffer = bytes | memoryview


def size_prefixed(buffer: Buffer, identifier: bytes, place: int = 0) -> memoryview:
    """The table after its size (four bytes).

    Args:
        buffer: buffer that contains it.
        identifier: expected file identifier, four letters.
        place: offset at which it begins.

    Raises:
        RecordingError: truncated, or with another identifier.
    """
    (size,) = _unpack("<I", buffer, place)
    found = memoryview(buffer)[place + 4 : place + 4 + size]
    if len(found) != size or size < 8:
        raise RecordingError(f"ends within a table, which states {size:,} bytes")
    if bytes(found[4:8]) != identifier:
        raise RecordingError(f"holds table {bytes(found[4:8])!r}; expected {identifier!r}")
    return found


def field(table: memoryview, number: int) -> int | None:
    """Offset of a field of the root table; None: absent, so the default applies.

    Raises:
        RecordingError: it is outside the table.
    """
    (root,) = _unpack("<I", table, 0)
    (back,) = _unpack("<i", table, root)
    fields = root - back
    (length,) = _unpack("<H", table, fields)
    place = 4 + 2 * number
    if place + 2 > length:
        return None
    (offset,) = _unpack("<H", table, fields + place)
    return root + offset if offset else None


def scalar(table: memoryview, number: int, code: str, default: int) -> int:
    """A number; ``code`` is its format in ``struct``."""
    place = field(table, number)
    return default if place is None else int(_unpack(f"<{code}", table, place)[0])


def vector(table: memoryview, number: int, item_size: int) -> memoryview:
    """Bytes of a vector (or of a string, with items of one byte); empty if absent.

    Raises:
        RecordingError: it is outside the table.
    """
    place = field(table, number)
    if place is None:
        return table[:0]
    (offset,) = _unpack("<I", table, place)
    (n,) = _unpack("<I", table, place + offset)
    first = place + offset + 4
    if first + n * item_size > len(table):
        raise RecordingError(f"states {n:,} items of {item_size} bytes, more than it contains")
    return table[first : first + n * item_size]


def _unpack(code: str, buffer: Buffer, place: int) -> tuple[int, ...]:
    if not 0 <= place <= len(buffer) - struct.calcsize(code):
        raise RecordingError("is truncated, or holds an offset outside the file")
    return struct.unpack_from(code, buffer, place)

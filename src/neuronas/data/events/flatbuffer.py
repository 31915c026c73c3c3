"""The little of FlatBuffers that AEDAT 4.0 needs: fields of the root table (https://flatbuffers.dev/internals/).

Every offset is checked against the buffer, which may be damaged.
"""

import struct

from neuronas.data.events.recording import RecordingError

Buffer = bytes | memoryview


def size_prefixed(buffer: Buffer, identifier: bytes, place: int = 0) -> memoryview:
    """The table that begins behind its size, four bytes.

    Args:
        buffer: which holds it.
        identifier: four letters that say what it is.
        place: where it begins.

    Raises:
        RecordingError: it was cut, or is another one.
    """
    (size,) = _unpack("<I", buffer, place)
    found = memoryview(buffer)[place + 4 : place + 4 + size]
    if len(found) != size or size < 8:
        raise RecordingError(f"ends within a table, which states {size:,} bytes")
    if bytes(found[4:8]) != identifier:
        raise RecordingError(f"holds table {bytes(found[4:8])!r}; expected {identifier!r}")
    return found


def field(table: memoryview, number: int) -> int | None:
    """Where a field of the root table lies; None: it has its default.

    Raises:
        RecordingError: it lies outside.
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
    """A number; ``code`` is that of ``struct``."""
    place = field(table, number)
    return default if place is None else int(_unpack(f"<{code}", table, place)[0])


def vector(table: memoryview, number: int, item_size: int) -> memoryview:
    """Bytes of a vector, of a string if the items are of one byte; empty where it is absent.

    Raises:
        RecordingError: it lies outside.
    """
    place = field(table, number)
    if place is None:
        return table[:0]
    (offset,) = _unpack("<I", table, place)
    (n,) = _unpack("<I", table, place + offset)
    first = place + offset + 4
    if first + n * item_size > len(table):
        raise RecordingError(f"states {n:,} items of {item_size} bytes, for which it is too short")
    return table[first : first + n * item_size]


def _unpack(code: str, buffer: Buffer, place: int) -> tuple[int, ...]:
    if not 0 <= place <= len(buffer) - struct.calcsize(code):
        raise RecordingError("ends too early, or holds an offset to outside")
    return struct.unpack_from(code, buffer, place)

"""AEDAT 4.0 of iniVation's DV: FlatBuffers packets, compressed with LZ4 or Zstandard.

https://docs.inivation.com/software/software-advanced-usage/file-formats/aedat-4.0.html
"""

import io
import struct
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np

from neuronas.data.events.flatbuffer import scalar, size_prefixed, vector
from neuronas.data.events.recording import MAX_EVENTS, Recording, RecordingError
from neuronas.errors import ConfigurationError
from neuronas.space.node_operations import Pair

MAGIC = b"#!AER-DAT4.0\r\n"
_EVENT = np.dtype(
    {"names": ["t", "x", "y", "on"], "formats": ["<i8", "<i2", "<i2", "u1"], "offsets": [0, 8, 10, 12], "itemsize": 16}
)
_NONE, _LZ4, _ZSTD = (0,), (1, 2), (3, 4)
"""Compressions by their numbers in the schema; LZ4 and Zstandard have two levels each."""
_MAX_PACKET_BYTES, _MAX_XML_BYTES = 256_000_000, 1_000_000


def decode(raw: bytes) -> Recording:
    """Decode a file with one event stream.

    Raises:
        RecordingError: truncated, or without exactly one event stream.
        ConfigurationError: the package for decompression is not installed.
    """
    if not raw.startswith(MAGIC):
        raise RecordingError(f"does not begin with {MAGIC[:-2].decode()}")
    header = size_prefixed(raw, b"IOHE", len(MAGIC))
    compression, table = scalar(header, 0, "i", 0), scalar(header, 1, "q", -1)
    stream, sensor = _stream(bytes(vector(header, 2, 1)))
    parts, n_events = [], 0
    for packet_stream, packet in _packets(raw, len(MAGIC) + 4 + len(header), table):
        if packet_stream == stream:
            content = vector(size_prefixed(_decompressed(packet, compression), b"EVTS"), 0, _EVENT.itemsize)
            parts.append(np.frombuffer(content, _EVENT))
            n_events += len(parts[-1])
            if n_events > MAX_EVENTS:
                raise RecordingError(f"holds more than {MAX_EVENTS:,} events")
    events = np.concatenate(parts) if parts else np.empty(0, _EVENT)
    return Recording.of(events["t"], events["x"], events["y"], events["on"], sensor)


def _stream(xml: bytes) -> tuple[int, Pair | None]:
    """Number of the event stream, and its sensor, from the description at the beginning of the file."""
    if len(xml) > _MAX_XML_BYTES or b"<!" in xml:  # no entities, whose expansion can be huge
        raise RecordingError("has a description that is not plain XML")
    try:
        root = ElementTree.fromstring(xml.rstrip(b"\0"))  # noqa: S314 - without declarations
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise RecordingError(f"has a description that is not XML ({error})") from error
    found: dict[int, Pair | None] = {}
    for node in root.iter("node"):
        facts = {one.get("key"): one.text or "" for one in node.findall("attr")}
        name = node.get("name", "")
        if facts.get("typeIdentifier") == "EVTS" and name.isdecimal() and len(name) < 9:
            info = next((one for one in node.findall("node") if one.get("name") == "info"), ElementTree.Element("node"))
            sides = {one.get("key"): one.text or "" for one in info.findall("attr")}
            height, width = (sides.get(key, "") for key in ("sizeY", "sizeX"))
            known = all(one.isdecimal() and len(one) < 6 for one in (height, width))
            found[int(name)] = (int(height), int(width)) if known else None
    if len(found) != 1:
        raise RecordingError(f"holds {len(found)} event streams; expected one")
    return next(iter(found.items()))


def _packets(raw: bytes, place: int, table: int) -> Iterator[tuple[int, memoryview]]:
    """Packets, each with the number of its stream, up to the table of packets at the end."""
    end = table if 0 < table <= len(raw) else len(raw)
    while place < end:
        if place + 8 > end:
            raise RecordingError("ends within the header of a packet")
        stream, size = struct.unpack_from("<ii", raw, place)
        place += 8
        if size < 0 or place + size > end:
            raise RecordingError(f"ends within a packet, which states {size:,} bytes")
        yield stream, memoryview(raw)[place : place + size]
        place += size


def _decompressed(packet: memoryview, compression: int) -> bytes | memoryview:
    if compression in _NONE:
        return packet
    if compression not in (*_LZ4, *_ZSTD):
        raise RecordingError(f"states compression {compression}; expected 0 to 4 (none, LZ4, Zstandard)")
    package = "lz4" if compression in _LZ4 else "zstandard"
    try:
        found = _lz4(packet) if compression in _LZ4 else _zstandard(packet)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"AEDAT 4.0 files with this compression need {package}; run: pip install 'neuronas[events]'"
        ) from error
    if len(found) > _MAX_PACKET_BYTES:
        raise RecordingError(f"holds a packet of more than {_MAX_PACKET_BYTES:,} bytes")
    return found


def _lz4(packet: memoryview) -> bytes:
    from lz4.frame import LZ4FrameDecompressor

    try:
        found: bytes = LZ4FrameDecompressor().decompress(packet, max_length=_MAX_PACKET_BYTES + 1)
    except (RuntimeError, EOFError, ValueError) as error:
        raise RecordingError(f"holds a packet that LZ4 cannot decompress ({error})") from error
    return found


def _zstandard(packet: memoryview) -> bytes:
    from zstandard import ZstdDecompressor, ZstdError

    try:
        with ZstdDecompressor(max_window_size=2**27).stream_reader(io.BytesIO(packet)) as reader:
            return reader.read(_MAX_PACKET_BYTES + 1)
    except (ZstdError, EOFError, ValueError) as error:
        raise RecordingError(f"holds a packet that Zstandard cannot decompress ({error})") from error

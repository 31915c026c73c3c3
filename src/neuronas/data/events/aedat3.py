"""AEDAT 3.1 of cAER, the format of DVS128 Gesture: a text header, then packets of events.

https://docs.inivation.com/software/software-advanced-usage/file-formats/aedat-3.1.html
"""

import re
from collections.abc import Iterator

import numpy as np

from neuronas.data.events.recording import Recording, RecordingError
from neuronas.space.node_operations import Pair

MAGIC = b"#!AER-DAT3"
_END = b"#!END-HEADER\r\n"
_HEADER = np.dtype(
    [("kind", "<u2"), ("source", "<u2"), ("size", "<u4"), ("time_offset", "<u4"), ("overflow", "<u4"),
     ("capacity", "<u4"), ("number", "<u4"), ("valid", "<u4")]
)  # fmt: skip
_POLARITY, _POLARITY_SIZE = 1, 8
_SENSORS: dict[str, Pair] = {
    "DVS128": (128, 128), "DAVIS240A": (180, 240), "DAVIS240B": (180, 240), "DAVIS240C": (180, 240),
    "DAVIS128": (128, 128), "DAVIS346A": (260, 346), "DAVIS346B": (260, 346), "DAVIS346": (260, 346),
    "DAVIS640": (480, 640), "DAVIS208": (192, 208),
}  # fmt: skip


def decode(raw: bytes) -> Recording:
    """Decode the polarity events of a file.

    Raises:
        RecordingError: truncated, of version 3.0, or without polarity events.
    """
    end = raw.find(_END)
    if not raw.startswith(MAGIC + b".1") or end < 0:
        raise RecordingError("has no complete header of AEDAT 3.1 (3.0 is unsupported)")
    words, overflow = [], []
    for header, payload in _packets(raw, end + len(_END)):
        if header["kind"] == _POLARITY:
            if header["size"] != _POLARITY_SIZE:
                raise RecordingError(f"holds polarity events of {header['size']} bytes; expected {_POLARITY_SIZE}")
            events = np.frombuffer(payload, "<u4").reshape(-1, 2)[: int(header["number"])]
            words.append(events)
            overflow.append((int(header["overflow"]), len(events)))
    if not words:
        raise RecordingError("holds no polarity events")
    events = np.concatenate(words)
    data, low = events[:, 0], events[:, 1].astype(np.int64)
    turns, lengths = zip(*overflow, strict=True)
    t_us = low + np.repeat(np.array(turns, dtype=np.int64) << 31, lengths)
    valid = (data & 1).astype(bool)
    data = data[valid]
    found = re.search(rb"#Source \d+: (\w+)", raw[:end])
    sensor = _SENSORS.get(found[1].decode("ascii", "replace")) if found else None
    return Recording.of(t_us[valid], data >> 17, data >> 2 & 0x7FFF, data >> 1 & 1, sensor)


def _packets(raw: bytes, place: int) -> Iterator[tuple[np.void, memoryview]]:
    while place < len(raw):
        if place + _HEADER.itemsize > len(raw):
            raise RecordingError("ends within the header of a packet")
        header = np.frombuffer(raw, _HEADER, 1, place)[0]
        place += _HEADER.itemsize
        n_bytes = int(header["capacity"]) * int(header["size"])
        if place + n_bytes > len(raw) or header["number"] > header["capacity"]:
            raise RecordingError(f"ends within a packet, which states {n_bytes:,} bytes of events")
        yield header, memoryview(raw)[place : place + n_bytes]
        place += n_bytes

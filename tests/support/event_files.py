"""Writers of recordings in every supported format, event by event, following the formats' specifications."""

import io
import struct
from collections.abc import Callable, Sequence

import numpy as np

Event = tuple[int, int, int, int]
"""Time in µs, x, y, polarity."""


def atis(events: Sequence[Event]) -> bytes:
    return b"".join(bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for t, x, y, p in events)


def dat(events: Sequence[Event], sensor: tuple[int, int] | None = (240, 304)) -> bytes:
    lines = ["% Data file containing CD events", "% Version 2", "% Date 2020-09-14 14:18:29"]
    lines += [f"% Width {sensor[1]}", f"% Height {sensor[0]}"] if sensor else []
    header = "".join(f"{line}\n" for line in lines).encode() + bytes([0x0C, 8])
    return header + b"".join(struct.pack("<II", t & 0xFFFFFFFF, p << 28 | y << 14 | x) for t, x, y, p in events)


def evt2(events: Sequence[Event]) -> bytes:
    words, high = [], None
    for t, x, y, p in events:
        if t >> 6 != high:
            high = t >> 6
            words.append(0x8 << 28 | high)
        words.append(p << 28 | (t & 63) << 22 | x << 11 | y)
    return b"% evt 2.0\n% geometry 1280x720\n% end\n" + struct.pack(f"<{len(words)}I", *words)


def evt3(events: Sequence[Event]) -> bytes:
    """Neighbours in a row with equal time and polarity are written as vectors."""
    words: list[int] = []
    high, low, row = None, None, None
    place = 0
    while place < len(events):
        t, x, y, p = events[place]
        if t >> 12 & 0xFFF != high:
            high, low = t >> 12 & 0xFFF, None
            words.append(0x8000 | high)
        if t & 0xFFF != low:
            low = t & 0xFFF
            words.append(0x6000 | low)
        if y != row:
            row = y
            words.append(y)
        last = place
        while (
            last + 1 < len(events)
            and (n := events[last + 1])
            and (n[0], n[2], n[3]) == (t, y, p)
            and n[1] > events[last][1]
        ):
            last += 1
        if last == place:
            words.append(0x2000 | p << 11 | x)
        else:
            columns = {one[1] for one in events[place : last + 1]}
            words.append(0x3000 | p << 11 | x)
            for first in range(x, max(columns) + 1, 12):
                words.append(0x4000 | sum(1 << bit for bit in range(12) if first + bit in columns))
        place = last + 1
    return b"% format EVT3;height=720;width=1280\n% end\n" + struct.pack(f"<{len(words)}H", *words)


def aedat2(events: Sequence[Event], chip: str = "DVS128") -> bytes:
    lines = ["#!AER-DAT2.0", "# This is a raw AE data file - do not edit"]
    lines += [f"# AEChip: eu.seebetter.ini.chips.davis.{chip}"] if chip != "DVS128" else []
    body = []
    for t, x, y, p in events:
        dvs128, davis = (127 - y) << 8 | (127 - x) << 1 | (1 - p), (259 - y) << 22 | (345 - x) << 12 | p << 11
        address = dvs128 if chip == "DVS128" else davis
        body.append(struct.pack(">II", address, t & 0xFFFFFFFF))
    return "".join(f"{line}\r\n" for line in lines).encode() + b"".join(body)


def aedat3(events: Sequence[Event], per_packet: int = 7) -> bytes:
    lines = [
        "#!AER-DAT3.1",
        "#Format: RAW",
        "#Source 1: DVS128",
        "#Start-Time: 2016-09-23 17:22:45 (TZ+0100)",
        "#!END-HEADER",
    ]
    parts = ["".join(f"{line}\r\n" for line in lines).encode()]
    for first in range(0, len(events), per_packet):
        some = events[first : first + per_packet]
        overflow = some[0][0] >> 31
        some = [one for one in some if one[0] >> 31 == overflow]
        assert len(some) == len(events[first : first + per_packet])
        parts.append(struct.pack("<HHIIIIII", 1, 1, 8, 4, overflow, len(some), len(some), len(some)))
        parts += [struct.pack("<II", x << 17 | y << 2 | p << 1 | 1, t & 0x7FFFFFFF) for t, x, y, p in some]
        parts.append(struct.pack("<HHIIIIII", 0, 1, 8, 4, overflow, 1, 1, 1) + bytes(8))  # a special event
    return b"".join(parts)


def aedat4(
    events: Sequence[Event], compression: int = 1, sensor: tuple[int, int] = (240, 320), per_packet: int = 9
) -> bytes:
    xml = (
        '<dv version="2.0"><node name="outInfo" path="/"><node name="0" path="/0/">'
        '<attr key="typeIdentifier" type="string">EVTS</attr><node name="info" path="/0/info/">'
        f'<attr key="sizeX" type="int">{sensor[1]}</attr><attr key="sizeY" type="int">{sensor[0]}</attr>'
        "</node></node></node></dv>"
    ).encode()
    xml += bytes(-len(xml) % 4 or 4)
    table = struct.pack("<HHHHHxx", 10, 20, 4, 12, 8)  # fields: compression, position of the data table, description
    root = struct.pack("<iii", len(table), compression, 8) + struct.pack("<q", -1)
    body = struct.pack("<I4s", 8 + len(table), b"IOHE") + table + root
    text = struct.pack("<I", len(xml)) + xml
    body = body[: 8 + len(table) + 8] + struct.pack("<I", len(root) - 8) + body[8 + len(table) + 12 :] + text
    parts = [b"#!AER-DAT4.0\r\n", struct.pack("<I", len(body)), body]
    for first in range(0, len(events), per_packet):
        some = events[first : first + per_packet]
        content = b"".join(struct.pack("<qhhBxxx", t, x, y, p) for t, x, y, p in some)
        parts.append(aedat4_packet(len(some), content, compression))
    return b"".join(parts)


def aedat4_packet(n: int, content: bytes, compression: int) -> bytes:
    """A packet of n events, 16 bytes each."""
    packet = struct.pack("<I4sHHH", 16, b"EVTS", 6, 8, 4) + struct.pack("<xx") + struct.pack("<iI", 8, 4)
    packet += struct.pack("<I", n) + content
    packet = _compressed(struct.pack("<I", len(packet)) + packet, compression)
    return struct.pack("<ii", 0, len(packet)) + packet


def _compressed(content: bytes, compression: int) -> bytes:
    if compression in (1, 2):
        import lz4.frame

        return lz4.frame.compress(content)
    if compression in (3, 4):
        import zstandard

        return zstandard.ZstdCompressor().compress(content)
    return content


def structured(events: Sequence[Event]) -> np.ndarray:
    return np.array(events, dtype=[("t", "<i8"), ("x", "<u2"), ("y", "<u2"), ("p", "u1")])


def npy(events: Sequence[Event]) -> bytes:
    file = io.BytesIO()
    np.save(file, structured(events))
    return file.getvalue()


def npz(events: Sequence[Event]) -> bytes:
    file, array = io.BytesIO(), structured(events)
    np.savez_compressed(file, **{name: array[name] for name in array.dtype.names})
    return file.getvalue()


def csv(events: Sequence[Event]) -> bytes:
    return b"t,x,y,p\n" + b"".join(f"{t},{x},{y},{p}\n".encode() for t, x, y, p in events)


def hdf5(events: Sequence[Event], **options: object) -> bytes:
    import h5py

    file, array = io.BytesIO(), structured(events)
    with h5py.File(file, "w") as h5:
        for name in array.dtype.names:
            h5.create_dataset(f"events/{name}", data=array[name], **options)
        h5["t_offset"] = 1234
    return file.getvalue()


WRITERS: dict[str, Callable[[Sequence[Event]], bytes]] = {
    ".bin": atis, ".dat": dat, "2.raw": evt2, "3.raw": evt3, "2.aedat": aedat2, "3.aedat": aedat3, ".aedat4": aedat4,
    ".npy": npy, ".npz": npz, ".csv": csv, ".h5": hdf5,
}  # fmt: skip
"""Writers by file suffix."""

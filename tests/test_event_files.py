"""Recordings of event cameras: every format is read event by event; damaged files are rejected in one line."""

import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

import event_files
from event_files import WRITERS, Event
from neuronas.data.events import aedat2, aedat3, aedat4, arrays, atis, dat, evt, evt3, table
from neuronas.data.events.files import FORMATS, read_recording
from neuronas.data.events.item import RECORDINGS
from neuronas.data.events.recording import Recording, RecordingError
from neuronas.errors import ConfigurationError, DataError

SAMPLES = Path(__file__).parents[2] / "shared" / "datasets" / "events"
SAMPLES = next(
    (one for one in (SAMPLES, Path(__file__).parents[3] / "shared/datasets/events") if one.is_dir()), SAMPLES
)
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="sample recordings are not here")


def some_events(
    n: int = 200, seed: int = 0, height: int = 100, width: int = 120, span_us: int = 100_000
) -> list[Event]:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.integers(0, span_us, n))
    x, y, p = rng.integers(0, width, n), rng.integers(0, height, n), rng.integers(0, 2, n)
    return list(zip(*(column.tolist() for column in (t, x, y, p)), strict=True))


def as_events(found: Recording) -> list[Event]:
    return list(zip(*(one.astype(int).tolist() for one in (found.t_us, found.x, found.y, found.p)), strict=True))


def written(folder: Path, ending: str, events: list[Event]) -> Path:
    path = folder / f"recording{ending}"
    path.write_bytes(WRITERS[ending](events))
    return path


def refused(path: Path) -> str:
    with pytest.raises(DataError) as error:
        read_recording(path)
    message = str(error.value)
    assert message.startswith(f"recording {path}: ")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("ending", WRITERS)
def test_every_format_gives_the_events_that_were_written(tmp_path: Path, ending: str) -> None:
    events = some_events()
    assert as_events(read_recording(written(tmp_path, ending, events))) == events


def test_every_suffix_has_a_writer_here() -> None:
    suffixes = {suffix for one in FORMATS for suffix in one.suffixes}
    assert {f".{ending.rpartition('.')[2]}" for ending in WRITERS} | {".hdf5", ".txt"} == suffixes
    assert suffixes == RECORDINGS.suffixes


@pytest.mark.parametrize(
    ("ending", "sensor"),
    [(".bin", None), (".dat", (240, 304)), ("2.raw", (720, 1280)), ("3.raw", (720, 1280)), ("2.aedat", (128, 128)),
     ("3.aedat", (128, 128)), (".aedat4", (240, 320)), (".csv", None)],
)  # fmt: skip
def test_the_sensor_is_that_which_the_file_states(tmp_path: Path, ending: str, sensor: tuple[int, int] | None) -> None:
    assert read_recording(written(tmp_path, ending, some_events())).sensor == sensor


@pytest.mark.parametrize("compression", [0, 1, 2, 3, 4])
def test_aedat4_is_read_with_every_compression(tmp_path: Path, compression: int) -> None:
    path, events = tmp_path / "one.aedat4", some_events(40)
    path.write_bytes(event_files.aedat4(events, compression))
    assert as_events(read_recording(path)) == events


@needs_samples
def test_a_real_aedat4_recording_is_read_as_by_another_library() -> None:
    aedat = pytest.importorskip("aedat")
    path = SAMPLES / "sample.aedat4"
    packets = [packet["events"] for packet in aedat.Decoder(str(path)) if "events" in packet]
    expected = np.concatenate(packets)
    found = read_recording(path)
    assert len(found) == len(expected) == 111_954
    for ours, theirs in ((found.t_us, "t"), (found.x, "x"), (found.y, "y"), (found.p, "on")):
        assert np.array_equal(ours.astype(np.int64), expected[theirs].astype(np.int64))
    assert found.sensor == (240, 320)


@needs_samples
def test_real_bin_and_dat_recordings_are_read_as_their_pages_describe_them() -> None:
    raw = (SAMPLES / "sample_nmnist.bin").read_bytes()
    expected = [
        ((raw[n + 2] & 127) << 16 | raw[n + 3] << 8 | raw[n + 4], raw[n], raw[n + 1], raw[n + 2] >> 7)
        for n in range(0, len(raw), 5)
    ]
    assert as_events(read_recording(SAMPLES / "sample_nmnist.bin")) == expected
    raw = (SAMPLES / "sample_ncars.dat").read_bytes()
    words = list(struct.iter_unpack("<II", raw[raw.rindex(b"\n", 0, 200) + 3 :]))
    expected = [(t, place & 0x3FFF, place >> 14 & 0x3FFF, place >> 28) for t, place in words]
    assert as_events(read_recording(SAMPLES / "sample_ncars.dat")) == expected


def test_davis_events_of_aedat2_are_told_from_grey_values_and_external_events(tmp_path: Path) -> None:
    events = some_events(50, height=260, width=346)
    others = struct.pack(">IIII", 0x8000_0000 | 7 << 12, 5, 0x400, 6)
    path = tmp_path / "davis.aedat"
    path.write_bytes(event_files.aedat2(events, "Davis346red") + others)
    found = read_recording(path)
    assert as_events(found) == events
    assert found.sensor == (260, 346)


def test_an_overflow_event_of_nmnist_files_moves_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "one.bin"
    path.write_bytes(event_files.atis([(10, 1, 1, 1), (11, 0, 240, 0), (12, 2, 3, 0)]))
    assert as_events(read_recording(path)) == [(10, 1, 1, 1), (12 + 8192, 2, 3, 0)]


@pytest.mark.parametrize(("ending", "turn"), [(".dat", 2**32), ("2.aedat", 2**32), ("3.raw", 2**24)])
def test_a_clock_that_starts_again_runs_on(tmp_path: Path, ending: str, turn: int) -> None:
    events = [(turn - 5000 + 300 * n, n, n, n % 2) for n in range(60)]
    assert as_events(read_recording(written(tmp_path, ending, events))) == events


def reference_of_evt3(words: list[int]) -> list[Event]:
    """State machine as on the format's page, word by word."""
    found: list[Event] = []
    high, turns, time, row, base, polarity = None, 0, 0, None, None, 0
    for word in words:
        kind, value = word >> 12, word & 0xFFF
        if kind == 0x8:
            turns += high is not None and value - high < -2048
            turns -= high is not None and value - high > 2048
            high, time = value, (turns << 24) + (value << 12)
        elif kind == 0x6 and high is not None:
            time = (turns << 24) + (high << 12) + value
        elif kind == 0x0:
            row = value & 0x7FF
        elif kind == 0x3:
            base, polarity = value & 0x7FF, value >> 11
        elif kind == 0x2 and None not in (high, row):
            found.append((time, value & 0x7FF, row, value >> 11))
        elif kind in (0x4, 0x5) and base is not None:
            length = 12 if kind == 0x4 else 8
            if None not in (high, row):
                found += [(time, base + bit, row, polarity) for bit in range(length) if value >> bit & 1]
                base += length
    return found


WORD = st.one_of(
    st.integers(0, 3).map(lambda row: row),
    st.integers(0, 2000).map(lambda x: 0x2000 | x & 0x7FF | (x & 1) << 11),
    st.integers(0, 60).map(lambda x: 0x3000 | x | (x & 1) << 11),
    st.integers(0, 0xFFF).map(lambda bits: 0x4000 | bits),
    st.integers(0, 0xFFF).map(lambda bits: 0x5000 | bits),
    st.integers(0, 5).map(lambda low: 0x6000 | low),
    st.just(0x8000),
    st.sampled_from([0x7001, 0xA001, 0xE002, 0xF003]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(WORD, max_size=40), st.sampled_from([1, 7, 2**18]))
def test_evt3_is_decoded_as_by_a_state_machine(words: list[int], part: int) -> None:
    """Decoded in chunks of any size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evt3, "_PART", part)
        check_evt3(words)


def check_evt3(words: list[int]) -> None:
    expected = sorted(reference_of_evt3(words), key=lambda event: event[0])
    raw = b"% evt 3.0\n% end\n" + struct.pack(f"<{len(words)}H", *words)
    if not expected:
        with pytest.raises(RecordingError):
            evt.decode(raw)
    else:
        assert as_events(evt.decode(raw)) == expected


@pytest.mark.parametrize(
    "text",
    ["# t x y p\n0.001 3 4 1\n0.002 5 6 0\n", "x,y,p,t\n3,4,1,1000\n5,6,0,2000\n", "3,4,1,1000\n5,6,0,2000\n",
     "%geometry:40,30\n%format\n3,4,1,1000\n5,6,0,2000\n",
     "index;Polarity;y;x;timestamp\n0;1;4;3;1000\n1;-1;6;5;2000\n"],
)  # fmt: skip
def test_text_is_read_by_its_header_or_by_the_usual_order(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.csv"
    path.write_text(text)
    found = read_recording(path)
    assert as_events(found) == [(1000, 3, 4, 1), (2000, 5, 6, 0)]
    assert found.sensor == ((30, 40) if "geometry" in text else None)


def test_text_is_read_in_parts_and_names_the_line_that_is_no_event(monkeypatch: pytest.MonkeyPatch) -> None:
    events = some_events(300)
    monkeypatch.setattr(table, "_PART_BYTES", 100)
    text = event_files.csv(events)
    assert as_events(table.decode(text)) == events
    lines = text.split(b"\n")
    with pytest.raises(RecordingError, match=r"holds a line that is not an event \(.* at row 250"):
        table.decode(b"\n".join([*lines[:251], b"a,b,c,d", *lines[251:]]))


def test_memory_of_a_recording_is_bounded_by_its_events(tmp_path: Path) -> None:
    """At most 40 bytes per event besides the file; for text, whose numbers are wide at first, 60."""
    n = 400_000
    rng = np.random.default_rng(1)
    t = np.sort(rng.integers(0, 10**6, n))
    columns = t, rng.integers(0, 640, n), rng.integers(0, 480, n), rng.integers(0, 2, n)
    words = (0x8000 | t >> 12 & 0xFFF, 0x6000 | t & 0xFFF, columns[2], 0x2000 | columns[3] << 11 | columns[1])
    raw = b"% evt 3.0\n% end\n" + np.stack(words, axis=1).astype("<u2").tobytes()
    text = b"".join(b"%d %d %d %d\n" % event for event in zip(*(one.tolist() for one in columns), strict=True))
    for name, content, limit in (("a.raw", raw, 40), ("a.txt", text, 60)):
        (tmp_path / name).write_bytes(content)
        tracemalloc.start()
        found = read_recording(tmp_path / name)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(found) == n
        assert np.array_equal(found.t_us, t) and np.array_equal(found.x, columns[1])
        assert (peak - len(content)) / n < limit + 30_000_000 / n, name


def test_hdf5_with_blosc_is_read_as_dsec_has_it(tmp_path: Path) -> None:
    hdf5plugin = pytest.importorskip("hdf5plugin")
    path, events = tmp_path / "events.h5", some_events(300)
    path.write_bytes(event_files.hdf5(events, **hdf5plugin.Blosc()))
    assert as_events(read_recording(path)) == events


def test_small_disorder_is_sorted_and_a_jump_back_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "one.npy"
    path.write_bytes(event_files.npy([(5000, 1, 1, 1), (1000, 2, 2, 0), (6000, 3, 3, 1), (1000, 4, 4, 0)]))
    assert [event[1] for event in as_events(read_recording(path))] == [2, 4, 1, 3]
    path.write_bytes(event_files.npy([(50_000, 1, 1, 1), (1000, 2, 2, 0)]))
    assert "time goes back by 49,000 µs at event 1" in refused(path)


@pytest.mark.parametrize("ending", [".dat", "2.raw", "3.raw", "3.aedat", ".aedat4"])
def test_coordinates_outside_the_stated_sensor_are_refused(tmp_path: Path, ending: str) -> None:
    path = written(tmp_path, ending, [(1, 2000, 10, 1)])
    assert "holds an event at x = 2000; expected 0 to" in refused(path)


@pytest.mark.parametrize("ending", WRITERS)
def test_a_cut_file_is_refused_or_read_up_to_a_whole_event(tmp_path: Path, ending: str) -> None:
    events = some_events(30, seed=3)
    path = written(tmp_path, ending, events)
    whole = path.read_bytes()
    step = len(whole) // (2 if ending == ".h5" else 25)  # each HDF5 file needs a process
    for length in range(0, len(whole), step):
        path.write_bytes(whole[:length])
        try:
            found = as_events(read_recording(path))
        except DataError as error:
            assert str(error).startswith(f"recording {path}: ")
            assert "\n" not in str(error)
            continue
        # a text truncated within its last number looks complete
        assert found[:-1] == events[: len(found) - 1]


DECODERS = {
    ".bin": atis.decode, ".dat": dat.decode, "2.raw": evt.decode, "3.raw": evt.decode, "2.aedat": aedat2.decode,
    "3.aedat": aedat3.decode, ".aedat4": aedat4.decode, ".npy": arrays.decode, ".npz": arrays.decode,
    ".csv": table.decode,
}  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(sorted(DECODERS)),
    st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=12),
)
@example(".npz", [(83669, 1)])  # an offset in the archive's directory becomes negative
def test_damaged_bytes_are_read_or_refused_in_one_line(ending: str, changes: list[tuple[int, int]]) -> None:
    raw = bytearray(WRITERS[ending](some_events(40, seed=1)))
    for place, value in changes:
        raw[place % len(raw)] = value
    decode = DECODERS[ending]
    try:
        found = decode(bytes(raw))
    except RecordingError as error:
        assert "\n" not in str(error)
    else:
        assert (np.diff(found.t_us) >= 0).all()
        assert len(found) > 0


def claims_of_10_gb() -> dict[str, bytes]:
    n = 10 * 2**30
    npy = event_files.npy(some_events(4)).replace(b"'shape': (4,), ", b"'shape': (%d,)" % n)
    aedat3 = bytearray(event_files.aedat3(some_events(4)))
    struct.pack_into("<I", aedat3, aedat3.index(b"HEADER\r\n") + 8 + 16, 0x7FFFFFFF)
    aedat4 = bytearray(event_files.aedat4(some_events(4), 0))
    aedat4[-16 * 4 - 4 : -16 * 4] = struct.pack("<I", 0x7FFFFFFF)
    packet = bytearray(event_files.aedat4(some_events(4), 0))
    packet[packet.index(b"EVTS\x06") - 12 : packet.index(b"EVTS\x06") - 8] = struct.pack("<i", 0x7FFFFFFF)
    header = bytearray(event_files.aedat4(some_events(4), 0))
    struct.pack_into("<I", header, 14, 0xFFFFFFFF)
    return {"npy.npy": npy, "a.aedat": bytes(aedat3), "vector.aedat4": bytes(aedat4), "packet.aedat4": bytes(packet),
            "header.aedat4": bytes(header)}  # fmt: skip


@pytest.mark.parametrize(("name", "raw"), claims_of_10_gb().items(), ids=claims_of_10_gb())
def test_a_header_that_states_10_gb_takes_no_memory(tmp_path: Path, name: str, raw: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(raw)
    tracemalloc.start()
    message = refused(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "states" in message
    assert peak < 2_000_000


@pytest.mark.parametrize("compression", [1, 3])
def test_a_packet_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, compression: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aedat4, "_MAX_PACKET_BYTES", 100_000)
    raw = event_files.aedat4([(1, 1, 1, 1)] * 50_000, compression, per_packet=50_000)
    path = tmp_path / "bomb.aedat4"
    path.write_bytes(raw)
    assert "a packet of more than 100,000 bytes" in refused(path)


def test_an_archive_that_states_more_than_fits_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "_MAX_BYTES", 1000)
    assert "states more than 1,000 bytes of arrays" in refused(written(tmp_path, ".npz", some_events()))


def test_what_is_no_recording_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    for name, raw, expected in (
        ("a.jpg", b"x", "has suffix '.jpg'; expected .aedat, .aedat4"),
        ("a.bin", b"", "is empty"),
        ("a.aedat", b"#!AER-DAT1.0\r\n", "expected a file of AEDAT 3.1 or AEDAT 2.0"),
        ("a.aedat4", b"something else", "expected a file of AEDAT 4.0"),
        ("a.dat", b"something else", "has no header of lines that begin with %"),
        ("a.raw", b"% evt 2.1\n% end\n", "states encoding EVT 21; expected EVT 2.0 or 3.0"),
        ("a.raw", b"% evt 3.0\n% end\n", "holds no time"),
        ("a.csv", b"hello\n", "expected t x y p with spaces, x,y,p,t, or a header"),
        ("a.csv", b"t,x,y,p\n1,2,3\n", "holds a line that is not an event"),
        ("a.csv", b"t,x,y,p\n", "holds no events"),
        ("a.csv", b"t,x,y,p\n \n\n", "holds no events"),
        ("a.csv", b"% a comment\n", "expected t x y p with spaces"),
        ("a.npy", b"\x93NUMPY\x01\x00", "has no valid NumPy header"),
        ("a.npz", b"PK\x03\x04 and nothing", "is not a complete .npz file"),
    ):
        (tmp_path / name).write_bytes(raw)
        assert expected in refused(tmp_path / name)
    assert "No such file" in refused(tmp_path / "missing.bin")
    assert "directory" in refused(tmp_path)


def test_pickled_objects_are_not_loaded(tmp_path: Path) -> None:
    path = tmp_path / "objects.npy"
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    assert "holds Python objects" in refused(path)
    with zipfile.ZipFile(tmp_path / "objects.npz", "w") as archive:
        archive.write(path, "t.npy")
    assert "holds Python objects" in refused(tmp_path / "objects.npz")


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, ".aedat4", some_events(10))
    monkeypatch.setitem(__import__("sys").modules, "lz4.frame", None)
    with pytest.raises(ConfigurationError, match=r"need lz4; run: pip install 'neuronas\[events\]'"):
        read_recording(path)

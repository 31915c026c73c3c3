"""Measures the time to read a recording of 10 million events in one minute, and to slice it into time steps.

    python benchmarks/event_files.py [--events 10000000] [--formats .dat,.h5]

The events are those of a moving edge on a 480x640 sensor, in every format that supports this size. Each format is read
by a separate process: wall-clock time for reading and slicing, CPU time for both (hardly affected by other programs),
and peak memory. Slicing: 100 steps of 600 ms, reduced to 48x64 pixels. Needs the extra ``events``.
"""

import argparse
import json
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neuronas.config import EventsConfig
from neuronas.data.events.files import read_recording
from neuronas.data.events.frames import Slicing
from neuronas.data.events.recording import Recording

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
import event_files

SENSOR, SECONDS, STEPS, SIZE = (480, 640), 60, 100, (48, 64)


def events(n: int) -> np.ndarray:
    """[n] events: most at an edge that sweeps over the sensor twice per second, a fifth at random positions."""
    rng = np.random.default_rng(0)
    found = np.empty(n, dtype=[("t", "<i8"), ("x", "<i8"), ("y", "<i8"), ("p", "<i8")])
    found["t"] = np.sort(rng.integers(0, SECONDS * 1_000_000, n))
    edge = (found["t"] * 2 * SENSOR[1] // 1_000_000 + rng.integers(0, 6, n)) % SENSOR[1]
    found["x"] = np.where(rng.random(n) < 0.8, edge, rng.integers(0, SENSOR[1], n))
    found["y"], found["p"] = rng.integers(0, SENSOR[0], n), rng.integers(0, 2, n)
    return found


def words(header: str, *columns: np.ndarray, kind: str) -> bytes:
    """A text header, then the words of each event."""
    return header.encode() + np.stack(columns, axis=1).astype(kind).tobytes()


def dat(e: np.ndarray) -> bytes:
    """See ``event_files.dat``."""
    header = "% Data file containing CD events\n% Version 2\n% Width 640\n% Height 480\n\x0c\x08"
    return words(header, e["t"], e["p"] << 28 | e["y"] << 14 | e["x"], kind="<u4")


def evt2(e: np.ndarray) -> bytes:
    """Each event with its own time word."""
    event = e["p"] << 28 | (e["t"] & 63) << 22 | e["x"] << 11 | e["y"]
    return words("% evt 2.0\n% geometry 640x480\n% end\n", 8 << 28 | e["t"] >> 6, event, kind="<u4")


def evt3(e: np.ndarray) -> bytes:
    """Each event with its own time and row words."""
    time_words = (0x8000 | e["t"] >> 12 & 0xFFF, 0x6000 | e["t"] & 0xFFF)
    header = "% evt 3.0\n% geometry 640x480\n% end\n"
    return words(header, *time_words, e["y"], 0x2000 | e["p"] << 11 | e["x"], kind="<u2")


def csv(e: np.ndarray) -> bytes:
    """Columns as written by Metavision."""
    parts = (zip(*(part[key].tolist() for key in "xypt"), strict=True) for part in packets(e))
    return b"".join(b"".join(b"%d,%d,%d,%d\n" % event for event in part) for part in parts)


def aedat3(e: np.ndarray) -> bytes:
    """See ``event_files.aedat3``; this format has no name for a sensor of this size."""
    found = [event_files.aedat3([]).replace(b"DVS128", b"unnamed")]
    for part in packets(e):
        found.append(struct.pack("<HHIIIIII", 1, 1, 8, 4, 0, *[len(part)] * 3))
        found.append(words("", part["x"] << 17 | part["y"] << 2 | part["p"] << 1 | 1, part["t"], kind="<u4"))
    return b"".join(found)


def aedat4(e: np.ndarray) -> bytes:
    """See ``event_files.aedat4``: compressed with LZ4, as by DV."""
    layout = np.dtype({"names": list("txyp"), "formats": ["<i8", "<i2", "<i2", "u1"], "offsets": [0, 8, 10, 12],
                       "itemsize": 16})  # fmt: skip
    found = [event_files.aedat4([], sensor=SENSOR)]
    for part in packets(e):
        found.append(event_files.aedat4_packet(len(part), part.astype(layout).tobytes(), 1))
    return b"".join(found)


def packets(e: np.ndarray) -> list[np.ndarray]:
    """Packets of some thousand events."""
    return np.array_split(e, max(1, len(e) // 4000))


WRITERS: dict[str, Callable[[np.ndarray], bytes]] = {
    ".dat": dat, "2.raw": evt2, "3.raw": evt3, ".aedat4": aedat4, "3.aedat": aedat3, ".npy": event_files.npy,
    ".npz": event_files.npz, ".h5": lambda e: event_files.hdf5(e, compression="gzip", compression_opts=1), ".csv": csv,
}  # fmt: skip


def peak_mb() -> int:
    """Peak memory of this process; ``ru_maxrss`` would include the parent's memory at the fork."""
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024)


def measured(path: Path) -> dict[str, float]:
    """Time and memory for reading and slicing in this process."""
    start, cpu = time.perf_counter(), time.process_time()
    found = read_recording(path)
    read = time.perf_counter()
    origin = Recording(found.t_us - found.t_us[0], found.x, found.y, found.p, SENSOR)
    slicing = Slicing(STEPS, SENSOR, SIZE, 2, SECONDS * 1_000_000, EventsConfig(window_ms=0.0, sensor=SENSOR))
    slicing.frames(origin)
    end = time.perf_counter()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "events": len(found),
        "file_mb": round(path.stat().st_size / 1e6, 1),
        "read_s": round(read - start, 2),
        "cut_s": round(end - read, 2),
        "peak_mb": peak_mb(),
        "processor_s": round(time.process_time() - cpu + usage.ru_utime + usage.ru_stime, 2),
    }


def main() -> None:
    """Measure every format."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--formats", default=",".join(WRITERS))
    parser.add_argument("--read", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.read:
        print(json.dumps(measured(given.read)))
        return
    from common import write  # imports torch, which readers do not need

    recorded, rows = events(given.events), {}
    with tempfile.TemporaryDirectory() as folder:
        for ending in given.formats.split(","):
            path = Path(folder, f"recording{ending}")
            path.write_bytes(WRITERS[ending](recorded))
            command = [sys.executable, __file__, "--read", str(path)]
            done = subprocess.run(
                command, stdout=subprocess.PIPE, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
            )
            rows[ending] = json.loads(done.stdout)
            path.unlink()
            print(ending, rows[ending], flush=True)
    write("event_files", {"seconds_recorded": SECONDS, "sensor": SENSOR, "formats": rows})


if __name__ == "__main__":
    main()

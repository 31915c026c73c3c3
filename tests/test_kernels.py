"""The C++ kernels compared with NumPy: any sizes, densities and weights, for each instruction set and method."""

import ctypes
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings, strategies as st
from numpy.typing import NDArray

from neuronas.config import EVALUATED_BITS, FULL_PRECISION
from neuronas.fitness.engine.backend import Geometry
from neuronas.fitness.engine.native.convolution import SumFormat, convolve, spike_shape, sum_formats
from neuronas.fitness.engine.native.weights import PackedWeights, pack, padded
from neuronas.kernels.library import Native, load, native
from neuronas.kernels.structures import CProgram, CShape, Method, accepted
from neuronas.kernels.targets import TARGETS
from neuronas.snn.quantisation import FixedPoint

PLANE, TAIL = 32, 64
needs_kernels = pytest.mark.skipif(native().library is None, reason=native().reason)
pytestmark = needs_kernels


def kernels() -> list[tuple[str, Native, Method]]:
    """Each instruction set of this machine, with each of its methods."""
    loaded = [load(target) for target in TARGETS if target.is_supported]
    return [
        (f"{one.label} {method.name}", one, method)
        for one in loaded
        for method in [Method.EVENTS, Method.TILES][: 1 + one.has_tiles]
    ]


@dataclass(frozen=True)
class Case:
    """A convolution: sizes, share of neurons that spike, and distribution of the weights."""

    channels: int
    out_channels: int
    height: int
    width: int
    kernel: int = 3
    bits: int = 8
    density: float = 0.2
    weights: str = "any"
    groups: int = 1
    batch: int = 2
    timesteps: int = 1
    threads: int = 2
    seed: int = 0

    @property
    def geometry(self) -> Geometry:
        return Geometry(self.timesteps, self.batch, self.channels, self.height, self.width)

    def drawn(self) -> tuple[NDArray[np.bool_], FixedPoint]:
        """Spikes [T, B, C, H, W], and weights; weights between groups are 0."""
        rng = np.random.default_rng(self.seed)
        spikes = rng.random((self.timesteps, self.batch, *self.geometry.shape)) < self.density
        largest = 2 ** ((24 if self.bits == FULL_PRECISION else self.bits) - 1) - 1
        shape = (self.out_channels, self.channels, self.kernel, self.kernel)
        codes = {
            "any": lambda: rng.integers(-largest - 1, largest + 1, shape),  # the kernels also support -2^(bits - 1)
            "positive": lambda: np.full(shape, largest),
            "negative": lambda: -rng.integers(0, largest + 1, shape),
            "lowest": lambda: np.full(shape, -largest - 1),
            "zero": lambda: np.zeros(shape, dtype=np.int64),
        }[self.weights]()
        group = [np.arange(n) * self.groups // n for n in shape[:2]]
        codes[group[0][:, None] != group[1]] = 0
        return spikes, FixedPoint(codes.astype(np.int32), 3)


def in_planes(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """[T, B, C, H, W] -> [T, B, values] in the layout of kernels/lanes.h."""
    steps, batch, channels = values.shape[:3]
    wide = np.pad(values, ((0, 0), (0, 0), (0, padded(channels) - channels), (0, 0), (0, 0)))
    planes = np.split(wide, range(PLANE, wide.shape[2], PLANE), axis=2)
    return np.concatenate([np.moveaxis(plane, 2, 4).reshape(steps, batch, -1) for plane in planes], axis=2)


def packed(spikes: NDArray[np.bool_], geometry: Geometry) -> torch.Tensor:
    rows = np.packbits(in_planes(spikes), axis=2, bitorder="little")
    made = np.zeros(spike_shape(geometry), dtype=np.uint8)
    made[:, : geometry.batch, : rows.shape[2]] = rows
    return torch.from_numpy(made)


def convolution(spikes: NDArray[np.bool_], codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Same padding: [T, B, out, H, W]. Products of float64 matrices are exact here, since all sums are below 2^53."""
    (height, width), kernel = spikes.shape[3:], codes.shape[2]
    half = kernel // 2
    wide = np.pad(spikes, ((0, 0), (0, 0), (0, 0), (half, half), (half, half))).astype(np.float64)
    found = np.zeros((*spikes.shape[:2], len(codes), height * width))
    for y in range(kernel):
        for x in range(kernel):
            part = wide[:, :, :, y : y + height, x : x + width]
            found += codes[:, :, y, x].astype(np.float64) @ part.reshape(*spikes.shape[:3], -1)
    assert np.abs(found).max() < 2**53
    return found.astype(np.int64).reshape(*found.shape[:3], height, width)


def statistics(sums: NDArray[np.int64], form: SumFormat) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sums and sums of squares [T, out], added in the kernels' order: within an image, then over images in order."""
    flat = sums.reshape(*sums.shape[:3], -1)
    if form is SumFormat.DOUBLE:  # squares are rounded pixel by pixel
        each = (flat.astype(np.float64), flat.astype(np.float64) ** 2)
        totals = [np.cumsum(one, axis=3)[..., -1] for one in each]
    else:
        totals = [one.sum(axis=3).astype(np.float64) for one in (flat, flat**2)]
    return np.cumsum(totals[0], axis=1)[:, -1], np.cumsum(totals[1], axis=1)[:, -1]


def check(case: Case) -> None:
    spikes, weights = case.drawn()
    geometry, bits = case.geometry, packed(spikes, case.geometry)
    expected = convolution(spikes, weights.codes)
    n = geometry.n_pixels * padded(case.out_channels)
    for form in {*sum_formats(weights, geometry.n_pixels), SumFormat.DOUBLE}:
        fits_format = form is not SumFormat.INT16 or bool(np.abs(expected).max() < 2**15)
        stored = in_planes(expected).astype(np.int16 if form is SumFormat.INT16 else np.float32)
        sums, squares = statistics(expected, form)
        for name, loaded, method in kernels():
            memory = torch.full((case.timesteps * case.batch * n + TAIL,), 77, dtype=form.dtype)
            out = memory[:-TAIL].view(case.timesteps, case.batch, n)
            laid_out = pack(weights, method)
            totals, total_squares, fits = convolve(loaded.library, bits, laid_out, geometry, out, form, case.threads)
            assert fits == fits_format, (name, form, case)
            assert (memory[-TAIL:] == 77).all(), f"{name} writes beyond the values: {case}"
            if fits:
                assert np.array_equal(out.numpy(), stored), (name, form, case)
                assert np.array_equal(totals[:, : case.out_channels].numpy(), sums), (name, form, case)
                assert np.array_equal(total_squares[:, : case.out_channels].numpy(), squares), (name, form, case)


CASES = st.builds(
    Case,
    channels=st.integers(1, 70),
    out_channels=st.integers(1, 70) | st.sampled_from([128, 129, 144]),
    height=st.integers(1, 9),
    width=st.integers(1, 9) | st.sampled_from([16, 17, 33, 65]),
    kernel=st.sampled_from([1, 3, 5, 7]),
    bits=st.sampled_from([*EVALUATED_BITS, FULL_PRECISION]),
    density=st.sampled_from([0.0, 0.01, 1.0]) | st.floats(0, 1),
    weights=st.sampled_from(["any", "positive", "negative", "lowest", "zero"]),
    groups=st.integers(1, 4),
    batch=st.integers(1, 3),
    timesteps=st.integers(1, 2),
    threads=st.integers(0, 3),
    seed=st.integers(0, 2**32 - 1),
)


@given(CASES)
@example(Case(1, 1, 1, 1, 7))
@example(Case(16, 16, 1, 9, 7, density=1.0))
@example(Case(33, 65, 9, 1, 5, bits=16, density=1.0))
@example(Case(48, 48, 2, 2, 7, bits=32, weights="positive", density=1.0))  # four slices
@example(Case(17, 20, 3, 65, 5, bits=32, weights="lowest", density=1.0))
@example(Case(29, 20, 5, 5, 3, weights="positive", density=1.0))  # 258 weights of 127 and less at the border: int16
@example(Case(256, 17, 4, 4, 1, weights="lowest", density=1.0))  # -2^15, which is rejected
@example(Case(255, 17, 4, 4, 1, weights="lowest", density=1.0))
@example(Case(258, 130, 4, 4, 1, weights="positive", density=1.0))  # 2^15 - 2
@example(Case(130, 256, 3, 70, 1, density=0.1))
@example(Case(12, 12, 5, 5, 3, weights="zero", density=1.0))
@example(Case(20, 20, 40, 40, 3, density=0.3, batch=1))  # several bands of rows
def test_convolutions_are_exact(case: Case) -> None:
    check(case)


@pytest.mark.nightly
@settings(max_examples=600)
@given(CASES)
def test_convolutions_are_exact_for_many_cases(case: Case) -> None:
    check(case)


def common(loaded: Native, bits: NDArray[np.uint8], threads: int) -> NDArray[np.int32]:
    assert loaded.library is not None
    steps, rows, row_bytes = bits.shape
    found = np.full((steps, rows, rows), -1, dtype=np.int32)
    loaded.library.neuronas_common(
        ctypes.c_void_p(bits.ctypes.data), ctypes.c_int64(steps), ctypes.c_int64(rows), ctypes.c_int64(row_bytes),
        ctypes.c_void_p(found.ctypes.data), ctypes.c_int32(threads),
    )  # fmt: skip
    return found


def random_rows(seed: int, steps: int, rows: int, row_bytes: int, density: float) -> NDArray[np.uint8]:
    ones = np.random.default_rng(seed).random((steps, rows, row_bytes * 8)) < density
    return np.packbits(ones, axis=2)


def in_common(bits: NDArray[np.uint8]) -> NDArray[np.int32]:
    ones = np.unpackbits(bits, axis=2).astype(np.float32)
    return (ones @ ones.transpose(0, 2, 1)).astype(np.int32)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 5), st.integers(1, 20), st.floats(0, 1))
@example(0, 1, 1, 80, 1.0)
def test_common_spikes_are_counted(seed: int, steps: int, blocks: int, pieces: int, density: float) -> None:
    bits = random_rows(seed, steps, 4 * blocks, 64 * pieces, density)
    for target in TARGETS:
        if target.is_supported:
            for threads in (0, 1, 3):
                assert np.array_equal(common(load(target), bits, threads), in_common(bits)), (target.name, threads)


def test_threads_of_the_program_may_call_at_once() -> None:
    """One of them gets the pool of threads at a time; the others run alone."""
    some = [random_rows(seed, 2, 12, 128, 0.3) for seed in range(4)]
    expected = [in_common(bits) for bits in some]
    loaded = [load(target) for target in TARGETS if target.is_supported]

    def many(number: int) -> bool:
        return all(
            np.array_equal(
                common(loaded[i % len(loaded)], some[(number + i) % 4], 1 + i % 5), expected[(number + i) % 4]
            )
            for i in range(300)
        )

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(many, range(8))) == [True] * 8


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_a_kernel_that_gets_no_memory_says_so(threads: int) -> None:
    """Also if a thread of the pool requests it."""
    pixels, images = CShape(1, 4, 2**45, 1, 16), CShape(1, 2**45, 1, 1, 16)
    nothing, n = ctypes.c_void_p(), ctypes.c_int32(threads)
    for target in TARGETS:
        if target.is_supported:
            library, program = load(target).library, ctypes.byref(CProgram())
            assert library is not None
            for answer in (
                library.neuronas_materialise(program, ctypes.byref(pixels), nothing, n),
                library.neuronas_statistics(program, ctypes.byref(images), nothing, nothing, n),
            ):
                with pytest.raises(MemoryError, match="use a smaller batch size or fewer threads"):
                    accepted(answer)


COMMON = """
import os, resource, signal, sys, threading
sys.path[:0] = {path!r}
import numpy as np
from neuronas.kernels.library import native
import ctypes

def common(bits, threads):
    steps, rows, row_bytes = bits.shape
    found = np.full((steps, rows, rows), -1, dtype=np.int32)
    native().library.neuronas_common(
        ctypes.c_void_p(bits.ctypes.data), ctypes.c_int64(steps), ctypes.c_int64(rows), ctypes.c_int64(row_bytes),
        ctypes.c_void_p(found.ctypes.data), ctypes.c_int32(threads))
    return found

bits = np.random.default_rng(0).integers(0, 256, (2, 64, 1024), dtype=np.uint8)
expected = common(bits, 1)
"""

FORKS = """
stop = threading.Event()

def work():
    while not stop.is_set():
        assert np.array_equal(common(bits, 3), expected)

others = [threading.Thread(target=work) for _ in range(2)]
for other in others:
    other.start()
for _ in range(20):
    child = os.fork()
    if not child:
        signal.alarm(30)
        os._exit(0 if all(np.array_equal(common(bits, n), expected) for n in (3, 2, 5)) else 1)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for other in others:
    other.join()
"""


# A thread needs 8 MiB of address space for its stack.
FEW_THREADS = """
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (size + 2**25, resource.RLIM_INFINITY))
for _ in range(3):
    assert np.array_equal(common(bits, 32), expected)
assert len(os.listdir("/proc/self/task")) < 32
"""


@pytest.mark.parametrize("work", [FORKS, FEW_THREADS], ids=["forked while a kernel runs", "short of threads"])
def test_a_process_may_be(work: str) -> None:
    script = COMMON.format(path=sys.path) + work
    subprocess.run([sys.executable, "-W", "ignore::DeprecationWarning", "-c", script], env=os.environ, check=True)


def test_weights_that_are_kept_stay_within_their_limit() -> None:
    drawn = [FixedPoint(np.full((16, 16, 3, 3), code, np.int32), 0) for code in range(1, 6)]
    kept = PackedWeights(2 * 2**21)  # two huge pages
    first = kept.get(drawn[0], Method.EVENTS)
    kept.get(drawn[1], Method.EVENTS)
    assert kept.get(drawn[0], Method.EVENTS) is first
    kept.get(drawn[2], Method.EVENTS)  # replaces the least recently used one
    assert kept.get(drawn[0], Method.EVENTS) is first and kept.used_bytes == kept.limit_bytes
    for weights in drawn[1:]:
        assert (kept.get(weights, Method.EVENTS).array == weights.codes.max()).any()
        assert kept.used_bytes <= kept.limit_bytes
    assert kept.get(drawn[0], Method.EVENTS) is not first

"""The engine computes the fitness of the reference: every backend, space, precision and memory limit."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings, strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from neuronas.config import FITNESS, OPERATIONS
from neuronas.errors import ConfigurationError
from neuronas.fitness.engine import int8
from neuronas.fitness.engine.backend import Array, Backend, Geometry
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.native import backend as native_backend
from neuronas.fitness.engine.native.backend import NativeBackend
from neuronas.fitness.engine.native.memory import BufferPool
from neuronas.fitness.engine.native.program import compile_value
from neuronas.fitness.engine.select import describe_kernels, select_backend
from neuronas.fitness.engine.store import Store
from neuronas.fitness.engine.torch_backend import TorchBackend
from neuronas.fitness.engine.values import Added, Leaf, Pooled, Value
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.kernels.library import load, native
from neuronas.kernels.structures import Method
from neuronas.kernels.targets import TARGETS
from neuronas.snn.arithmetic import exact_conv2d
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.quantisation import FixedPoint, sliced
from neuronas.snn.weights import WeightSource
from neuronas.space.build import EdgeBuilder
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Link
from neuronas.space.node_operations import Pool
from neuronas.space.notation import parse_architecture
from neuronas.space.operations import Operation
from neuronas.space.shape import NetworkShape
from neuronas.space.spaces import Space, load_space

GIB = 2**30
MEAN = Pool((3, 3), (1, 1), 1)
CPU = torch.device("cpu")


def backends(neuron: NeuronParameters, threads: int = 2) -> dict[str, Backend]:
    """Every available backend, with each instruction set and each convolution method."""
    found: dict[str, Backend] = {"torch": TorchBackend(neuron, CPU)}
    if native().library is not None:
        for target in TARGETS:
            if target.is_supported:
                kernels = load(target)
                for method in [Method.EVENTS, Method.TILES][: 1 + kernels.has_tiles]:
                    name = f"{target.name} {method.name}"
                    found[name] = NativeBackend(kernels, neuron, threads, GIB, method)
    return found


def compare(
    space: Space,
    seed: int,
    *,
    bits: int,
    batch: int,
    channels: int,
    side: int | tuple[int, int],
    timesteps: int,
    fitness: str,
    n: int = 4,
) -> None:
    rng = random.Random(seed)
    architectures = [space.random_architecture(rng) for _ in range(n)]
    shape = NetworkShape(3, side, 10, channels, n_cells=space.cells)
    images = torch.randn(2, batch, 3, *shape.image_size, generator=torch.Generator().manual_seed(seed))
    neuron = NeuronParameters(rng.choice([4 / 3, 2.0, 1.7]), rng.choice([1.0, 0.6]), rng.choice([0.0, -0.25]))
    weights = WeightSource(seed, bits, rng.choice(["nearest", "floor", "stochastic"]))
    wanted = dict(
        ReferenceEvaluator(images, shape, weights, neuron, timesteps, FITNESS[fitness]).evaluate(architectures)
    )
    for name, backend in backends(neuron).items():
        engine = EngineEvaluator(images, shape, weights, timesteps, FITNESS[fitness], backend, GIB, neuron.v_threshold)
        found = dict(engine.evaluate(architectures))
        assert found == pytest.approx(wanted, rel=1e-9), name


CASES = st.fixed_dictionaries({
    "space": st.sampled_from(["neuronas", "snasnet", "snasnet-backward", "spikenas-bench"]).map(load_space),
    "seed": st.integers(0, 10_000),
    "bits": st.sampled_from([4, 8, 16, 32]),
    "batch": st.sampled_from([3, 7, 12]),
    "channels": st.sampled_from([5, 16, 24]),
    "side": st.sampled_from([8, 9, 18]),
    "fitness": st.sampled_from(["sahd", "sahd-mean", "sahd-snasnet", "hamming", "path-information"]),
})  # fmt: skip
patient = settings(
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking would take minutes
)


@settings(patient, max_examples=settings.default.max_examples // 10)
@given(CASES)
def test_engine_and_reference_agree(case: dict[str, Any]) -> None:
    compare(**case, timesteps=3)


@pytest.mark.nightly
@settings(patient, max_examples=100)
@given(CASES)
def test_engine_and_reference_agree_on_many_networks(case: dict[str, Any]) -> None:
    compare(**case, timesteps=3)


@pytest.mark.parametrize("bits", [4, 8, 10, 16, 32])
@pytest.mark.parametrize("channels", [72, pytest.param(128, marks=pytest.mark.nightly)])
def test_engine_and_reference_agree_on_wide_layers_and_every_kernel(bits: int, channels: int) -> None:
    space = Space(operations=("conv_1x1", "conv_5x5", "conv_7x7", "skip", "avg_pool_3x3"), backward=True)
    compare(space, 3, bits=bits, batch=4, channels=channels, side=8, timesteps=2, fitness="sahd", n=2)


def test_three_cells() -> None:
    space = Space(operations=("skip", "conv_3x3"), cells=3)
    compare(space, 1, bits=8, batch=5, channels=8, side=16, timesteps=3, fitness="sahd")


@pytest.mark.parametrize("backward", [pytest.param(False, marks=pytest.mark.nightly), True])
@pytest.mark.parametrize(
    ("nodes", "side", "channels", "fitness"),
    [(3, (8, 12), 6, "sahd"), (4, (9, 8), 40, "path-information"), (5, (8, 21), 16, "path-information"),
     (6, 8, 18, "hamming")],
)  # fmt: skip
def test_engine_and_reference_agree_on_any_operation_nodes_and_sides(
    own_operations: tuple[str, ...],
    nodes: int,
    side: int | tuple[int, int],
    channels: int,
    fitness: str,
    backward: bool,
) -> None:
    operations = ("skip", "conv_3x3", "avg_pool_3x3", "max_pool_3x3", "dwconv_3x3", *own_operations)
    space = Space(operations=operations, nodes=nodes, backward=backward)
    compare(space, nodes, bits=8, batch=5, channels=channels, side=side, timesteps=3, fitness=fitness)


@pytest.mark.parametrize("text", [
    "|spikes_alone~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|",
    "|spikes_alone~0|+|conv_1x1^0|skip~1|+|skip~0|skip~1|conv_3x3~2|",
])  # fmt: skip
def test_spikes_that_no_convolution_reads_are_refused(text: str) -> None:
    class SpikesAlone(Operation):
        equation = "LIF(x)"
        identity = "function"

        def lower(self, edge: EdgeBuilder, value: Link) -> Link:
            return edge.fire(value)

    OPERATIONS.add("spikes_alone", SpikesAlone("spikes_alone"))
    try:
        with pytest.raises(ConfigurationError, match="reads spikes; expected neurons in front of each convolution"):
            list(make_engine(TorchBackend(NeuronParameters(), CPU)).evaluate([parse_architecture(text)]))
    finally:
        OPERATIONS.remove("spikes_alone")


def test_one_time_step_feeds_nothing_back() -> None:
    text = "|skip~0|+|skip~0|conv_3x3^1|+|skip~0|skip~1|skip~2|"
    images = torch.randn(1, 5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for fitness in ("sahd", "path-information"):
        settings_ = (images, NetworkShape(3, 8, 10, 4), WeightSource(0, 8))
        measure, architectures = FITNESS[fitness], [parse_architecture(text)]
        expected = dict(ReferenceEvaluator(*settings_, NeuronParameters(), 1, measure).evaluate(architectures))
        for name, backend in backends(NeuronParameters()).items():
            found = dict(EngineEvaluator(*settings_, 1, measure, backend, GIB).evaluate(architectures))
            assert found == pytest.approx(expected, rel=1e-9), name


def make_engine(backend: Backend, limit: int = GIB, batch: int = 9) -> EngineEvaluator:
    images = torch.randn(1, batch, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    return EngineEvaluator(images, NetworkShape(3, 16, 10, 16), WeightSource(0, 8), 3, FITNESS["sahd"], backend, limit)


@pytest.fixture(scope="module")
def some_architectures() -> list[Architecture]:
    rng = random.Random(8)
    cells = [load_space("neuronas").random_genotype(rng) for _ in range(12)]
    return [Architecture((cell,)) for cell in cells] + [Architecture((cells[0], cell)) for cell in cells]


@pytest.mark.parametrize("name", ["torch", "avx512 TILES", "avx512 EVENTS", "avx2 EVENTS", "neon EVENTS"])
def test_memory_limit_threads_and_company_leave_no_trace(name: str, some_architectures: list[Architecture]) -> None:
    neuron = NeuronParameters()
    if name not in backends(neuron):
        pytest.skip(f"the backend '{name}' does not run on this machine")
    wanted = dict(make_engine(backends(neuron)[name]).evaluate(some_architectures))
    for threads in (1, 3):
        assert dict(make_engine(backends(neuron, threads=threads)[name]).evaluate(some_architectures)) == wanted
    tight = make_engine(backends(neuron)[name], limit=4_500_000)
    assert dict(tight.evaluate(some_architectures)) == wanted
    for index in (0, 7, 20):
        [(_, alone)] = make_engine(backends(neuron)[name]).evaluate([some_architectures[index]])
        assert alone == wanted[index]
    backwards = dict(make_engine(backends(neuron)[name]).evaluate(some_architectures[::-1]))
    assert backwards == {len(wanted) - 1 - index: value for index, value in wanted.items()}


def test_a_memory_limit_that_is_too_small_says_what_is_needed(some_architectures: list[Architecture]) -> None:
    engine = make_engine(TorchBackend(NeuronParameters(), CPU), limit=100_000)
    with pytest.raises(
        ConfigurationError, match=r"--memory-limit .* is too small for one candidate; expected at least"
    ):
        list(engine.evaluate(some_architectures))


class Counting(TorchBackend):
    """Counts convolutions by their weights, and LIF computations."""

    def __init__(self) -> None:
        super().__init__(NeuronParameters(), CPU)
        self.convolutions: Counter[bytes] = Counter()
        self.n_fired = 0

    def convolve(self, spikes, weights, geometry):  # type: ignore[no-untyped-def]
        self.convolutions[weights.codes.tobytes()] += 1
        return super().convolve(spikes, weights, geometry)

    def fire(self, *arguments, **options):  # type: ignore[no-untyped-def]
        self.n_fired += 1
        return super().fire(*arguments, **options)


def count_second_cells(fitness: str) -> Counting:
    """Evaluate all second cells of a space after a fixed first one."""
    plain = parse_architecture("|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|skip~2|").cells[0]
    cells = list(load_space("neuronas").genotypes())
    counting = Counting()
    images = torch.randn(1, 4, 3, 8, 8)
    engine = EngineEvaluator(images, NetworkShape(3, 8, 10, 4), WeightSource(0, 8), 1, FITNESS[fitness], counting, GIB)
    list(engine.evaluate([Architecture((plain, cell)) for cell in cells]))
    return counting


def test_a_measure_that_does_not_read_the_output_leaves_out_the_last_convolutions() -> None:
    counting = count_second_cells("path-information")
    assert counting.convolutions.total() <= 1 + 1 + 3 + 1  # edges 01, 02 and 12, and the reduction
    assert counting.n_fired <= 1 + 3 + 27 + 1


def test_a_whole_cell_space_shares_its_convolutions() -> None:
    """With cell A fixed, the 729 second cells need at most 36 convolutions; coinciding nodes save some more."""
    counting = count_second_cells("sahd")
    assert counting.convolutions.total() <= 36 + 1
    # LIF layers: 1 on the input, 3 variants of node 1, 27 of node 2, the reduction, one after each distinct output
    assert counting.n_fired <= 1 + 3 + 27 + 1 + 729


def test_twins_in_sharing_cost_nothing(some_architectures: list[Architecture]) -> None:
    once, twice = Counting(), Counting()
    list(make_engine(once).evaluate(some_architectures))
    list(make_engine(twice).evaluate([*some_architectures, *some_architectures]))
    assert once.convolutions == twice.convolutions
    assert once.n_fired == twice.n_fired


def test_store_keeps_what_is_needed_first() -> None:
    store = Store(100, {"a": [0, 9], "b": [0, 2], "c": [0, 5], "d": [0]})
    for key in "abcd":
        store.put(key, key.upper(), 20)
    store.advance(1)
    assert store.get("d") is None  # no longer needed
    with store.pinned("a"):
        store.reserve(60)  # of the others, c is needed later than b
        assert [store.get(key) for key in "abc"] == ["A", "B", None]
    store.reserve(80)
    assert [store.get(key) for key in "ab"] == [None, "B"]
    with store.pinned("b"), pytest.raises(ConfigurationError, match="too small for one candidate"):
        store.reserve(90)


def test_buffers_come_back_when_the_last_view_is_gone() -> None:
    buffers = BufferPool(2**26)
    first = buffers.empty((1000, 1000), torch.float32)
    address, view = first.data_ptr(), first[10:20].view(torch.int32)
    del first
    assert buffers.empty((1000, 1000), torch.float32).data_ptr() != address
    del view
    assert address in {buffers.empty((999, 1000), torch.float32).data_ptr() for _ in range(3)}


def test_unused_buffers_make_room_for_other_memory() -> None:
    buffers = BufferPool(2**26)
    used, unused = (buffers.empty((2**20,), torch.float32) for _ in range(2))
    del unused
    buffers.make_room(2**25)
    assert buffers.n_bytes == 2**23  # 4 MiB of each are within the limit
    buffers.make_room(2**26)
    assert buffers.n_bytes == 2**22 == used.numel() * 4


@settings(max_examples=50)
@given(st.integers(0, 99), st.sampled_from([3, 7, 8, 12, 15, 16, 23, 24]))
def test_slices_add_up(seed: int, bits: int) -> None:
    largest = 2 ** (bits - 1) - 1
    codes = np.random.default_rng(seed).integers(-largest, largest + 1, (3, 2, 1, 1)).astype(np.int32)
    weights = FixedPoint(codes, 0)
    slices = sliced(weights)
    assert slices.dtype == np.int8
    assert len(slices) == weights.n_slices <= -(-bits // 8) + (bits % 8 == 0)
    total = sum(part.astype(np.int64) * 256**power for power, part in enumerate(slices))
    assert (total == codes).all()


@pytest.mark.parametrize(("bits", "channels", "side", "operation"), [(8, 5, 4, "conv_3x3"), (16, 9, 3, "conv_1x1")])
def test_integer_matrix_products_are_the_convolution(
    bits: int, channels: int, side: int, operation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path used on CUDA, here on the CPU, in chunks of one image."""
    if not int8.available(CPU):
        pytest.skip("this torch multiplies no integer matrices on the CPU")
    monkeypatch.setattr(int8, "_CHUNK_BYTES", 1)
    weights = WeightSource(0, bits).convolution("A.01." + operation, channels, 7, int(operation[-1]))
    spikes = torch.rand(3, channels, side, side, generator=torch.Generator().manual_seed(1)) < 0.5
    found = int8.int8_conv2d(spikes, torch.from_numpy(sliced(weights)))
    assert torch.equal(found.double(), exact_conv2d(spikes, torch.from_numpy(weights.codes)).double())


@pytest.mark.parametrize(("batch", "channels", "side", "out_channels"), [(1, 3, 5, 9), (3, 16, 9, 16), (5, 1, 7, 2)])
def test_integer_matrix_products_come_as_cuda_wants_them(
    batch: int, channels: int, side: int, out_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cuBLAS rejects few rows, gives wrong sums for odd numbers of rows, and is fast if K is innermost in both."""
    if not int8.available(CPU):
        pytest.skip("this torch multiplies no integer matrices on the CPU")
    plain = torch._int_mm

    def checked(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        assert one.shape[0] % 32 == 0 and one.shape[1] % 8 == 0 and other.shape[1] % 8 == 0
        assert one.stride(1) == 1 and other.stride(0) == 1
        return plain(one, other)

    monkeypatch.setattr(torch, "_int_mm", checked)
    generator = torch.Generator().manual_seed(0)
    spikes = torch.rand(batch, channels, side, side, generator=generator) < 0.5
    codes = torch.randint(-128, 128, (1, out_channels, channels, 3, 3), dtype=torch.int8, generator=generator)
    assert torch.equal(int8.int8_conv2d(spikes, codes).double(), exact_conv2d(spikes, codes[0].int()).double())
    flat = spikes.flatten(1).double()
    assert torch.equal(int8.int8_products(spikes.flatten(1)[None])[0], flat @ flat.T)


class Divisors(TorchDispatchMode):
    """Collects the divisors of large tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[object] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        if func is torch.ops.aten.div.Tensor and args[0].numel() > 1000:
            self.found.append(args[1])
        return func(*args, **(kwargs or {}))


def test_no_value_is_divided_by_a_plain_number() -> None:
    """CUDA would multiply by the rounded reciprocal, so its spikes would differ from the CPU's."""
    text = "|avg_pool_3x3~0|+|skip~0|conv_3x3~1|+|skip~0|avg_pool_3x3~1|conv_3x3~2|"
    with Divisors() as divisors:
        list(make_engine(TorchBackend(NeuronParameters(), CPU)).evaluate([parse_architecture(text)]))
    assert len(divisors.found) > 3
    assert all(isinstance(one, torch.Tensor) for one in divisors.found)


def test_a_search_on_integer_matrix_products_agrees(some_architectures: list[Architecture]) -> None:
    images = torch.randn(1, 5, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    found = []
    for integers in (False, True):
        backend = TorchBackend(NeuronParameters(), CPU, has_integers=integers)
        engine = EngineEvaluator(
            images, NetworkShape(3, 8, 10, 6), WeightSource(0, 8), 3, FITNESS["sahd"], backend, GIB
        )
        found.append(dict(engine.evaluate(some_architectures)))
    assert found[0] == found[1]


def test_fallbacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each missing component selects the next best backend, and doctor reports it."""

    def chosen() -> str:
        return select_backend(NeuronParameters(), CPU, 1, GIB).name

    def without(**changes: object) -> None:
        for name, value in changes.items():
            monkeypatch.setenv(name, str(value))
        native.cache_clear()
        load.cache_clear()

    try:
        without(NEURONAS_NATIVE="0")
        assert chosen() == "torch (cpu)"
        assert "disabled by NEURONAS_NATIVE=0" in describe_kernels(CPU).missing[0]
        without(NEURONAS_NATIVE="1", NEURONAS_CACHE=tmp_path, PATH="/nowhere", CXX="no-such-compiler")
        assert chosen() == "torch (cpu)"
        assert "C++ compiler not found" in describe_kernels(CPU).missing[0]
        monkeypatch.undo()
        native.cache_clear()
        load.cache_clear()
        found = native()
        if found.library is None:
            pytest.skip(f"no native kernels here: {found.reason}")
        assert chosen().startswith("native kernels")
        for target in TARGETS:
            if target.is_supported:
                without(NEURONAS_TARGET=target.name)
                assert f"native kernels, {target.label}" in chosen()
        without(NEURONAS_TARGET="vax")
        assert chosen() == "torch (cpu)"
        assert "NEURONAS_TARGET=vax given; expected one of" in describe_kernels(CPU).missing[0]
    finally:
        monkeypatch.undo()
        native.cache_clear()
        load.cache_clear()


def test_a_compiler_that_fails_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo 1.0 && exit 0\necho 'internal compiler error' >&2; exit 1\n"
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    native.cache_clear()
    load.cache_clear()
    try:
        assert "internal compiler error" in native().reason
        assert select_backend(NeuronParameters(), CPU, 1, GIB).name == "torch (cpu)"
    finally:
        monkeypatch.undo()
        native.cache_clear()
        load.cache_clear()


def test_programs_compute_common_parts_once_and_constant_parts_first() -> None:
    stem, sums = Leaf((4, 8, 8)), Leaf((4, 8, 8))
    pooled = Pooled((stem,), stem, MEAN)
    inner = Added((stem, sums), (pooled, sums))
    value = Added((stem, sums), (pooled, Pooled(inner.leaves, inner, MEAN), inner))
    program = compile_value(value, frozenset({stem}))
    assert [(step.pool, step.constant) for step in program.steps] == [(MEAN, True), (MEAN, False), (None, False)]
    first, second, added = program.steps
    assert second.terms == added.terms == (first.target, sums)  # pooling also adds; the stem is pooled once
    assert program.terms == (first.target, second.target, added.target)
    assert first.target not in {second.target, added.target}  # it is needed at all time steps


def test_programs_never_write_what_is_still_read() -> None:
    """Six terms, four of them pools of pools: more than a kernel adds at once, so buffers are released and reused."""
    leaves = [Leaf((4, 8, 8)) for _ in range(6)]
    chains: list[Value] = [Pooled((leaf,), Pooled((leaf,), leaf, MEAN), MEAN) for leaf in leaves[:4]]
    program = compile_value(Added(tuple(leaves), (*chains, *leaves[4:])), frozenset())
    content: dict[int, str] = {}

    def text(terms: tuple[Leaf | int, ...]) -> str:
        return "+".join(content[term] if isinstance(term, int) else f"x{leaves.index(term)}" for term in terms)

    for step in program.steps:
        assert not (step.pool and step.target in step.terms)
        content[step.target] = f"p({text(step.terms)})" if step.pool else text(step.terms)
    assert text(program.terms) == "p(p(x0))+p(p(x1))+p(p(x2))+p(p(x3))+x4+x5"
    assert len(program.terms) <= 4


def test_codes_that_no_kernel_knows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    found = native()
    if found.library is None:
        pytest.skip(f"no native kernels here: {found.reason}")
    backend = NativeBackend(found, NeuronParameters(), 1, GIB)
    geometry, leaf = Geometry(1, 2, 4, 6, 5), Leaf((4, 6, 5))
    value = Pooled((leaf,), leaf, MEAN)
    leaves = {leaf: backend.dense(torch.ones(1, 2, 4, 6, 5), constant=True)}
    assert backend.materialise(value, leaves, geometry).data.max() == 1
    with monkeypatch.context() as patch:
        patch.setattr(native_backend, "_operation", lambda _: (3, 3))
        for compute in (
            lambda: backend.materialise(value, leaves, geometry),
            lambda: backend.fire(value, leaves, geometry, 1.0, normalised=False, with_spikes=False),
            lambda: backend.fire(value, leaves, geometry, 1.0, normalised=True, with_spikes=False),
        ):
            with pytest.raises(ValueError, match="unknown code given to a kernel"):
                compute()
    monkeypatch.setitem(native_backend._KINDS, torch.float32, 9)
    sums = Array(torch.ones(1, 2, 4 * 30), torch.ones(1, 16), torch.ones(1, 16))
    with pytest.raises(ValueError, match="unknown code given to a kernel"):
        backend.reduce(sums, geometry)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("bits", [8, 16])
def test_sums_beyond_int16_are_noticed(sign: int, bits: int) -> None:
    """With weights of one sign, sums do not cancel: 256 channels of 3x3 reach 2304 times the largest code."""
    geometry, value, out = Geometry(2, 3, 256, 5, 5), Leaf((256, 5, 5)), Leaf((20, 5, 5))
    weights = FixedPoint(np.full((20, 256, 3, 3), sign * (2 ** (bits - 1) - 1), dtype=np.int32), bits - 1)
    drive = torch.randn(1, 3, 256, 5, 5, generator=torch.Generator().manual_seed(0)) + 1.5
    common = {}
    for name, backend in backends(NeuronParameters()).items():
        leaves = {value: backend.dense(drive, constant=True)}
        spikes = backend.fire(value, leaves, geometry, 1.0, normalised=False, with_spikes=True).spikes
        assert spikes is not None
        convolved = {out: backend.convolve(spikes, weights, geometry)}
        fired = backend.fire(out, convolved, Geometry(2, 3, 20, 5, 5), 0.1, normalised=True, with_spikes=False)
        common[name] = fired.common
        assert 0 < fired.common.diagonal(dim1=1, dim2=2).sum() < 2 * 3 * 500
    for name, found in common.items():
        assert torch.equal(found, common["torch"]), name


@pytest.mark.parametrize(("channels", "operation"), [(77, "conv_1x1"), (137, "conv_3x3")])
def test_full_precision_weights_that_need_four_slices(channels: int, operation: str) -> None:
    """The largest 24-bit codes do not fit three signed 8-bit slices; whether they occur depends on the fan-in."""
    weights = WeightSource(0, 32).convolution("A.01." + operation, channels, channels, int(operation[-1]))
    assert weights.n_slices == 4
    compare(Space(operations=(operation,), cells=1), 0, bits=32, batch=3, channels=channels, side=4, timesteps=2,
            fitness="sahd", n=1)  # fmt: skip

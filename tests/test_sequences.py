"""Sequences (one image per time step): equal images give the results of a still; engine and reference agree."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

import neuronas
from measured_activity import activity_of
from neuronas.api.setup.compose import plan
from neuronas.api.setup.dataset_settings import sensor_of
from neuronas.chip.mapped_layer import pixel_format
from neuronas.config import EXPORT_FORMATS, given
from neuronas.data.batches import first_images
from neuronas.data.memory import InMemoryDataSet
from neuronas.data.source import ArraySource
from neuronas.errors import ConfigurationError, DataError
from neuronas.export.content import ExportContent
from neuronas.export.crossbars import crossbars_document
from neuronas.export.from_network import bind
from neuronas.export.round_trip import export_network
from neuronas.export.rtl_format import SIMULATION
from neuronas.fitness.engine.evaluator import EngineEvaluator
from neuronas.fitness.engine.select import select_backend
from neuronas.fitness.engine.torch_backend import TorchBackend
from neuronas.fitness.measures import BUILTIN
from neuronas.fitness.reference import ReferenceEvaluator
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.paper import PaperCostModel
from neuronas.hardware.sensor import Sensor
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.metrics import METRICS, read_epochs
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.folded_time import different_steps, some_steps
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.trainable import WeightFormat
from neuronas.snn.weights import WeightSource
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import Workload, rows
from neuronas.training.early_exit import NEVER, Answers, chosen_threshold
from neuronas.training.images import Images

T, BATCH, SIDE = 3, 6, 8
CPU = torch.device("cpu")
SHAPE = {
    sequence: NetworkShape(2, SIDE, 3, 4, head="linear", head_width=8, n_voters=2, sequence=sequence)
    for sequence in (False, True)
}
FORWARD = parse_architecture("|conv_3x3~0|+|skip~0|conv_1x1~1|+|avg_pool_3x3~0|none~1|conv_3x3~2|")
FEEDBACK = parse_architecture("|conv_3x3~0|+|skip~0|conv_1x1^1|+|avg_pool_3x3^0|none~1|conv_1x1~2|")
LIF = NeuronParameters()


def still(seed: int = 0) -> Tensor:
    return torch.randn(BATCH, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))


def repeated(images: Tensor) -> Tensor:
    return images.expand(T, *images.shape).contiguous()


def engine(images: Tensor, measure: str, *, sequence: bool, kernels: bool = True) -> EngineEvaluator:
    backend = select_backend(LIF, CPU, 1, 2**28) if kernels else TorchBackend(LIF, CPU)
    weights = WeightSource(3, 4)
    return EngineEvaluator(images[None], SHAPE[sequence], weights, T, BUILTIN[measure], backend, 2**28)


def fitness(evaluator: EngineEvaluator | ReferenceEvaluator) -> list[float]:
    return [value for _, value in sorted(evaluator.evaluate([FORWARD, FEEDBACK]))]


def classifier(*, sequence: bool, **settings: object) -> Classifier:
    return Classifier(
        FORWARD,
        replace(SHAPE[sequence], head="gap"),
        ClassifierSettings(WeightFormat(8), LIF, T, **settings),  # type: ignore[arg-type]
    )


def awake(*, sequence: bool, **settings: object) -> Classifier:
    """A network whose running statistics make its neurons fire."""
    network = classifier(sequence=sequence, **settings).train()
    with torch.no_grad():
        for seed in range(30):
            images = [still(seed + step) for step in range(T)]
            network(torch.stack(images) if sequence else images[0])
    return network.eval()


@pytest.mark.parametrize("measure", ["path-information", "sahd-snasnet"])
def test_engine_and_reference_agree_to_the_bit_on_random_sequences(measure: str) -> None:
    images = torch.stack([still(seed) for seed in range(T)])
    reference = ReferenceEvaluator(images[None], SHAPE[True], WeightSource(3, 4), LIF, T, BUILTIN[measure])
    expected = fitness(reference)
    assert fitness(engine(images, measure, sequence=True)) == expected
    assert fitness(engine(images, measure, sequence=True, kernels=False)) == expected
    assert fitness(engine(repeated(images[0]), measure, sequence=True)) != expected  # other steps have an effect


def test_a_repeated_still_has_the_fitness_of_the_still() -> None:
    images = still()
    for measure in ("path-information", "sahd-snasnet"):
        expected = fitness(engine(images, measure, sequence=False))
        assert fitness(engine(repeated(images), measure, sequence=True)) == expected
        weights = WeightSource(3, 4)
        reference = ReferenceEvaluator(repeated(images)[None], SHAPE[True], weights, LIF, T, BUILTIN[measure])
        assert fitness(reference) == expected


def test_a_repeated_still_trains_to_the_weights_of_the_still() -> None:
    ours, theirs = classifier(sequence=False), classifier(sequence=True)
    targets = torch.arange(BATCH) % 3
    for seed in range(2):
        for network, x in ((ours, still(seed)), (theirs, repeated(still(seed)))):
            network.train()
            network.zero_grad()
            torch.nn.functional.cross_entropy(network(x).mean(dim=0), targets).backward()
            with torch.no_grad():
                for weight in network.parameters():
                    weight -= 0.1 * weight.grad
    expected = ours.state_dict()
    for name, values in theirs.state_dict().items():
        assert torch.equal(values, expected[name]), name


def test_time_steps_are_in_order() -> None:
    """A step cannot change the scores of earlier ones; it changes its own and later ones."""
    network = awake(sequence=True)
    images = torch.stack([still(seed) for seed in range(T)])
    changed = images.clone()
    changed[1] = 3 * still(7)
    with torch.no_grad():
        before, after = network(images), network(changed)
    assert torch.equal(before[0], after[0])
    assert not torch.equal(before[1:], after[1:])


def test_early_stages_read_some_steps_and_artificial_networks_the_mean() -> None:
    network, images = awake(sequence=True), 3 * torch.stack([still(seed) for seed in range(T)])
    whole, artificial = classifier(sequence=False).eval(), classifier(sequence=True, spiking=False).eval()
    whole.load_state_dict(network.state_dict())
    with torch.no_grad():
        for one in (network, whole):
            one.present(1, (SIDE, SIDE))
        assert torch.equal(network(images), whole(images[1]))  # the middle step
        for one in (network, whole):
            one.present(1, (SIDE // 2, SIDE // 2))
        assert torch.equal(network(images), whole(images[1]))
        network.present(2, (SIDE // 2, SIDE // 2))
        assert network(images).shape == (2, BATCH, 3)
        mean = classifier(sequence=False, spiking=False).eval()
        mean.load_state_dict(artificial.state_dict())
        assert torch.equal(artificial(images), mean(images.mean(dim=0)))
    steps = torch.arange(5.0)[:, None]
    drawn = set()
    for seed in range(40):
        torch.manual_seed(seed)
        found = some_steps(steps, 2, at_random=True).flatten().tolist()
        assert found == some_steps(steps, 2, at_random=True).flatten().tolist()
        drawn.add(tuple(found))
    assert drawn == {(0, 1), (1, 2), (2, 3), (3, 4)}
    assert some_steps(steps, 2, at_random=False).flatten().tolist() == [1, 2]
    assert some_steps(steps, 5, at_random=True) is steps


def test_only_equal_steps_are_computed_once() -> None:
    images = repeated(still())
    assert len(different_steps(images)) == 1
    images[-1, -1, -1, -1, -1] += 1e-6
    assert different_steps(images) is images


@pytest.mark.parametrize("shape", [(T + 1, BATCH, 2, SIDE, SIDE), (BATCH, 2, SIDE, SIDE)])
def test_images_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"expected \[T, B, C, H, W\] with T = 3"):
        classifier(sequence=True)(torch.zeros(shape))
    with pytest.raises(ValueError, match=r"expected \[B, C, H, W\]"):
        classifier(sequence=False)(torch.zeros(T, *shape[-4:]))


def test_the_first_images_of_batches() -> None:
    batches = torch.arange(2 * T * BATCH).reshape(2, T, BATCH, 1, 1, 1)
    assert first_images(batches, 4).flatten().tolist() == batches[0, :, :4].flatten().tolist()
    assert first_images(batches[:, 0], 4).shape == (1, 4, 1, 1, 1)
    assert first_images(batches[:, 0], 99).shape == (1, BATCH, 1, 1, 1)


def test_activity_of_each_step_is_measured_from_pixels() -> None:
    """The first layer reads event counts: no event is 0, whatever mean and standard deviation are."""
    counts = torch.poisson(torch.full((5, T, 2, SIDE, SIDE), 0.3), torch.Generator().manual_seed(1)).byte()
    counts[:, 1] = 0
    network = awake(sequence=True)
    images = Images(ArraySource(counts, np.zeros(5, np.int64)), (0.1, 0.2), (0.3, 0.05))
    found = activity_of(network, images, 5)
    bits = np.unpackbits(counts.numpy()[..., None], axis=-1).mean(axis=(0, 2, 3, 4, 5))
    stem = found.layers["stem"]
    assert stem.input_rates == pytest.approx(bits.tolist()) and stem.input_rates[1] == 0
    assert stem.input_rate == pytest.approx(bits.mean())
    held = (network.weighted_layers()["stem"].held != 0).float()
    products = torch.nn.functional.conv2d((counts.flatten(0, 1) > 0).float(), held, padding=1).sum() / 5
    assert stem.operations == pytest.approx(float(products))
    for name, layer in found.layers.items():
        assert len(layer.input_rates) == T, name
        assert np.mean(layer.input_rates) == pytest.approx(layer.input_rate), name
    spikes = found.layers["A.01"]
    assert spikes.spiking and spikes.input_rates[0] != spikes.input_rates[1]


def answers(right: list[list[int]], confidence: list[list[float]]) -> Answers:
    return Answers(np.array(right, dtype=bool), np.array(confidence))


def test_early_exits_by_hand() -> None:
    """Three time steps of four images: each exits at the first step with enough confidence."""
    found = answers(
        [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0]],
        [[0.9, 0.4, 0.6, 0.5], [0.9, 0.8, 0.5, 0.5], [0.9, 0.9, 0.7, 0.5]],
    )
    assert found.top1.tolist() == [0.25, 0.5, 0.75]
    assert found.exits(0.6).tolist() == [0, 1, 0, 2]
    assert found.exits(0.65).tolist() == [0, 1, 2, 2]
    assert (found.top1_at(0.6), found.top1_at(0.65), found.top1_at(NEVER)) == (0.5, 0.75, 0.75)
    assert 0.6 < chosen_threshold(found, 0.0) <= 0.7
    assert chosen_threshold(found, 1.0) == 0.4  # any accuracy will do
    confident = answers([[0, 0], [1, 1]], [[1.0, 1.0], [1.0, 1.0]])
    assert chosen_threshold(confident, 0.1) == NEVER


def test_answers_of_scores() -> None:
    scores = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[0.0, 4.0], [0.0, 1.0]]])  # [T, n, n_classes]
    found = Answers.of(scores, torch.tensor([1, 1]))
    assert found.right.tolist() == [[False, True], [True, True]]
    assert found.confidence[0, 0] == pytest.approx(1 / (1 + np.exp(-2)))
    assert found.confidence[1, 0] == pytest.approx(1 / (1 + np.exp(-1)))  # from the means 1 and 2


def content(network: Classifier) -> ExportContent:
    bound, shape = bind(network), network.shape
    size = {"channels": 2, "height": SIDE, "width": SIDE, "mean": (0.0, 0.0), "std": (0.02, 0.02)}
    model = MappedCostModel(load_accelerator("spikeflow-rram"), 8, T)
    table = rows(FORWARD, shape)
    placed = crossbars_document(table, model.work(table), "spikeflow-rram")
    given = NetworkInput(**size)  # type: ignore[arg-type]
    return ExportContent(bound, "text", 8, given, None, placed, accelerator=load_accelerator("spikeflow-rram"))


NEEDS = {"c": "cc", "rtl": SIMULATION}
"""Programs that verify a format."""


LONG = {"nir": pytest.mark.slow, "rtl": pytest.mark.nightly}
"""Formats whose verification takes long; ``test_rtl_export`` simulates shorter sequences."""


@pytest.mark.parametrize("name", [pytest.param(one, marks=LONG.get(one, ())) for one in EXPORT_FORMATS])
def test_exports_are_verified_on_sequences(name: str, tmp_path: Path) -> None:
    for package in EXPORT_FORMATS[name].packages:
        pytest.importorskip(package)
    if name in NEEDS and shutil.which(NEEDS[name]) is None:
        pytest.skip(f"{NEEDS[name]} is not installed")
    network = awake(sequence=True)
    with torch.no_grad():
        network.weighted_layers()["head"].weight.copy_(torch.randn(3, 8, generator=torch.Generator().manual_seed(0)))
    agreement = export_network(network, content(network), EXPORT_FORMATS[name], tmp_path / "file.out")
    assert agreement.n_images == (3 if name == "crossbars" else 8)
    assert agreement.largest_score > 0


def test_the_first_layer_of_a_sequence_runs_at_every_step_at_its_own_rate() -> None:
    still_rows, steps = rows(FORWARD, SHAPE[False]), rows(FORWARD, SHAPE[True])
    model = MappedCostModel(load_accelerator("spikeflow-rram"), 8, T)
    ours, theirs = model.estimate(steps), model.estimate(still_rows)
    assert ours.layers[0].latency_ms == pytest.approx(T * theirs.layers[0].latency_ms)
    assert [one.latency_ms for one in ours.layers[1:]] == [one.latency_ms for one in theirs.layers[1:]]
    assert (ours.area_mm2, ours.parameters) == (theirs.area_mm2, theirs.parameters)
    names = [row.name for row in steps if row.has_weights]
    even = dict.fromkeys(names, 0.2)
    uneven = even | {"stem": (0.6, 0.0, 0.0)}
    energy = [
        replace(model, activity=Activity(trace=trace)).estimate(steps).layers[0].energy_uj for trace in (even, uneven)
    ]
    assert energy[1] < energy[0]  # silent steps are not converted
    assert Activity(trace=uneven).first(1).trace == even | {"stem": (0.6,)}
    with pytest.raises(ConfigurationError, match="a trace of 3 time steps given with timesteps 2"):
        replace(model, timesteps=2, activity=Activity(trace=uneven)).estimate(steps)


@pytest.mark.parametrize("window_ms", [1e-3, 30.0])
@pytest.mark.parametrize("kind", [MappedCostModel, PaperCostModel])
def test_latency_counts_the_window_of_the_sensor(
    kind: type[MappedCostModel] | type[PaperCostModel], window_ms: float
) -> None:
    """By hand: images arrive at the ends of thirds of the window, and wait for the previous one."""
    table = rows(FORWARD, SHAPE[True])
    busy = kind(load_accelerator("spikeflow-rram"), 8, T)
    once = replace(busy, timesteps=1).estimate(table).latency_ms
    end = 0.0
    for number in range(1, T + 1):
        end = max(end, number * window_ms / T) + once
    found = replace(busy, sensor=Sensor(window_ms)).estimate(table)
    assert found.latency_ms == pytest.approx(end)
    assert sum(one.latency_ms for one in found.layers) == pytest.approx(end)
    assert sum(found.components["latency_ms"].values()) == pytest.approx(end)
    assert any("sensor records" in one for one in found.assumptions)
    if kind is MappedCostModel:
        assert found.components["energy_uj"]["leakage"] > busy.estimate(table).components["energy_uj"]["leakage"]


def test_a_search_and_a_single_estimate_count_the_same_window() -> None:
    """Many architectures at once, as in a search."""
    work = Workload(SHAPE[True], 4)
    for kind in (MappedCostModel, PaperCostModel):
        model = kind(load_accelerator("spikeflow-rram"), 8, T, sensor=Sensor(30.0))
        found = model.totals(work.slots, work.pair_occupancy(FORWARD.cells[:1])).latency_ms
        assert found.tolist() == pytest.approx([model.estimate(rows(FORWARD, SHAPE[True])).latency_ms])
        assert found[0] > 30


def test_pixels_of_binary_frames_have_one_bit() -> None:
    """A crossbar reads the first layer's inputs bit by bit; an accelerator with fewer bits reads only those."""
    table, accelerator = rows(FORWARD, SHAPE[True]), load_accelerator("spikeflow-rram")
    bytes_, bits = (
        MappedCostModel(accelerator, 8, T, sensor=Sensor(pixel_bits=n)).estimate(table).layers for n in (8, 1)
    )
    model = MappedCostModel(accelerator, 8, T)
    assert bits[0].energy_uj < bytes_[0].energy_uj / 4 and bits[0].latency_ms < bytes_[0].latency_ms
    assert [one.latency_ms for one in bits[1:]] == [one.latency_ms for one in bytes_[1:]]
    coarse = with_image_bits(accelerator, 4)
    assert int(replace(model, accelerator=coarse).work(table).input_bits[0]) == 4


def with_image_bits(accelerator: Accelerator, n: int) -> Accelerator:
    share = n / int(accelerator.digital.image_bits)
    digital = accelerator.digital.model_copy(update={"image_bits": accelerator.digital.image_bits * share})
    return accelerator.model_copy(update={"digital": digital})


@pytest.mark.parametrize("sequence", [False, True])
@pytest.mark.parametrize(("pixel_bits", "image_bits", "n_read"), [(8, 4, 4), (8, 8, 8), (8, 12, 8), (1, 8, 1)])
def test_cost_and_chips_read_the_bits_that_sensor_and_accelerator_both_have(
    sequence: bool, pixel_bits: int, image_bits: int, n_read: int
) -> None:
    """For stills and for sequences."""
    sensor, accelerator = Sensor(pixel_bits=pixel_bits), with_image_bits(load_accelerator("spikeflow-rram"), image_bits)
    model = MappedCostModel(accelerator, 8, T, sensor=sensor)
    assert int(model.work(rows(FORWARD, SHAPE[sequence])).input_bits[0]) == n_read
    assert pixel_format((0.0,), (1.0,), image_bits, sensor).n_bits == n_read


@pytest.mark.parametrize(("std", "n_bits"), [((0.002, 0.002), 1), ((0.002, 0.001), 8)])
def test_chips_read_as_many_bits_of_binary_frames_as_cost_models_count(std: tuple[float, ...], n_bits: int) -> None:
    data = {"sequence": True, "image_channels": 2, "image_side": SIDE, "n_classes": 3, "mean": (0.0, 0.0), "std": std}
    run = plan(given({"data": data, "events": {"values": "binary", "window_ms": 1.0}, "network": {"timesteps": T}}, ""))
    sensor = sensor_of(run.config)
    read = pixel_format((0.0, 0.0), std, int(run.accelerator.digital.image_bits), sensor)
    assert int(run.mapped_model().work(rows(FORWARD, run.shape)).input_bits[0]) == read.n_bits == n_bits
    events = (torch.rand(3, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) < 0.2).float()
    shown = events / 255 / torch.tensor(std)[:, None, None]
    planes = list(read.planes(shown))
    assert len(planes) == n_bits
    exact = torch.allclose(sum(weight * plane for weight, plane in planes), shown)
    assert exact is (n_bits == 1)  # values of several channels do not fit one grid


def test_activity_of_binary_frames_is_a_share_of_pixels() -> None:
    frames = (torch.rand(5, T, 2, SIDE, SIDE, generator=torch.Generator().manual_seed(1)) < 0.2).byte()
    images = Images(ArraySource(frames, np.zeros(5, np.int64)), (0.0, 0.0), (0.002, 0.001))
    found = activity_of(awake(sequence=True), images, 5, pixel_bits=1).layers["stem"]
    assert found.input_rate == pytest.approx(float(frames.float().mean()))


def test_a_repeated_still_gives_the_results_of_the_still_in_every_stage(tmp_path: Path) -> None:
    """Search, training in stages, evaluation, chips and prediction; only the first layer's cost differs."""
    random = np.random.default_rng(0)
    labels = np.arange(60) % 3
    images = random.integers(0, 60, (60, 2, SIDE, SIDE)).astype(np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[label % 2, 2 * label : 2 * label + 3] += 150
    found = []
    for name, data in (("still", images), ("steps", np.repeat(images[:, None], T, axis=1))):
        dataset, out = InMemoryDataSet((data[:45], labels[:45]), (data[45:], labels[45:])), tmp_path / name
        search = neuronas.search(
            dataset=dataset, channels=4, timesteps=T, batch_size=8, algorithm="snasnet", n_draws=4, out=out
        )
        neuronas.train(out, dataset=dataset, epochs=3, batch_size=16, recipe="fast", augment="flip")
        measured = neuronas.evaluate(out, dataset=dataset)
        chips = neuronas.evaluate_on_chips(out, dataset=dataset, chips=1, limit=6)
        losses = [row.train_loss for row in read_epochs(out / METRICS)]
        assert measured.decisions is not None
        found.append(
            (
                search.fitness, losses, measured.top1, measured.firing_rates, measured.accuracy_by_bits,
                [one.top1 for one in measured.decisions.steps], chips.top1_mean, chips.layers,
                neuronas.predict(out, data[45:], top_k=3).images,
            )
        )  # fmt: skip
        whole = measured.decisions.steps[-1]
        assert measured.cost_at_trace is not None and whole.top1 == measured.top1
        assert (whole.energy_uj, whole.latency_ms) == (
            pytest.approx(measured.cost_at_trace.energy_uj),
            pytest.approx(measured.cost_at_trace.latency_ms),
        )
    assert found[0] == found[1]
    with pytest.raises(DataError, match="a still image given; expected a sequence"):
        neuronas.predict(tmp_path / "steps", images)
    with pytest.raises(DataError, match="2 time steps given; expected 3"):
        neuronas.predict(tmp_path / "steps", np.repeat(images[:, None], 2, axis=1))
    with pytest.raises(DataError, match="a sequence of 3 images given; expected one image"):
        neuronas.predict(tmp_path / "still", np.repeat(images[:, None], T, axis=1))
    stills = InMemoryDataSet((images[:45], labels[:45]), (images[45:], labels[45:]))
    with pytest.raises(DataError, match="has still images; expected sequences, one image per time step"):
        neuronas.evaluate(tmp_path / "steps", dataset=stills)

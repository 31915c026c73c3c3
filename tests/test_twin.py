"""The artificial twin: its cost by hand, the rate of equal energy, its quantised ReLU, and ``evaluate --twin``."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from math import ceil, log2
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings, strategies as st

from measured_activity import activity_of
from neuronas.cli.main import run as command
from neuronas.config import read_yaml
from neuronas.hardware.accelerator import load_accelerator
from neuronas.hardware.cost import Array
from neuronas.hardware.mapped import area, digital_work, energy, latency, mapping
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.mapped.break_even import at_mean_rate, break_even_rate
from neuronas.hardware.mapped.mapping import MappedWork, make_work
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.hardware.units import BUDGETED
from neuronas.report.accuracy_tables import twin_energy_table
from neuronas.runs.twins import TwinSide, TwinVerdict
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.relu import QuantisedRelu
from neuronas.snn.trainable import WeightFormat
from neuronas.snn.weighted import InputFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.training.checkpoint import read_checkpoint
from test_mapped_cost import TABLE
from test_train_command import ARCH, SMALL, train

RATES = {"A.01": 0.05, "head.1": 0.9, "head.2": 0.2}
MODEL = MappedCostModel(load_accelerator("spikeflow-rram"), 8, 5)

# 9 bits, two copies, 3-bit codes instead of spikes, one time step; the rows are those of ``test_mapped_cost``.
# A mean of four codes has values 0 to 28: five bits.
BY_HAND = [
    (mapping.passes, [1024 * 8, 3 * 1024, 0, 0, 0, 5, 3]),
    (mapping.conversions, [8192 * 9 * 2048, 3072 * 50 * 2048, 0, 0, 0, 5 * 512 * 1600, 3 * 2 * 160]),
    (digital_work.neurons, [0, 131_072, 0, 0, 131_072, 0, 100]),
    (digital_work.neuron_operations, [0, 393_216, 0, 0, 393_216, 0, 300]),
    (digital_work.additions, [0, 0, 9 * 131_072, 2 * 131_072, 4 * 128 * 256, 0, 0]),
    (
        mapping.input_traffic_bits,
        [8 * 3072 * 8, 3 * 131_072 * 45, 22 * 131_072, 22 * 393_216, 3 * 131_072, 5 * 32768 * 178, 300],
    ),
    (mapping.partial_sum_bits, [0, 0, 0, 0, 0, 5 * 100 * 7 * 22, 0]),
    (area.neuron_state, [0] * 7),
    (energy.neuron_state, [0] * 7),
    (energy.neuron, [0, 39_321.6, 0, 0, 39_321.6, 0, 30]),
    (energy.buffer, [0.15625 * n for n in (8192 * 155, 3072 * 3328, 0, 0, 0, 5 * 32868, 3 * 110)]),
    (energy.htree, [157.12 * n for n in (8192 * 32, 3072 * 178, 0, 0, 0, 5 * 1423, 3)]),
    (latency.crossbar, [512 * 8 * 104, 512 * 3 * 104, 0, 0, 0, 5 * 104, 3 * 104]),
    (latency.digital, [0, 3072 * 4, 9 * 1024 * 4, 2048 * 4, (1024 + 3072) * 4, 0, 3 * 4]),
]


@pytest.fixture(scope="module")
def work() -> MappedWork:
    return make_work(TABLE, MODEL.accelerator, 9, 1, 2, Activity(rate=0.1), 3)


@pytest.mark.parametrize(("count", "expected"), BY_HAND, ids=lambda one: getattr(one, "__name__", ""))
def test_codes_are_read_bit_by_bit(
    work: MappedWork, count: Callable[[MappedWork], Array], expected: list[float]
) -> None:
    np.testing.assert_allclose(count(work), expected, rtol=1e-12)


def test_one_bit_at_one_time_step_costs_a_spiking_network_without_its_membranes() -> None:
    lif = replace(MODEL, timesteps=1)
    relu = replace(lif, activation_bits=1)
    for quantity in BUDGETED[1:]:
        spiking, artificial = (model.estimate(TABLE).components[quantity] for model in (lif, relu))
        differing = {name for name in spiking if spiking[name] != artificial[name]}
        assert differing <= {"neuron", "neuron_state", "leakage"}, quantity
    assert lif.estimate(TABLE).area_mm2 > relu.estimate(TABLE).area_mm2


def test_an_artificial_network_has_one_time_step() -> None:
    with pytest.raises(ValueError, match="5 time steps given"):
        replace(MODEL, activation_bits=3)


def energy_at(rate: float, measured: float = 0.1) -> float:
    return replace(MODEL, activity=at_mean_rate(RATES, measured, rate)).estimate(TABLE).energy_uj


@given(st.floats(0.001, 0.999), st.floats(0.01, 0.99))
@settings(max_examples=20, deadline=None)
def test_the_energies_are_equal_at_the_rate_that_is_found(rate: float, measured: float) -> None:
    limit = energy_at(rate, measured)
    found = break_even_rate(MODEL, TABLE, RATES, measured, limit)
    assert energy_at(found, measured) == pytest.approx(limit, rel=1e-12)
    assert energy_at(found * 0.99, measured) < limit


def test_no_rate_and_every_rate_are_said_so() -> None:
    silent, dense = energy_at(0.0), MODEL.estimate(TABLE).energy_uj
    assert energy_at(1.0) == dense
    assert energy_at(0.1) == replace(MODEL, activity=Activity(trace=RATES)).estimate(TABLE).energy_uj
    assert break_even_rate(MODEL, TABLE, RATES, 0.1, silent) == 0
    assert 0 < break_even_rate(MODEL, TABLE, RATES, 0.1, silent * 1.001) < 0.1
    assert break_even_rate(MODEL, TABLE, RATES, 0.1, dense * 1.001) == 1


def test_a_quantised_relu_gives_codes_and_learns_its_range_as_lsq() -> None:
    relu = QuantisedRelu(2)
    with torch.no_grad():
        relu.log_step.fill_(float(np.log(0.5)))
    x = torch.tensor([-1.0, 0.2, 0.3, 0.8, 1.4, 9.0], requires_grad=True)
    y = relu(x[None, None])
    assert y.flatten().tolist() == pytest.approx([0, 0, 0.5, 1.0, 1.5, 1.5])  # codes 0 to 3
    upstream = torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    y.backward(upstream[None, None])
    assert x.grad is not None and x.grad.tolist() == [0, 2, 3, 4, 5, 0]
    # LSQ, equation 3: round(x / s) - x / s inside, the largest code above, 0 below; scaled by 1 / sqrt(6 * 3).
    to_step = 2 * (0 - 0.4) + 3 * (1 - 0.6) + 4 * (2 - 1.6) + 5 * (3 - 2.8) + 6 * 3
    assert relu.log_step.grad is not None
    assert float(relu.log_step.grad) == pytest.approx(to_step / np.sqrt(18) / 0.5, rel=1e-5)


def test_one_bit_formats_with_a_step_have_planes_of_ones() -> None:
    ((weight, plane),) = InputFormat(1, 0.25).planes(torch.tensor([0.0, 0.25]))
    assert weight == 0.25 and plane.tolist() == [0, 1]


class _Noise:
    """Noise images, in one batch."""

    def batches(self, indices: object, device: object) -> list[tuple[torch.Tensor, torch.Tensor]]:
        images = torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        return [(images, torch.zeros(4, dtype=torch.long))]


def test_ones_are_counted_in_the_codes_that_a_layer_reads() -> None:
    form = ClassifierSettings(WeightFormat(8), NeuronParameters(), 5, spiking=False, activation_bits=3)
    network = Classifier(parse_architecture(ARCH), NetworkShape(1, 8, 10, 4), form)
    read: dict[str, torch.Tensor] = {}
    for name, layer in network.weighted_layers().items():
        layer.register_forward_pre_hook(lambda _, inputs, name=name: read.update({name: inputs[0].detach()}))
    found = activity_of(network, _Noise(), 4)  # type: ignore[arg-type]
    formats = network.input_formats()
    assert set(formats) == set(network.weighted_layers()) - {"stem", "head.1"}  # these read an image, and means
    for name, one in formats.items():
        codes = np.rint(read[name].numpy() / one.step).astype(int)
        assert codes.max() <= 7
        ones = np.mean([[code.bit_count() for code in row] for row in codes.reshape(len(codes), -1).tolist()]) / 3
        assert found.layers[name].input_rate == pytest.approx(ones)


def side(top1: float, energy_uj: float) -> TwinSide:
    return TwinSide(
        top1=top1, n_reads=5, activity=0.1, area_mm2=1.0, latency_ms=1.0, energy_uj=energy_uj, energy_dense_uj=9.0,
        energy_components={},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spiking", "artificial", "winner"),
    [
        ((0.90, 1.0), (0.905, 2.0), "spiking"),  # 0.5 points on 1,000 images are noise
        ((0.90, 2.0), (0.895, 1.0), "artificial"),
        ((0.80, 1.0), (0.90, 2.0), "neither"),
        ((0.90, 2.0), (0.80, 1.0), "neither"),
        ((0.90, 1.0), (0.80, 1.0), "spiking"),
        ((0.90, 1.0), (0.90, 1.0), "neither"),
    ],
)
def test_who_wins(spiking: tuple[float, float], artificial: tuple[float, float], winner: str) -> None:
    found = TwinVerdict.of(
        side(*spiking), side(*artificial), 0.0, twin="a", hardware="b", weight_bits=8, n_images=1000, assumptions=(),
        training_seconds=1.0,
    )  # fmt: skip
    assert found.winner == winner
    assert "even without a single spike" in found.text


def test_components_are_named_as_in_the_other_tables() -> None:
    own = side(0.9, 1.0).model_copy(update={"energy_components": {"adc": 3.0, "shift_add": 2.0, "htree": 1.0}})
    found = TwinVerdict.of(
        own, own, 0.0, twin="a", hardware="b", weight_bits=8, n_images=1000, assumptions=(), training_seconds=1.0
    )
    assert [row[0] for row in twin_energy_table(found).rows] == ["ADC", "shift add", "H-tree"]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("runs") / "run"
    assert train(directory, "--surrogate", "sigmoid", "--set", "train.rate_weight=0.1") == 0
    return directory


def test_a_run_is_compared_with_its_twin(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_hand = run.parent / "by-hand"
    options = ["--ann", "--activation-bits", "2", "--surrogate", "atan", "--rate-weight", "0", "--quiet"]
    assert command(["train", str(run), "--out", str(by_hand), *options]) == 0
    twin = run.with_name("run-twin")
    interrupted = ["train", str(run), "--out", str(twin), *options, "--max-minutes", "0.000001"]
    assert command(interrupted) == 0
    capsys.readouterr()
    assert command(["evaluate", str(run), "--twin", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert json.loads((run / "evaluation.json").read_text()) == document
    whole, resumed = (read_checkpoint(one / "checkpoints" / "best.safetensors")[0] for one in (by_hand, twin))
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    found = document["twin"]
    assert (found["timesteps"], found["activation_bits"], found["n_images"]) == (2, 2, 359)
    assert found["spiking"]["top1"] == document["top1"]
    assert found["spiking"]["energy_uj"] == document["cost_at_trace"]["energy_uj"]
    assert found["spiking"]["energy_dense_uj"] == document["cost"]["energy_uj"]
    for one in (found["spiking"], found["artificial"]):
        assert sum(one["energy_components"].values()) == pytest.approx(one["energy_uj"])
    kept = (twin / "checkpoints" / "last.safetensors").stat().st_mtime_ns
    assert command(["evaluate", str(run), "--twin"]) == 0
    assert found["text"].split(":")[0] in " ".join(capsys.readouterr().out.split())
    assert (twin / "checkpoints" / "last.safetensors").stat().st_mtime_ns == kept  # not trained again
    ours, theirs = (read_yaml(one / "config.yaml") for one in (run, twin))
    changed = {name for name, value in ours["train"].items() if theirs["train"][name] != value}
    assert changed == {"ann", "activation_bits", "surrogate", "rate_weight"}
    assert command(["report", str(run), "--quiet"]) == 0
    assert "against the artificial twin" in (run / "report.html").read_text()
    assert command(["compare", str(run), str(twin), "--out", str(run.parent / "both.html"), "--quiet"]) == 0
    assert f"{found['artificial']['energy_uj']:.4g} µJ on spikeflow-rram" in (run.parent / "both.html").read_text()


def refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert command(["evaluate", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_runs_without_a_twin_are_refused_in_one_line(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "--twin given with --chip" in refused([str(run), "--twin", "--chip"], capsys)
    artificial = tmp_path / "artificial"
    assert train(artificial, "--ann", epochs=1) == 0
    assert "trained with --ann" in refused([str(artificial), "--twin"], capsys)
    tuned = tmp_path / "tuned"
    assert train(tuned, "--start-from", str(run), epochs=1) == 0
    assert "--start-from" in refused([str(tuned), "--twin"], capsys)
    backward = tmp_path / "backward"
    arch = "|conv_3x3~0|+|skip^0|conv_1x1~1|+|skip~0|skip~1|conv_3x3~2|"
    assert train(backward, "--space", "snasnet-backward", arch=arch, epochs=1) == 0
    assert "backward edges" in refused([str(backward), "--twin"], capsys)
    unfinished = shutil.copytree(run, tmp_path / "unfinished")
    result = json.loads((unfinished / "training.json").read_text())
    (unfinished / "training.json").write_text(json.dumps(result | {"out_of_time": True}))
    assert "training is not finished" in refused([str(unfinished), "--twin"], capsys)
    assert not list(tmp_path.glob("*-twin"))


def test_another_run_in_the_place_of_the_twin_is_refused(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = shutil.copytree(run, tmp_path / "own")
    other = ["train", str(run), "--out", str(tmp_path / "own-twin"), "--ann", "--surrogate", "atan", "--epochs", "1"]
    assert command([*other, "--rate-weight", "0", "--quiet"]) == 0
    line = refused([str(own), "--twin"], capsys)
    assert "is not the twin of this run: train.epochs is 1, expected 2" in line
    other[1] = "|skip~0|+|none~0|skip~1|+|none~0|none~1|skip~2|"
    shutil.rmtree(tmp_path / "own-twin")
    assert command([*other, *SMALL]) == 0
    assert "its architecture is |skip~0|" in refused([str(own), "--twin"], capsys)


def test_bits_without_an_artificial_network_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["train", ARCH, "--activation-bits", "3", "--out", str(tmp_path / "run")]) == 2
    assert "activation_bits 3 given without ann" in capsys.readouterr().err


@given(st.integers(1, 256))
def test_the_bits_write_the_numbers_of_spikes(timesteps: int) -> None:
    assert timesteps.bit_length() == ceil(log2(timesteps + 1))

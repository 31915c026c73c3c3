"""A recording as a stream: time steps as in training, neurons that keep their potentials, a live page."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
import torch

import event_files
import neuronas
from neuronas.api.evaluating import stream
from neuronas.api.setup.trained import read_trained
from neuronas.cli.main import run as command
from neuronas.data.events.files import recording_on
from neuronas.data.events.frames import Slicing
from neuronas.data.memory import InMemoryDataSet
from neuronas.errors import ConfigurationError
from neuronas.report.server import LiveServer
from neuronas.report.stream_page import LiveStream, event_paths, scores_chart
from neuronas.runs.predictions import ClassScore, StreamResult, StreamStep
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.streaming import Stream
from neuronas.snn.trainable import WeightFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from test_event_data import SENSOR, recording, slicing


@pytest.mark.parametrize("values", ["count", "binary", "first-spike"])
def test_a_stream_is_cut_as_training_recordings_are(values: str) -> None:
    found = recording(900, until_us=10_000)
    short, long = slicing(3, (6, 10), values=values), slicing(10, (6, 10), window_us=10_000, values=values)
    steps = list(short.stream(found))
    assert len(steps) == 10
    assert sum(n for n, _ in steps) == 900
    images = np.stack([image for _, image in steps])
    assert np.array_equal(images[:3], short.frames(found))
    assert np.array_equal(images, long.frames(found))


def test_a_stream_needs_steps_of_equal_duration_in_their_order() -> None:
    for changes in ({"slices": "count"}, {"order": "shuffled"}):
        with pytest.raises(ConfigurationError, match="expected slices time and order recorded"):
            next(slicing(**changes).stream(recording()))  # type: ignore[arg-type]


@pytest.mark.parametrize("head", ["gap", "linear"])
def test_a_stream_gives_what_the_network_gives_for_all_steps_at_once(head: str) -> None:
    shape = NetworkShape(
        image_channels=2, image_side=(12, 16), n_classes=3, channels=4, n_cells=2, head_width=16, head=head, n_voters=2
    )
    architecture = parse_architecture("|conv_3x3~0|+|skip~0|conv_1x1~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|")
    form = WeightFormat(bits=8, rounding="nearest", scale="power-of-two")
    settings = ClassifierSettings(form=form, neuron=NeuronParameters(4 / 3, 0.4, 0.0), timesteps=4)
    network = Classifier(architecture, shape, settings).eval()
    image = torch.rand(5, 2, 12, 16, generator=torch.Generator().manual_seed(1)) * 3
    stream = Stream(network, 4)
    with torch.no_grad():
        expected = network(image)
    for number in range(4):
        assert torch.allclose(stream.step(image), expected[: number + 1].mean(dim=0), atol=1e-6)
    assert expected.abs().sum() > 0


def steps(n: int = 30) -> list[StreamStep]:
    rising = np.linspace(0, 1, n)
    return [
        StreamStep(end_ms=10.0 * (k + 1), n_events=100 + k, scores=(0.5, float(rising[k]), 0.1), compute_ms=1.0)
        for k in range(n)
    ]


def test_the_live_page_shows_events_and_scores_and_escapes_names() -> None:
    page = LiveStream("<b>.aedat4")
    page.start(("still", "<i>wave</i>", "other"))
    assert set(page.state("")) == {"age_s"}
    image = np.zeros((2, 4, 6), np.uint8)
    image[1, 2, 3], image[0, 0, 5] = 3, 1
    for step in steps():
        page.add(step, image)
    state = page.state("")
    json.dumps(state, allow_nan=False)
    section = state["sections"]["stream"]
    assert "&lt;i&gt;wave&lt;/i&gt;" in section
    assert "<i>" not in section
    assert 'd="M3 2h1v1h-1z"' in section
    assert 'viewBox="0 0 6 4"' in section
    assert state["summary"].startswith("<i>wave</i> after 300 ms, 30 time steps")
    assert set(page.state(state["version"])) == {"age_s"}
    (view,) = state["data"]["charts"]["stream"]
    assert len(view["data"]["values"]) == 90


def test_colours_tell_polarities_and_a_chart_has_few_lines() -> None:
    image = np.array([[[1, 0, 1]], [[1, 2, 0]]], np.uint8)
    assert event_paths(image) == {"series-4": "M1 0h1v1h-1z", "series-0": "M2 0h1v1h-1z", "series-3": "M0 0h1v1h-1z"}
    assert event_paths(image[:1]) == {"series-0": "M0 0h1v1h-1zM2 0h1v1h-1z"}
    many = [StreamStep(end_ms=1.0, n_events=1, scores=tuple(map(float, range(20))), compute_ms=1.0)]
    shown = scores_chart(many, [f"class {n}" for n in range(20)]).views[0]["data"]["values"]
    assert [row["class"] for row in shown] == [f"class {n}" for n in range(13, 20)]


def test_the_page_is_served_with_its_own_links() -> None:
    from urllib.request import urlopen

    page = LiveStream("one.bin")
    page.start(("a", "b", "c"))
    page.add(steps()[0], np.ones((2, 3, 3), np.uint8))
    with LiveServer(page, 0) as server:
        with urlopen(server.address) as answer:
            html = answer.read().decode()
        with urlopen(f"{server.address}state?version=") as answer:
            state = json.loads(answer.read())
    assert re.findall(r'href="#(\w+)"', html) == ["stream"]
    assert state["version"] == "1"


def test_a_result_shows_itself_in_one_line() -> None:
    result = StreamResult(
        run="r", recording="f", class_names=("a", "b", "c"), step_ms=10.0, n_events=5, recorded_s=0.3, compute_s=0.03,
        times_real_time=10.0, decision=ClassScore(index=1, name="b", score=1.0), settled_ms=160.0, steps=tuple(steps()),
    )  # fmt: skip
    assert str(result) == "<stream of 30 time steps: class b (1), settled after 160 ms, speed 10 times real time>"
    assert steps()[20].best == 1


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Recordings of 12x20 pixels, and a run trained on them for one epoch."""
    folder = tmp_path_factory.mktemp("stream")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEURONAS_CACHE", str(folder / "cache"))
        rng = np.random.default_rng(0)
        for name in ("a", "b"):
            (folder / "data" / name).mkdir(parents=True)
            for number in range(10):
                found = recording(400, seed=number, until_us=20_000)
                columns = (found.t_us, found.x, np.minimum(found.y, 11 - 6 * (name == "b")), rng.integers(0, 2, 400))
                events = list(zip(*(one.astype(int).tolist() for one in columns), strict=True))
                (folder / "data" / name / f"{number}.npy").write_bytes(event_files.npy(events))
        neuronas.train(
            "|skip~0|+|skip~0|conv_1x1~1|+|skip~0|skip~1|conv_3x3~2|", dataset=f"events:{folder / 'data'}",
            timesteps=3, channels=4, epochs=1, batch_size=8, event_window_ms=12, event_sensor="12x20",
            out=folder / "run",
        )  # fmt: skip
        yield folder


def test_a_stream_begins_with_the_decision_of_evaluate(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = trained / "data" / "a" / "3.npy"
    found = neuronas.run(trained / "run", file)
    config = read_trained(trained / "run").plan.config
    assert config.events.sensor == SENSOR
    frames = Slicing(3, SENSOR, SENSOR, 2, 12_000, config.events).frames(recording_on(file, SENSOR))
    shown = torch.from_numpy(frames)[:, None].float() / 255 / torch.tensor(config.data.std)[:, None, None]
    with torch.no_grad():
        expected = neuronas.load(trained / "run")(shown).mean(dim=0)[0]
    assert np.allclose(found.steps[2].scores, expected.numpy(), atol=1e-5)
    assert (len(found.steps), found.step_ms, found.n_events) == (5, 4.0, 400)
    assert sum(step.n_events for step in found.steps) == 400
    assert found.settled_ms <= 20
    assert command(["run", str(trained / "run"), "--events", str(file), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["decision"]["name"] == found.decision.name
    assert command(["run", str(trained / "run"), "--events", str(file)]) == 0
    assert "400 events in 5 steps of 4 ms; computed in" in capsys.readouterr().out


def test_a_stream_keeps_to_its_pace(trained: Path) -> None:
    class Clock:
        def __init__(self) -> None:
            self.seen: list[float] = []

        def start(self, class_names: tuple[str, ...]) -> None:
            assert class_names == ("a", "b")

        def add(self, step: StreamStep, image: np.ndarray) -> None:
            assert image.shape == (2, *SENSOR)
            self.seen.append(perf_counter())

    clock = Clock()
    neuronas.run(trained / "run", trained / "data" / "b" / "1.npy", pace=0.1, follow=clock)
    assert len(clock.seen) == 5
    assert clock.seen[-1] - clock.seen[0] >= 4 * 0.04 - 0.04


def test_wrong_input_of_a_stream_is_one_line(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def bad(name: str, content: bytes) -> Path:
        (trained / name).write_bytes(content)
        return trained / name

    run, outside = str(trained / "run"), bad("outside.npy", event_files.npy([(1, 30, 2, 1)]))
    for arguments, message in (
        (["--events", str(trained / "none.npy")], "No such file"),
        (["--events", str(outside)], "holds an event at x = 30; expected 0 to 19"),
        (["--events", str(trained)], "Is a directory"),
        (["--events", str(bad("empty.npy", b""))], "empty.npy: is empty"),
        (["--events", str(bad("cut.npy", event_files.npy([(1, 3, 2, 1)] * 9)[:-3]))], "ends within its events"),
        (["--events", str(bad("none.csv", b"t,x,y,p\n"))], "none.csv: holds no events"),
        (
            ["--events", str(bad("other.dat", event_files.dat([(1, 3, 2, 1)], (24, 32))))],
            "states a sensor of 24x32 pixels; expected at most 12x20, the network's input",
        ),
        (
            ["--events", str(bad("future.npy", event_files.npy([(0, 3, 2, 1), (2**50, 3, 2, 1)])))],
            "future.npy: lasts 1,125,899,907 s from its first event to its last, 281,474,976,711 time steps",
        ),
        (["--events", str(outside), "--pace", "-1"], "--pace"),
        (["--events", str(outside), "--port", "8000"], "--port 8000 given without --serve"),
        ([], "--events"),
    ):
        assert command(["run", run, *arguments]) == 2
        errors = capsys.readouterr().err
        assert message in errors
        assert errors.count("\n") == 1


def test_a_recording_that_may_not_be_read_is_one_line(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = trained / "closed.npy"
    closed.write_bytes(event_files.npy([(1, 3, 2, 1)]))
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user may read every file")
    assert command(["run", str(trained / "run"), "--events", str(closed)]) == 2
    assert capsys.readouterr().err == f"neuronas: recording {closed}: Permission denied\n"


def test_an_interrupted_stream_says_so(
    trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stream, "sleep", interrupt)
    file = str(trained / "data" / "a" / "3.npy")
    assert command(["run", str(trained / "run"), "--events", file, "--pace", "1"]) == 130
    assert capsys.readouterr().err == "neuronas: interrupted\n"


@pytest.mark.parametrize("ending", ["onnx", pytest.param("nir", marks=pytest.mark.slow)])
def test_a_file_of_a_run_reads_sequences_as_the_run_does(trained: Path, ending: str) -> None:
    """Cost with the sensor's window, and accuracy on simulated chips."""
    pytest.importorskip(ending)
    run, file = trained / "run", neuronas.export(trained / "run", ending).path
    ours, theirs = (neuronas.estimate(one, event_window_ms=12, timesteps=3) for one in (run, file))
    assert theirs.cost.latency_ms == ours.cost.latency_ms > 12
    assert theirs.cost.energy_uj == pytest.approx(ours.cost.energy_uj)
    assert theirs.work[0].reads == ours.work[0].reads == "sequence"
    data = {"dataset": f"events:{trained / 'data'}", "event_window_ms": 12, "event_sensor": "12x20"}
    options = {"chips": 2, "diagnosis": False, "seed": 1, "hardware": "isaac-rram"}
    expected, found = neuronas.evaluate_on_chips(run, **options), neuronas.evaluate_on_chips(file, **data, **options)
    assert found.timesteps == 3
    assert found.top1_per_chip == expected.top1_per_chip
    assert found.quantised_network_top1 == expected.quantised_network_top1
    snr = [one.snr_db for one in expected.layers.values()]
    assert [one.snr_db for one in found.layers.values()] == pytest.approx(snr, rel=1e-3)
    stills = InMemoryDataSet(*[(torch.zeros(4, 2, *SENSOR).byte(), torch.arange(4) % 2)] * 2)
    with pytest.raises(ConfigurationError, match=r"which reads sequences, with data set \S+ of still images; expected"):
        neuronas.evaluate_on_chips(file, dataset=stills, **options)


def test_a_module_reads_the_recordings_of_a_data_set(trained: Path) -> None:
    """A ReLU network runs once, on the whole window; costs are those of T steps after conversion to spikes."""
    network = torch.nn.Sequential(torch.nn.Conv2d(2, 2, 3, padding=1), torch.nn.ReLU(), torch.nn.Flatten(),
                                  torch.nn.Linear(2 * 12 * 20, 2))  # fmt: skip
    data = {"dataset": f"events:{trained / 'data'}", "event_window_ms": 12, "event_sensor": "12x20"}
    found = neuronas.evaluate_on_chips(network, chips=1, diagnosis=False, **data)
    assert found.timesteps == 1
    stills = neuronas.estimate(network, input_shape=(2, 12, 20), timesteps=3)
    steps = neuronas.estimate(
        network, input_shape=(2, 12, 20), timesteps=3, event_window_ms=12, event_values="binary",
        assignments=["data.sequence=true"],
    )  # fmt: skip
    assert (stills.work[0].reads, steps.work[0].reads) == ("image", "sequence")
    assert steps.cost.latency_ms > 12 > stills.cost.latency_ms
    assert int(steps.plan.mapped_model().work(steps.work).input_bits[0]) == 1

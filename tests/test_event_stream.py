"""A recording as a stream: steps as in training, neurons that keep their potentials, a live page."""

import json
import re

import numpy as np
import pytest
import torch

from neuronas.errors import ConfigurationError
from neuronas.report.server import LiveServer
from neuronas.report.stream_page import LiveStream, event_paths, scores_chart
from neuronas.runs.predictions import ClassScore
from neuronas.runs.streams import StreamResult, StreamStep
from neuronas.snn.classifier import Classifier, ClassifierSettings
from neuronas.snn.neuron import NeuronParameters
from neuronas.snn.streaming import Stream
from neuronas.snn.trainable import WeightFormat
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from test_event_data import recording, slicing


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
        with pytest.raises(ConfigurationError, match="expected time and recorded"):
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

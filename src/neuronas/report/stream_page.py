"""The live page of a recording that a network classifies: its input, and its scores over time."""

from collections.abc import Mapping, Sequence
from threading import Lock
from time import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neuronas.report.charts import Chart, colours, data, declared, name, number
from neuronas.report.rendering import render
from neuronas.report.style import N_SERIES, chart_config, series
from neuronas.report.tables import number as written
from neuronas.runs.predictions import StreamStep

_MOST_STEPS = 400
"""Points of a line; of longer streams, only the latest are shown."""


class LiveStream:
    """Content of a stream for ``LiveServer``; see ``neuronas.api.evaluating.stream.Follower``.

    Args:
        recording: name of the file.
    """

    links: Mapping[str, str] = {"stream": "Stream"}

    def __init__(self, recording: str):
        self._recording = recording
        self._names: tuple[str, ...] = ()
        self._steps: list[StreamStep] = []
        self._image: NDArray[np.uint8] | None = None
        self._lock, self._changed = Lock(), time()

    def start(self, class_names: Sequence[str]) -> None:
        """See ``Follower``."""
        self._names = tuple(class_names)

    def add(self, step: StreamStep, image: NDArray[np.uint8]) -> None:
        """See ``Follower``."""
        with self._lock:
            self._steps.append(step)
            self._image, self._changed = image, time()

    def state(self, known: str) -> dict[str, Any]:
        """See ``LiveRun.state``; the version is the number of time steps."""
        with self._lock:
            steps, image, changed = self._steps[:], self._image, self._changed
        answer: dict[str, Any] = {"age_s": max(0.0, time() - changed)}
        if image is None or known == str(len(steps)):
            return answer
        last = steps[-1]
        chart = scores_chart(steps[-_MOST_STEPS:], self._names)
        section = render(
            "stream.html",
            decision=self._names[last.best],
            chart=chart,
            size=image.shape[1:],
            paths=event_paths(image),
            legend="brighter (orange), darker (blue), both (pink)" if len(image) > 1 else "brighter or darker",
            facts={"time": f"{written(last.end_ms)} ms", "events in this step": f"{last.n_events:,}"},
        )
        return answer | {
            "version": str(len(steps)),
            "title": f"Stream {self._recording}",
            "summary": f"{self._names[last.best]} after {written(last.end_ms)} ms, {len(steps):,} time steps.",
            "sections": {"stream": section},
            "data": {"config": chart_config(), "charts": {"stream": chart.views}},
        }


def event_paths(image: NDArray[np.uint8]) -> dict[str, str]:
    """Pixels with events as SVG paths: ON, OFF and both; with one channel, all of them.

    Args:
        image: [C, H, W].
    """
    has = image > 0
    if len(has) == 1:
        return {"series-0": _squares(has[0])}
    off, on = has
    return {"series-4": _squares(on & ~off), "series-0": _squares(off & ~on), "series-3": _squares(on & off)}


def _squares(chosen: NDArray[np.bool_]) -> str:
    return "".join(f"M{x} {y}h1v1h-1z" for y, x in np.argwhere(chosen).tolist())


def scores_chart(steps: Sequence[StreamStep], names: Sequence[str]) -> Chart:
    """Scores over time of the classes with the currently highest scores."""
    order = sorted(range(len(names)), key=lambda index: -steps[-1].scores[index])[:N_SERIES]
    shown = sorted(order)
    rows = [
        {"ms": step.end_ms, "score": step.scores[index], "class": names[index]} for index in shown for step in steps
    ]
    lines = name("class", **colours([names[index] for index in shown], [series(one) for one in range(len(shown))]))
    view = declared("stream", score=number("score", "score"))
    return Chart("Scores over time", (data(rows) | view | {"encoding": view["encoding"] | {"color": lines}},))

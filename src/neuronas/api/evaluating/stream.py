"""Streaming classification of a recording by a trained network, step by step, with persistent neuron state."""

from collections.abc import Callable, Sequence
from math import ceil
from os import PathLike
from pathlib import Path
from time import perf_counter, sleep
from typing import TYPE_CHECKING, Protocol

from neuronas.api.setup.trained import TrainedRun, read_trained
from neuronas.config import as_path
from neuronas.errors import ConfigurationError, DataError
from neuronas.runs.predictions import ClassScore, StreamResult, StreamStep

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from neuronas.data.events.frames import Slicing

_MAX_STEPS = 1_000_000
"""Maximum number of steps of a stream, enough for hours of a recording. All of them are kept for the result."""


class Follower(Protocol):
    """Observer of a stream."""

    def start(self, class_names: Sequence[str]) -> None:
        """Called before the first step, with the class names in the order of the scores."""
        ...

    def add(self, step: StreamStep, image: "NDArray[np.uint8]") -> None:
        """Called after each step, with the network's output and its input image [C, H, W]."""
        ...


def run(
    run: str | PathLike[str],
    events: str | PathLike[str],
    *,
    pace: float = 0.0,
    device: str = "auto",
    follow: Follower | None = None,
) -> StreamResult:
    """Classify a recording step by step.

    A step has the same length as in training: the window divided by T. The membrane potentials persist over the whole
    recording. Scores are means over the latest T steps; after the T-th step they equal those of ``evaluate``.

    Args:
        run: directory of a run that was trained on recordings.
        events: recording; see ``neuronas.data.events.files.read_recording``.
        pace: speed of the stream: 1: as recorded; 0: as fast as possible.
        device: ``auto``, ``cpu`` or ``cuda``.
        follow: observer of each step.

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: the run was trained on still images, or its steps have no fixed duration.
        DataError: the recording cannot be read, has events outside the run's sensor, or too many time steps.
    """
    if not 0 <= pace <= 1e6:
        raise ConfigurationError(f"pace {pace:g} given; expected 0 (as fast as possible) to 1e6 times real time")
    given, path = read_trained(as_path(run, "RUN"), {"device": device}), as_path(events, "--events")
    slicing = _slicing(given)
    from neuronas.data.events.files import recording_on

    recording = recording_on(path, slicing.sensor)
    step_ms = slicing.window_us / slicing.timesteps / 1000
    _check_duration(path, recording.duration_us / 1000, step_ms)
    steps: list[StreamStep] = []
    compute = _stepper(given)
    if follow is not None:
        follow.start(given.plan.config.data.shown_names)
    images, started = slicing.stream(recording), perf_counter()
    before = started
    while (found := next(images, None)) is not None:
        n_events, image = found
        scores = compute(image)
        step = StreamStep(
            end_ms=(len(steps) + 1) * step_ms,
            n_events=n_events,
            scores=scores,
            compute_ms=1000 * (perf_counter() - before),
        )
        steps.append(step)
        if follow is not None:
            follow.add(step, image)
        if pace:
            sleep(max(0.0, started + step.end_ms / 1000 / pace - perf_counter()))
        before = perf_counter()
    return _result(given, str(path), step_ms, len(recording), recording.duration_us / 1e6, steps)


def _slicing(given: TrainedRun) -> "Slicing":
    from neuronas.data.events.frames import Slicing

    config = given.plan.config
    if config.events.sensor is None:
        raise ConfigurationError(
            f"run {given.directory}: was trained on still images; expected a run that was trained on recordings "
            "(--dataset events:DIR)"
        )
    return Slicing(
        config.network.timesteps, config.events.sensor, config.data.image_side, config.data.image_channels,
        max(1, round(1000 * config.events.window_ms)), config.events,
    )  # fmt: skip


def _check_duration(path: Path, duration_ms: float, step_ms: float) -> None:
    n_steps = ceil(duration_ms / step_ms)
    if n_steps > _MAX_STEPS:
        raise DataError(
            f"recording {path}: lasts {duration_ms / 1000:,.0f} s from its first event to its last, {n_steps:,} time "
            f"steps of {step_ms:g} ms; expected at most {_MAX_STEPS:,} (a wrong time stamp makes such a recording)"
        )


def _stepper(given: TrainedRun) -> "Callable[[NDArray[np.uint8]], tuple[float, ...]]":
    """Function from the next image to scores."""
    import torch

    from neuronas.snn.streaming import Stream

    data, device = given.plan.config.data, given.device
    stream = Stream(given.network, given.plan.config.network.timesteps)
    mean, std = (torch.tensor(one, device=device)[:, None, None] for one in (data.mean, data.std))

    def step(image: "NDArray[np.uint8]") -> tuple[float, ...]:
        shown = (torch.from_numpy(image).to(device).float() / 255 - mean) / std
        return tuple(stream.step(shown[None])[0].tolist())

    return step


def _result(
    given: TrainedRun, path: str, step_ms: float, n_events: int, recorded_s: float, steps: list[StreamStep]
) -> StreamResult:
    names = given.plan.config.data.shown_names
    last = steps[-1]
    settled = len(steps)
    while settled > 1 and steps[settled - 2].best == last.best:
        settled -= 1
    compute_s = sum(step.compute_ms for step in steps) / 1000
    return StreamResult(
        run=str(given.directory),
        recording=path,
        class_names=names,
        step_ms=step_ms,
        n_events=n_events,
        recorded_s=recorded_s,
        compute_s=compute_s,
        times_real_time=len(steps) * step_ms / 1000 / compute_s,
        decision=ClassScore(index=last.best, name=names[last.best], score=last.scores[last.best]),
        settled_ms=settled * step_ms,
        steps=tuple(steps),
    )

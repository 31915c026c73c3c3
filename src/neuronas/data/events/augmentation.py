"""Augmentation of training recordings, event by event."""

from dataclasses import replace

import numpy as np

from neuronas.config import EventsConfig
from neuronas.data.events.recording import Recording
from neuronas.space.graph import Pair


def augmented(recording: Recording, sensor: Pair, events: EventsConfig, seed: list[int]) -> Recording:
    """Draw another version of a recording: mirrored, moved, with fewer events, with other times.

    Args:
        recording: times begin at 0; coordinates lie on the sensor.
        sensor: height and width; what is moved beyond its edge is lost.
        events: settings.
        seed: of the draw; the same numbers give the same version.
    """
    rng = np.random.default_rng(seed)
    height, width = sensor
    t_us, x, y, p = recording.t_us, recording.x.astype(np.int64), recording.y.astype(np.int64), recording.p
    if events.flip and rng.random() < 0.5:
        x = width - 1 - x
    keep = np.ones(len(t_us), dtype=bool)
    if events.shift:
        down, right = rng.integers(-events.shift, events.shift, 2, endpoint=True)
        y, x = y + down, x + right
        keep &= (y >= 0) & (y < height) & (x >= 0) & (x < width)
    if events.drop:
        keep &= rng.random(len(t_us)) >= events.drop
    if events.jitter_ms:
        moved = np.rint(rng.normal(0.0, 1000 * events.jitter_ms, len(t_us))).astype(np.int64)
        t_us = np.clip(t_us + moved, 0, t_us[-1] if len(t_us) else 0)
        order = np.argsort(t_us, kind="stable")
        t_us, x, y, p, keep = t_us[order], x[order], y[order], p[order], keep[order]
    return replace(
        recording, t_us=t_us[keep], x=x[keep].astype(np.uint16), y=y[keep].astype(np.uint16), p=p[keep], sensor=sensor
    )

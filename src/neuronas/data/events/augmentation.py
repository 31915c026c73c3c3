"""Augmentation of training recordings at the level of events."""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from neuronas.data.events.recording import Recording
from neuronas.space.node_operations import Pair

Coordinates = npt.NDArray[np.int64]
Places = npt.NDArray[np.float64]
_FIELDS = 4


@dataclass(frozen=True)
class EventAugmentation:
    """Random changes, drawn anew each time a training recording is read.

    Attributes:
        flip: mirror with probability 0.5.
        shift: translate by up to this many pixels in each direction.
        rotate: rotate about the centre of the sensor by up to this many degrees in either direction.
        zoom: scale about the centre of the sensor by a factor between 1 / (1 + ``zoom``) and 1 + ``zoom``.
        elastic: standard deviation, in pixels, of random displacements at the corners of a grid of 4x4 fields, with
            bilinear interpolation between them (after Simard, Steinkraus and Platt, ICDAR 2003, who smooth the field
            with a Gaussian filter).
        drop: fraction of the events that are dropped.
        jitter_ms: standard deviation in ms of the noise added to the time of each event.
    """

    flip: bool = False
    shift: int = 0
    rotate: float = 0.0
    zoom: float = 0.0
    elastic: float = 0.0
    drop: float = 0.0
    jitter_ms: float = 0.0

    @property
    def is_active(self) -> bool:
        """Whether it changes anything."""
        return bool(self != EventAugmentation())


def augmented(recording: Recording, sensor: Pair, how: EventAugmentation, seed: list[int]) -> Recording:
    """Return an augmented version of a recording: mirrored, deformed, translated, with dropped events and time jitter.

    Args:
        recording: recording with times from 0 and coordinates on the sensor.
        sensor: height and width; events moved beyond its edge are lost.
        how: augmentation.
        seed: random seed; the same numbers give the same version.
    """
    rng = np.random.default_rng(seed)
    height, width = sensor
    t_us, x, y, p = recording.t_us, recording.x.astype(np.int64), recording.y.astype(np.int64), recording.p
    if how.flip and rng.random() < 0.5:
        x = width - 1 - x
    if how.rotate or how.zoom or how.elastic:
        x, y = _deformed(x, y, sensor, how, rng)
    if how.shift:
        down, right = rng.integers(-how.shift, how.shift, 2, endpoint=True)
        y, x = y + down, x + right
    keep = (y >= 0) & (y < height) & (x >= 0) & (x < width)
    if how.drop:
        keep &= rng.random(len(t_us)) >= how.drop
    if how.jitter_ms:
        moved = np.rint(rng.normal(0.0, 1000 * how.jitter_ms, len(t_us))).astype(np.int64)
        t_us = np.clip(t_us + moved, 0, t_us[-1] if len(t_us) else 0)
        order = np.argsort(t_us, kind="stable")
        t_us, x, y, p, keep = t_us[order], x[order], y[order], p[order], keep[order]
    return replace(
        recording, t_us=t_us[keep], x=x[keep].astype(np.uint16), y=y[keep].astype(np.uint16), p=p[keep], sensor=sensor
    )


def _deformed(
    x: Coordinates, y: Coordinates, sensor: Pair, how: EventAugmentation, rng: np.random.Generator
) -> tuple[Coordinates, Coordinates]:
    """Rotate, scale and deform; events are placed randomly within their pixels, to avoid gaps."""
    angle = math.radians(rng.uniform(-how.rotate, how.rotate))
    factor = (1 + how.zoom) ** rng.uniform(-1.0, 1.0)
    across, down = factor * math.cos(angle), factor * math.sin(angle)
    middle_y, middle_x = sensor[0] / 2, sensor[1] / 2
    from_x = x + rng.random(len(x)) - middle_x
    from_y = y + rng.random(len(y)) - middle_y
    new_x = middle_x + across * from_x - down * from_y
    new_y = middle_y + down * from_x + across * from_y
    if how.elastic:
        moved_x, moved_y = _displacements(new_x, new_y, sensor, how.elastic, rng)
        new_x, new_y = new_x + moved_x, new_y + moved_y
    return np.floor(new_x).astype(np.int64), np.floor(new_y).astype(np.int64)


def _displacements(
    x: Places, y: Places, sensor: Pair, deviation: float, rng: np.random.Generator
) -> tuple[Places, Places]:
    """Displacements at positions on the sensor, bilinear between the grid's corners; constant beyond the edge."""
    corners = rng.normal(0.0, deviation, (2, _FIELDS + 1, _FIELDS + 1))
    across = np.clip(x / sensor[1], 0.0, 1.0) * _FIELDS
    down = np.clip(y / sensor[0], 0.0, 1.0) * _FIELDS
    column = np.minimum(across.astype(np.int64), _FIELDS - 1)
    row = np.minimum(down.astype(np.int64), _FIELDS - 1)
    right, low = across - column, down - row
    upper = corners[:, row, column] * (1 - right) + corners[:, row, column + 1] * right
    lower = corners[:, row + 1, column] * (1 - right) + corners[:, row + 1, column + 1] * right
    moved = upper * (1 - low) + lower * low
    return moved[0], moved[1]

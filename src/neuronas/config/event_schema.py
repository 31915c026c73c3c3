"""Settings of recordings of event cameras; see ``neuronas.config.schema``."""

from typing import Any, Literal

from neuronas.config.setting import Before, Section, setting
from neuronas.config.values import BENCHMARK, DATASET, DESIGN, ESTIMATE, EVALUATE, EVENTS, SEARCH, TRAIN, SensorSize

_READ = (SEARCH, TRAIN, EVALUATE, BENCHMARK, DESIGN)
_COSTED = (ESTIMATE, *_READ)
"""Commands that take settings that affect the cost as well."""


def _of_events(
    help: str,  # noqa: A002
    default: Any,
    name: str,
    verbs: tuple[str, ...] = _COSTED,
    *,
    before: Any = Before.DEFAULT,
    **more: Any,
) -> Any:
    return setting(help, default, verbs, name=f"event_{name}", before=before, needs=EVENTS, **more)


class EventsConfig(Section):
    """Events: how recordings of event cameras become one image per time step; unused for still images."""

    slices: Literal["time", "count"] = _of_events(
        "Time steps of equal duration, or of an equal number of events", "time", "slices", _READ
    )
    values: Literal["count", "binary", "first-spike"] = _of_events(
        "Value of a pixel: the number of its events, whether it had any, or how early its first one was", "count",
        "values",
    )  # fmt: skip
    window_ms: float = _of_events(
        "Part of each recording that is used, from its beginning", DATASET, "window_ms",
        before=0.0, unit="ms", ge=0, le=2e6,
    )  # fmt: skip
    sensor: SensorSize | None = _of_events(
        "Sensor size, HEIGHTxWIDTH, for file formats that do not state it", DATASET, "sensor",
        before=None, unit="pixels", metavar="SIDE",
    )  # fmt: skip
    crop: SensorSize | None = _of_events(
        "Crop to the centre of the sensor, HEIGHTxWIDTH, then resize to --image-side", None, "crop", unit="pixels",
        metavar="SIDE", unset="the whole sensor",
    )  # fmt: skip
    order: Literal["recorded", "shuffled", "collapsed"] = _of_events(
        "Control experiments on timing: shuffle the time steps, or move every event to a random time step",
        "recorded", "order", _READ,
    )  # fmt: skip

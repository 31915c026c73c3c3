"""Charts of training, accuracy by precision and on simulated chips, and firing rates."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from neuronas.config import SECONDS, duration
from neuronas.errors import counted
from neuronas.report.accuracy_tables import RATE, chip_accuracy, neuron_titles, precision
from neuronas.report.charts import Chart, Row, View, colours, data, declared, name, name_axis, number
from neuronas.report.style import colour, series
from neuronas.report.tables import share
from neuronas.runs.chip_evaluations import ChipAblation, ChipAccuracies, ChipEvaluation, ChipTime
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.metrics import Epoch

_ROOM_OF_CHARACTER = 0.05  # space beside the longest bar on a phone, as a fraction of the bar


def learning_chart(epochs: Sequence[Epoch]) -> Chart:
    """Accuracy, loss and, if recorded, the firing rate over the epochs."""
    accuracy = [
        {"epoch": one.epoch, "value": value, "line": line}
        for line in ("training", "validation")
        for one in epochs
        if (value := getattr(one, f"{'train' if line == 'training' else line}_accuracy")) is not None
    ]
    loss = [{"epoch": one.epoch, "value": one.train_loss} for one in epochs]
    rates = [{"epoch": one.epoch, "value": one.firing_rate} for one in epochs if one.firing_rate is not None]
    lines = name("line", **colours(("training", "validation"), (series(0), series(4))))
    views = [
        _over_epochs(
            accuracy, "accuracy", {"color": lines, "strokeDash": name("line", legend=None)}, axis=_percent(".3~%")
        ),
        _over_epochs(loss, "training loss", {"color": {"value": series(0)}}),
    ]
    if rates:
        views.append(_over_epochs(rates, RATE, {"color": {"value": series(0)}}, scale={"zero": True}))
    return Chart("Accuracy, loss and firing rate over the epochs", tuple(views))


def accuracy_chart(evaluation: Evaluation, chips: Iterable[ChipEvaluation]) -> Chart:
    """Top-1 accuracy on the test images: one bar per precision and one per kind of simulated chip."""
    shades = {"float": "soft"}
    rows = [
        _row(precision(bits), value, share(value), evaluation.interval_95(value), shades.get(bits, "series-0"))
        for bits, value in evaluation.accuracy_by_bits.items()
    ]
    rows += [_on_chips(f"{counted(chip.n_chips, 'chip')}, {chip.chip}", chip) for chip in chips]
    view = _rows(rows, f"top-1 accuracy on {evaluation.n_images:,} images", bars=True)
    return Chart("Accuracy by precision and on chips, with 95 % intervals", (view,))


def ablation_chart(rows: Iterable[ChipAblation]) -> Chart:
    """Top-1 accuracy on simulated chips with each set of non-idealities."""
    view = _rows([_on_chips(row.name.replace("_", " "), row) for row in rows], "top-1 accuracy on simulated chips")
    return Chart("Accuracy by non-ideality, with 95 % intervals", (view,))


def times_chart(times: Sequence[ChipTime], ideal_top1: float) -> Chart:
    """Top-1 accuracy on simulated chips against the time after programming, with its interval."""
    rows = [
        {
            "time": one.after_s,
            "value": one.top1_mean,
            "low": (one.top1_interval_95 or (one.top1_mean,))[0],
            "high": (one.top1_interval_95 or (one.top1_mean,))[-1],
            "text": duration(one.after_s) + (" (extrapolated)" if one.extrapolated else ""),
            "accuracy": chip_accuracy(one),
        }
        for one in times
    ]
    lowest = min(ideal_top1, *(one.top1_interval_95[0] if one.top1_interval_95 else one.top1_mean for one in times))
    highest = max(ideal_top1, *(one.top1_interval_95[1] if one.top1_interval_95 else one.top1_mean for one in times))
    room = 0.06 * max(highest - lowest, 0.01)
    view = declared(
        "times",
        ticks=[SECONDS[unit] for unit in SECONDS],
        label=" : ".join([*(f"datum.value == {length} ? '1 {unit}'" for unit, length in SECONDS.items()), "''"]),
        span=[0.8 * times[0].after_s, 1.25 * times[-1].after_s],
        between=[lowest - room, highest + 2 * room],
        axis=_percent(".1%" if highest - lowest < 0.05 else ".0%"),
        ideal=[{"value": ideal_top1, "text": f"without non-idealities {share(ideal_top1)}"}],
    )
    return Chart("Accuracy against time after programming, with 95 % intervals", (data(rows) | view,))


def rates_chart(firing_rates: Mapping[str, float]) -> Chart:
    """Mean firing rate of each LIF layer, as bars."""
    titles = neuron_titles(firing_rates)
    rows = [{"name": titles[key], "rate": rate, "text": f"{rate:.3f}"} for key, rate in firing_rates.items()]
    end = 1.15 * max([*firing_rates.values(), 1e-3])
    view = data(rows) | declared("rates", height=18 * len(rows), names=name_axis(), title=RATE, end=end)
    return Chart("Firing rates", (view,))


def _percent(form: str) -> View:
    """An axis in percent; the space beyond 100 % for numbers beside bars has neither labels nor grid lines."""
    lines = {"condition": {"test": "datum.value > 1.001", "value": 0}, "value": 1}
    text = f"datum.value > 1.001 ? '' : format(datum.value, '{form}')"
    return {"labelExpr": text, "gridOpacity": lines, "tickOpacity": lines}


def _over_epochs(rows: Sequence[Row], title: str, channels: View, **y: View) -> View:
    axis = number("value", title, **{"scale": {"zero": False}, **y})
    view = declared("epochs", has_points=len(rows) < 60, ticks=_ticks(rows), y=axis)
    return data(rows) | view | {"encoding": view["encoding"] | channels}


def _ticks(rows: Sequence[Row]) -> list[int]:
    """At most ten round epoch numbers."""
    last = max((row["epoch"] for row in rows), default=1)
    step = next(digit * 10**power for power in count() for digit in (1, 2, 5) if last <= 10 * digit * 10**power)
    return list(range(step, last + 1, step))


def _on_chips(label: str, chips: ChipAccuracies) -> Row:
    return _row(label, chips.top1_mean, chip_accuracy(chips), chips.top1_interval_95, "series-1")


def _row(label: str, value: float, text: str, interval: tuple[float, float] | None, shade: str) -> Row:
    low, high = interval or (value, value)
    between = f"{share(low)} to {share(high)}" if interval else "not known"
    return {"name": label, "value": value, "low": low, "high": high, "text": text, "interval": between,
            "colour": colour(shade)}  # fmt: skip


def _rows(rows: Sequence[Row], title: str, *, bars: bool = False) -> View:
    """One value per row with a line for its interval: as bars from 0, or as dots on an axis fitted to the data."""
    low, high = 0.0 if bars else min(row["low"] for row in rows), max(row["high"] for row in rows)
    room = max(high - low, 0.01)
    beside = room * _ROOM_OF_CHARACTER * max(len(row["text"]) for row in rows)
    scale = {"domain": [low - 0.15 * room * (not bars), high + beside], "nice": False, "zero": False}
    axis = _percent(".0%" if room > 0.05 else ".1%") | {"tickCount": 5}
    bar = {"type": "bar", "height": {"band": 0.7}, "fillOpacity": 0.75}
    dot = {"type": "point", "filled": True, "size": 60, "opacity": 1}
    line = {"x": number("low", title), "x2": {"field": "high"}}
    shade = {} if bars else {"color": {"field": "colour", "type": "nominal", "scale": None}}
    return data(rows) | declared(
        "accuracies",
        height=22 * len(rows),
        names=name_axis(),
        mark=bar if bars else dot,
        x=number("value", title, scale=scale, axis=axis),
        interval=line | shade,
        title=title,
    )

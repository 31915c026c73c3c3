"""Charts of learning, accuracy by precision and on simulated chips, and firing rates."""

from collections.abc import Iterable, Mapping, Sequence

from neuronas.report.accuracy_tables import neuron_titles, precision
from neuronas.report.charts import Chart, Row, View, colours, data, name, name_axis, number, tooltip
from neuronas.report.style import colour, series
from neuronas.report.tables import share
from neuronas.runs.evaluations import ChipAblation, ChipEvaluation, Evaluation
from neuronas.runs.metrics import Epoch

RATE = "spikes per neuron per time step"


def learning_chart(epochs: Sequence[Epoch]) -> Chart:
    """Accuracy, loss and, where it was counted, the firing rate over the epochs."""
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
    """Top-1 accuracy on the test images: a row for each precision, one for the simulated chips of each accelerator."""
    rows = [
        _dot(precision(bits), value, 0.0, "soft" if bits == "float" else "series-0")
        for bits, value in evaluation.accuracy_by_bits.items()
    ]
    rows += [
        _dot(f"{chip.n_chips} chips, {chip.hardware}", chip.top1_mean, chip.top1_std, "series-1") for chip in chips
    ]
    view = _dots(rows, f"top-1 accuracy on {evaluation.n_images:,} images")
    return Chart("Accuracy by precision and on chips", (view,))


def ablation_chart(rows: Iterable[ChipAblation]) -> Chart:
    """Top-1 accuracy on simulated chips with each set of non-idealities."""
    dots = [_dot(row.name.replace("_", " "), row.top1_mean, row.top1_std, "series-1") for row in rows]
    return Chart("Accuracy by non-ideality", (_dots(dots, "top-1 accuracy on simulated chips"),))


def rates_chart(firing_rates: Mapping[str, float]) -> Chart:
    """A bar for each layer of neurons."""
    titles = neuron_titles(firing_rates)
    rows = [{"name": titles[key], "rate": rate, "text": f"{rate:.3f}"} for key, rate in firing_rates.items()]
    x = number("rate", RATE, scale={"domain": [0, 1.15 * max([*firing_rates.values(), 1e-3])], "nice": False})
    view = {
        **data(rows),
        "height": 18 * len(rows),
        "encoding": {"y": name_axis(), "x": x},
        "layer": [
            {"mark": "bar"},
            {"mark": {"type": "text", "align": "left", "dx": 4}, "encoding": {"text": {"field": "text"}}},
        ],
    }
    return Chart("Firing rates", (view,))


def _percent(form: str) -> View:
    return {"labelExpr": f"format(datum.value, '{form}')"}


def _over_epochs(rows: Sequence[Row], title: str, channels: View, **y: View) -> View:
    return {
        **data(rows),
        "height": 170,
        "mark": {"type": "line", "point": len(rows) < 60},
        "encoding": {
            "x": number("epoch", "epoch", axis={"tickMinStep": 1}, scale={"zero": False, "nice": False}),
            "y": number("value", title, **{"scale": {"zero": False}, **y}),
            **channels,
        },
    }


def _dot(label: str, value: float, spread: float | None, shade: str) -> Row:
    text = f"{share(value)} ± {share(spread)}" if spread else share(value)
    low, high = value - (spread or 0.0), value + (spread or 0.0)
    return {"name": label, "value": value, "low": low, "high": high, "text": text, "colour": colour(shade)}


def _dots(rows: Sequence[Row], title: str) -> View:
    """A dot with its value in each row, and a bar of one standard deviation; the axis need not begin at 0."""
    low, high = min(float(row["low"] or 0) for row in rows), max(float(row["high"] or 0) for row in rows)
    room = max(high - low, 0.01)
    scale = {"domain": [low - 0.15 * room, high + 0.6 * room], "nice": False, "zero": False}
    axis = _percent(".0%" if room > 0.05 else ".1%") | {"tickCount": 5}
    shade = {"field": "colour", "type": "nominal", "scale": None}
    spread = {"x": number("low", title, scale=scale, axis=axis), "x2": {"field": "high"}, "color": shade}
    return {
        **data(rows),
        "height": 22 * len(rows),
        "encoding": {"y": name_axis()},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": spread},
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "encoding": {"x": number("value", title), "color": shade, "tooltip": tooltip(name="of", text="top-1")},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 8},
                "encoding": {"x": number("high", title), "text": {"field": "text"}},
            },
        ],
    }

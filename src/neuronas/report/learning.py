"""Training curves, evaluation on the test images, accuracy on simulated chips."""

from collections.abc import Iterator
from typing import Any

from neuronas.report.charts import Line, line_chart
from neuronas.report.documents import Evaluation
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, element, join
from neuronas.report.tables import definitions, missing, number, section, share, table

_MOST_CLASSES = 20  # a larger confusion matrix is no longer read


def training_section(run: RunFacts) -> Html:
    """Loss, accuracy and firing rate over the epochs."""
    epochs = run.epochs
    if not epochs:
        return section("training", "Training", missing(f"Not trained. To train it: neuronas train {run.directory}"))
    accuracy = [
        Line("training", [(one.epoch, one.train_accuracy) for one in epochs]),
        Line("validation", [(e.epoch, e.validation_accuracy) for e in epochs if e.validation_accuracy is not None]),
    ]
    rates = [(one.epoch, one.firing_rate) for one in epochs if one.firing_rate is not None]
    charts = [
        line_chart("Accuracy", "epoch", accuracy),
        line_chart("Training loss", "epoch", [Line("loss", [(one.epoch, one.train_loss) for one in epochs])]),
    ]
    if rates:
        charts.append(line_chart("Spikes a neuron and step", "epoch", [Line("firing rate", rates)]))
    planned = run.config.train.epochs
    done = f"{len(epochs)} epochs" + (f" of {planned}" if planned else "") + f", seed {run.config.train.seed}."
    return section("training", "Training", element("p", {}, done), element("div", {"class": "charts"}, *charts))


def evaluation_section(run: RunFacts) -> Html:
    """What ``neuronas evaluate`` measured."""
    one = run.evaluation
    if one is None:
        return section(
            "evaluation", "Evaluation", missing(f"Not evaluated. When trained: neuronas evaluate {run.directory}")
        )
    by_bits = one.accuracy_by_bits
    precisions = [name if name == "float" else f"{name} bits" for name in by_bits]
    spikes = [] if one.spikes_per_image is None else [("spikes an image", number(one.spikes_per_image))]
    return section(
        "evaluation",
        "Evaluation",
        definitions(
            [
                ("images", f"{one.n_images:,} of the {one.split} split"),
                ("weights", f"of epoch {one.epoch}, {one.weight_bits} bits"),
                ("top-1 accuracy", share(one.top1)),
                ("top-5 accuracy", share(one.top5)),
                *spikes,
                ("synaptic operations", f"{number(one.synaptic_operations_per_image)} an image"),
                ("multiplications", f"{number(one.multiplications_per_image)} an image"),
                ("literature's energy", f"{number(one.literature_energy_uj)} µJ at 0.9 and 4.6 pJ an operation"),
            ]
        ),
        table("Accuracy by precision", precisions, [[*map(share, by_bits.values())]], n_text=0),
        table(
            "Firing rates", ("neurons", "spikes a step"), [(name, f"{v:.3f}") for name, v in one.firing_rates.items()]
        ),
        _confusion(one),
    )  # fmt: skip


def chip_section(run: RunFacts) -> Html:
    """Accuracy on simulated chips, as it stands in ``evaluation.json``."""
    chip = run.evaluation.chip if run.evaluation else None
    if not chip:
        why = f"Not simulated on chips. When trained: neuronas evaluate {run.directory} --chip"
        return section("chip", "Accuracy on simulated chips", missing(why))
    return section("chip", "Accuracy on simulated chips", table("Simulation", ("", "value"), _flat(chip, "")))


def _confusion(one: Evaluation) -> Html:
    n = len(one.confusion)
    if n > _MOST_CLASSES:
        return missing(f"A confusion matrix of {n} classes is in evaluation.json.")
    rows = [
        (str(label), *(f"{count:,}" if count else "·" for count in counts), share(accuracy))
        for label, (counts, accuracy) in enumerate(zip(one.confusion, one.per_class, strict=False))
    ]
    titles = ("class", *map(str, range(n)), "right")
    if any(len(row) != len(titles) for row in rows):
        return join()
    return table("Images of a class (rows) taken for another (columns)", titles, rows)


def _flat(document: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Names and values of a nested document; lists as their values in a row."""
    for key, value in document.items():
        name = f"{prefix}{key}".replace("_", " ")
        if isinstance(value, dict):
            yield from _flat(value, f"{name}, ")
        elif isinstance(value, list):
            yield name, ", ".join(_text(item) for item in value)
        else:
            yield name, _text(value)


def _text(value: Any) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)

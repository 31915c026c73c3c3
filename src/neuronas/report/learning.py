"""Training curves, evaluation on the test images, accuracy on simulated chips."""

from collections.abc import Sequence
from itertools import zip_longest

from neuronas.report.charts import line_chart
from neuronas.report.curves import learning_curves
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, element, join
from neuronas.report.neurons import neuron_titles
from neuronas.report.tables import aligned, definitions, missing, number, section, share, table
from neuronas.runs.evaluations import ChipAccuracies, Evaluation

_MOST_CLASSES = 20  # a larger confusion matrix is no longer read


def training_section(run: RunFacts) -> Html:
    """Loss, accuracy and firing rate over the epochs."""
    epochs = run.epochs
    if not epochs:
        return section("training", "Training", missing(f"Not trained. To train it: neuronas train {run.directory}"))
    charts = map(line_chart, learning_curves(run))
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
    by_bits, titles = one.accuracy_by_bits, neuron_titles(one.firing_rates)
    precisions = list(map(precision, by_bits))
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
            "Firing rates",
            ("neurons behind", "spikes a step"),
            [(titles[name], f"{rate:.3f}") for name, rate in one.firing_rates.items()],
        ),
        _confusion(one, run.config.data.class_names or ()),
    )  # fmt: skip


def chip_section(run: RunFacts) -> Html:
    """What ``neuronas evaluate --chip`` measured."""
    chip, title = run.chip, "Accuracy on simulated chips"
    if chip is None:
        why = f"Not simulated on chips. When trained: neuronas evaluate {run.directory} --chip"
        return section("chip", title, missing(why))
    interval = "one chip tells none"
    if chip.top1_interval_95:
        interval = f"{share(chip.top1_interval_95[0])} to {share(chip.top1_interval_95[1])}, of the mean"
    model = chip.model
    converters = f"{model.adc_bits} bits" if model.adc_bits else "ideal"
    ablation = [(row.name, _accuracy(row), share(row.loss), str(row.n_chips)) for row in chip.ablation]
    noise = aligned([one.snr_db for one in chip.layers.values()])
    layers = [
        (name, text or "no error", share(one.adc_saturation))
        for (name, one), text in zip(chip.layers.items(), noise, strict=True)
    ]
    return section(
        "chip",
        title,
        definitions(
            [
                ("top-1 accuracy", f"{_accuracy(chip)} over {chip.n_chips} {'chips' if chip.n_chips > 1 else 'chip'}"),
                ("95 % interval", interval),
                ("ideal chip", f"{share(chip.quantised_network_top1)}, the quantised network"),
                ("images", f"{chip.n_images:,} test images"),
                ("chip", f"{chip.hardware}: {', '.join(model.non_idealities) or 'no non-ideality'}"),
                ("device", f"write variation {share(model.write_variation)}, read noise {share(model.read_noise)}"),
                ("converters", f"{converters}; sign scheme {model.sign_scheme}"),
            ]
        ),
        table("Layers on the chips", ("layer", "signal to noise in dB", "ADC saturated"), layers),
        table("Accuracy by non-ideality", ("non-idealities", "top-1", "loss", "chips"), ablation) if ablation else "",
    )


def _accuracy(chips: ChipAccuracies) -> str:
    """Mean and spread; the spread is left out where chips are alike, or one tells nothing of the others."""
    spread = f" ± {share(chips.top1_std)}" if chips.n_chips > 1 else ""
    return f"{share(chips.top1_mean)}{spread}"


def precision(name: str) -> str:
    """A key of ``accuracy_by_bits`` for people."""
    return name if name == "float" else f"{name} bits"


def _confusion(one: Evaluation, names: Sequence[str]) -> Html:
    n = len(one.confusion)
    if n > _MOST_CLASSES:
        return missing(f"A confusion matrix of {n} classes is in evaluation.json.")
    labels = [f"{label} {name}".rstrip() for label, name in zip_longest(range(n), names[:n], fillvalue="")]
    rows = [
        (label, *(f"{count:,}" if count else "·" for count in counts), share(accuracy))
        for label, counts, accuracy in zip(labels, one.confusion, one.per_class, strict=False)
    ]
    titles = ("class", *map(str, range(n)), "right")
    if any(len(row) != len(titles) for row in rows):
        return join()
    return table("Images of a class (rows) taken for another (columns)", titles, rows)

"""Training curves, evaluation on the test images, accuracy on simulated chips."""

from neuronas.report.accuracy_tables import (
    MOST_CLASSES,
    ablation_table,
    chip_accuracy,
    chip_layer_table,
    confusion_table,
    precision_table,
    rates_table,
)
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, definitions, element, join, missing, section, table
from neuronas.report.pictures import Charts, shown
from neuronas.report.tables import number, share
from neuronas.runs.evaluations import ChipEvaluation, Evaluation


def training_section(run: RunFacts, drawn: Charts) -> Html:
    """Loss, accuracy and firing rate over the epochs."""
    epochs = run.epochs
    if not epochs:
        return section("training", "Training", missing(f"Not trained. To train it: neuronas train {run.directory}"))
    planned = run.config.train.epochs
    done = f"{len(epochs)} epochs" + (f" of {planned}" if planned else "") + f", seed {run.config.train.seed}."
    return section("training", "Training", element("p", {}, done), shown(drawn, "learning"))


def evaluation_section(run: RunFacts, drawn: Charts) -> Html:
    """What ``neuronas evaluate`` measured."""
    one = run.evaluation
    if one is None:
        why = f"Not evaluated. After training: neuronas evaluate {run.directory}"
        return section("evaluation", "Evaluation", missing(why))
    return section(
        "evaluation",
        "Evaluation",
        definitions(_measured(one)),
        shown(drawn, "accuracy", "firing-rates"),
        table(precision_table(one.accuracy_by_bits)),
        table(rates_table(one.firing_rates)),
        _confusion(one, run.config.data.class_names or ()),
    )


def chip_section(run: RunFacts, drawn: Charts) -> Html:
    """What ``neuronas evaluate --chip`` measured."""
    chip, title = run.chip, "Accuracy on simulated chips"
    if chip is None:
        why = f"Not simulated on chips. After training: neuronas evaluate {run.directory} --chip"
        return section("chip", title, missing(why))
    return section(
        "chip",
        title,
        definitions(_simulated(chip)),
        shown(drawn, "chips"),
        table(chip_layer_table(chip.layers)),
        table(ablation_table(chip.ablation)) if chip.ablation else "",
    )


def _measured(one: Evaluation) -> list[tuple[str, str]]:
    spikes = [] if one.spikes_per_image is None else [("spikes", f"{number(one.spikes_per_image)} per image")]
    return [
        ("images", f"{one.n_images:,} of the {one.split} split"),
        ("weights", f"of epoch {one.epoch}, {one.weight_bits} bits"),
        ("top-1 accuracy", share(one.top1)),
        ("top-5 accuracy", share(one.top5)),
        *spikes,
        ("synaptic operations", f"{number(one.synaptic_operations_per_image)} per image"),
        ("multiplications", f"{number(one.multiplications_per_image)} per image"),
        ("energy in the literature", f"{number(one.literature_energy_uj)} µJ at 0.9 and 4.6 pJ per operation"),
    ]


def _simulated(chip: ChipEvaluation) -> list[tuple[str, str]]:
    interval = "needs at least two chips"
    if chip.top1_interval_95:
        interval = f"{share(chip.top1_interval_95[0])} to {share(chip.top1_interval_95[1])}, of the mean"
    model = chip.model
    converters = f"{model.adc_bits} bits" if model.adc_bits else "ideal"
    return [
        ("top-1 accuracy", f"{chip_accuracy(chip)} over {chip.n_chips} {'chips' if chip.n_chips > 1 else 'chip'}"),
        ("95 % interval", interval),
        ("ideal chip", f"{share(chip.quantised_network_top1)}, the quantised network"),
        ("images", f"{chip.n_images:,} test images"),
        ("chip", f"{chip.hardware}: {', '.join(model.non_idealities) or 'no non-ideality'}"),
        ("device", f"write variation {share(model.write_variation)}, read noise {share(model.read_noise)}"),
        ("converters", f"{converters}; sign scheme {model.sign_scheme}"),
    ]


def _confusion(one: Evaluation, names: tuple[str, ...]) -> Html:
    n = len(one.confusion)
    if n > MOST_CLASSES:
        return missing(f"A confusion matrix of {n} classes is in evaluation.json.")
    confusion = confusion_table(one, names)
    return table(confusion) if confusion else join()

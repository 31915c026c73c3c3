"""Accuracy by precision and on simulated chips, and firing rates."""

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from neuronas.report.accuracy_tables import neuron_titles, precision
from neuronas.report.figures.style import BLUE, INK, ORANGE, SOFT, new_figure
from neuronas.report.tables import share
from neuronas.runs.evaluations import ChipEvaluation, Evaluation

_ROW_INCHES = 0.16


def accuracy_figure(one: Evaluation, chip: ChipEvaluation | None) -> Figure:
    """Top-1 accuracy on the test images: a row for each precision, one for simulated chips."""
    rows = [
        (precision(name), value, 0.0, SOFT if name == "float" else BLUE) for name, value in one.accuracy_by_bits.items()
    ]
    if chip:
        rows.append((f"{chip.n_chips} chips", chip.top1_mean, chip.top1_std or 0.0, ORANGE))
    return _dots(rows, f"top-1 accuracy on {one.n_images:,} {one.split} images")


def ablation_figure(chip: ChipEvaluation) -> Figure:
    """Top-1 accuracy on simulated chips with each set of non-idealities; bars are standard deviations over chips."""
    rows = [(row.name.replace("_", " "), row.top1_mean, row.top1_std or 0.0, ORANGE) for row in chip.ablation]
    return _dots(rows, "top-1 accuracy on simulated chips")


def rates_figure(one: Evaluation) -> Figure:
    """Spikes a neuron and step, by layer of neurons."""
    names, rates = list(neuron_titles(one.firing_rates).values()), list(one.firing_rates.values())
    figure = new_figure(0.45 + _ROW_INCHES * len(names))
    axes = figure.subplots()
    axes.barh(range(len(names)), rates, 0.65, color=BLUE)
    for row, rate in enumerate(rates):
        axes.text(rate, row, f" {rate:.3f}", va="center_baseline", fontsize=6.5)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.15 * max([*rates, 1e-3]))
    axes.set_xlabel("spikes a neuron and step")
    axes.tick_params(left=False)
    return figure


def _dots(rows: list[tuple[str, float, float, str]], title: str) -> Figure:
    """A dot with its value for each row, and a bar of one standard deviation; the axis need not begin at 0."""
    figure = new_figure(0.45 + _ROW_INCHES * len(rows))
    axes = figure.subplots()
    for row, (_, value, spread, colour) in enumerate(rows):
        axes.errorbar(value, row, xerr=spread or None, fmt="o", markersize=4, color=colour, elinewidth=1, capsize=2)
        text = f"{share(value)} ± {share(spread)}" if spread else share(value)
        axes.annotate(text, (value + spread, row), (5, 0), textcoords="offset points", va="center_baseline",
                      fontsize=6.5, color=INK)  # fmt: skip
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    low = min(value - spread for _, value, spread, _ in rows)
    high = max(value + spread for _, value, spread, _ in rows)
    room = max(high - low, 0.01)
    axes.set_xlim(low - 0.15 * room, high + 0.6 * room)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0 if room > 0.05 else 1))
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x")
    axes.tick_params(left=False)
    axes.set_xlabel(title)
    return figure

"""``neuronas evaluate RUN --chip``: how chips are shown to people."""

from collections.abc import Sequence

from neuronas.cli import console
from neuronas.cli.progress import Display
from neuronas.cli.tables import PlainTable
from neuronas.runs.evaluations import ChipAblation, ChipAccuracies, ChipEvaluation, LayerQuality


class ChipProgress(Display):
    """Chips of one kind that are done."""

    def __init__(self, *, quiet: bool):
        super().__init__("chips", quiet=quiet, fields={})

    def report(self, what: str, done: int, total: int) -> None:
        """Show where the simulation stands."""
        self._draw(what, done, total, {})
        if self._is_line_due:
            self._line(f"{what}: {done} of {total} chips")


def print_chips(document: ChipEvaluation, *, quiet: bool) -> None:
    """Show the evaluation to people."""
    out = console.answers
    n, interval = document.n_chips, ""
    if n > 1 and document.top1_interval_95:
        low, high = document.top1_interval_95
        interval = f" (95 % interval of the mean {low:.2%} to {high:.2%})"
    out.print(
        f"top-1 {_accuracy(document)} on {n} simulated {'chips' if n > 1 else 'chip'}{interval}; "
        f"{document.quantised_network_top1:.2%} without non-idealities "
        f"({document.n_images:,} test images of {document.dataset})",
        style="bold",
    )
    if quiet:
        return
    names = document.model.non_idealities
    out.print(f"{document.hardware} with {', '.join(names) or 'no non-ideality'}; {document.seconds:g} s")
    out.print(_layer_table(document.layers))
    if document.ablation:
        out.print(_ablation_table(document.ablation))


def _layer_table(layers: dict[str, LayerQuality]) -> PlainTable:
    table = _table("layer", "signal to noise", "ADC saturated")
    for name, one in layers.items():
        noise = "no error" if one.snr_db is None else f"{one.snr_db:.1f} dB"
        table.add_row(name, noise, f"{one.adc_saturation:.2%}")
    return table


def _ablation_table(rows: Sequence[ChipAblation]) -> PlainTable:
    table = _table("non-idealities", "top-1", "loss", "chips")
    for row in rows:
        table.add_row(row.name, _accuracy(row), f"{row.loss:.2%}", f"{row.n_chips}")
    return table


def _accuracy(document: ChipAccuracies) -> str:
    """Mean and spread; the spread is left out where chips are alike, or one tells nothing of the others."""
    spread = f" ± {document.top1_std:.2%}" if document.n_chips > 1 else ""
    return f"{document.top1_mean:.2%}{spread}"


def _table(*titles: str) -> PlainTable:
    table = PlainTable()
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left")
    return table

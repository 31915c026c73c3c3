"""``neuronas evaluate RUN --chip``: how chips are shown to people."""

from typing import Any

from neuronas.cli import console
from neuronas.cli.progress import Display
from neuronas.cli.tables import printable
from neuronas.config import plain
from neuronas.report.accuracy_tables import ablation_table, chip_accuracy, chip_layer_table
from neuronas.report.tables import share
from neuronas.runs.documents import ChipEvaluation


class ChipProgress(Display):
    """Chips of one kind that are done."""

    def __init__(self, *, quiet: bool):
        super().__init__("chips", quiet=quiet, fields={})

    def report(self, what: str, done: int, total: int) -> None:
        """Show where the simulation stands."""
        self._draw(what, done, total, {})
        if self._is_line_due:
            self._line(f"{what}: {done} of {total} chips")


def print_chips(document: dict[str, Any], *, quiet: bool) -> None:
    """Show ``chip.json`` to people."""
    out, chips = console.answers, ChipEvaluation.model_validate(plain(document))
    interval = ""
    if chips.top1_interval_95:
        low, high = chips.top1_interval_95
        interval = f" (95 % interval of the mean {share(low)} to {share(high)})"
    out.print(
        f"top-1 {chip_accuracy(chips)} on {chips.n_chips} simulated {'chips' if chips.n_chips > 1 else 'chip'}"
        f"{interval}; {share(chips.quantised_network_top1)} without non-idealities "
        f"({chips.n_images:,} test images of {document['dataset']})",
        style="bold",
    )
    if quiet:
        return
    names = ", ".join(chips.model.non_idealities) or "no non-ideality"
    out.print(f"{chips.hardware} with {names}; {document['seconds']:g} s")
    out.print(printable(chip_layer_table(chips.layers)))
    if chips.ablation:
        out.print(printable(ablation_table(chips.ablation)))

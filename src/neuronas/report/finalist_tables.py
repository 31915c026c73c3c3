"""Finalists of a search: accuracy at each rung, and whether the best two differ beyond noise."""

from neuronas.errors import counted
from neuronas.hardware.units import quantity
from neuronas.report.tables import Table, aligned, share
from neuronas.runs.finalists import Finalist, FinalistChoice


def finalists_table(choice: FinalistChoice) -> Table:
    """A row for each finalist, longest trained and best first; accuracies with 95 % intervals."""
    ranked = sorted(choice.finalists, key=lambda one: _place(choice, one))
    fitness = dict(zip(choice.finalists, aligned([one.fitness for one in choice.finalists]), strict=True))
    lengths = [counted(rung.epochs, "epoch") for rung in choice.rungs]
    has_settings = any(one.setting is not None for one in choice.finalists)
    own = ("finalist", "channels, T, bits") if has_settings else ("rank by fitness",)
    titles = (*own, "fitness", "energy", *(f"accuracy after {length}" for length in lengths), "")
    rows = tuple(
        (
            str(one.rank),
            *((one.setting.text if one.setting else "",) if has_settings else ()),
            fitness[one],
            quantity("energy_uj", one.energy_uj),
            *(_accuracy(choice, one, number) for number in range(len(choice.rungs))),
            _outcome(choice, one),
        )
        for one in ranked
    )
    return Table("Finalists", titles, rows, text_columns=(*range(1, len(own)), len(titles) - 1))


def difference(choice: FinalistChoice) -> str:
    """A sentence on whether the best two differ; empty if there is only one."""
    second, lead = choice.second, choice.lead_95
    if choice.leader is None or second is None or lead is None:
        return ""
    low, high = (f"{100 * value:+.1f}" for value in lead)
    said = "differ beyond noise" if lead[0] > 0 else "do not differ beyond noise"
    return (
        f"The first ({choice.leader.text}) and the second ({second.text}) {said}: {low} to {high} points on "
        f"{choice.n_validation:,} validation images (95 % interval, one training each)."
    )


def _place(choice: FinalistChoice, one: Finalist) -> tuple[float, ...]:
    return (-len(one.accuracies), *(-accuracy for accuracy in reversed(one.accuracies)), one.rank)


def _accuracy(choice: FinalistChoice, one: Finalist, number: int) -> str:
    if number >= len(one.accuracies):
        return ""
    low, high = map(share, choice.interval_95(one.accuracies[number]))
    return f"{share(one.accuracies[number])} ({low} to {high})"


def _outcome(choice: FinalistChoice, one: Finalist) -> str:
    if one.failed is not None:
        return f"failed: {one.failed.partition(';')[0]}"
    if choice.is_complete and one == choice.leader:
        return "the answer"
    dropped = choice.dropped_after(one)
    return f"dropped after rung {dropped}" if dropped else "in the running"

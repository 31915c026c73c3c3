"""Figures that the networks of one search must give together: which are reproduced, and the evidence against others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neuronas.experiments.consistency import Choice, End, Network, largest_choices
from neuronas.experiments.hardware_result import CONTRADICTS, IMPOSSIBLE, REPRODUCED, JudgedFigure
from neuronas.experiments.published import HIGH, LOW, FigureKey, PublishedFigure
from neuronas.hardware.units import BUDGETED, quantity, word


@dataclass(frozen=True)
class PrintedSearch:
    """Printed figures of one search.

    Attributes:
        figures: figures of one network on one data set.
        networks: networks of the space at all precisions.
        limits: budget of the search by quantity.
    """

    figures: Sequence[PublishedFigure]
    networks: Sequence[Network]
    limits: Mapping[str, float]

    def rows(self) -> dict[FigureKey, JudgedFigure]:
        """A row for each figure."""
        choices = largest_choices(self._ends, [one for one in self.networks if not self._broken(one)])
        return {one.key: self._row(number, choices) for number, one in enumerate(self.figures)}

    @property
    def _ends(self) -> list[End]:
        return [End(one.quantity, one.value, one.step, one.end, one.quantity in BUDGETED) for one in self.figures]

    def _row(self, number: int, choices: Sequence[Choice]) -> JudgedFigure:
        """A figure is reproduced if every largest consistent choice gives it; otherwise other choices contradict it."""
        one = self.figures[number]
        giving = [choice[number] for choice in choices if number in choice]
        if not giving:
            return self._contradicting(number)
        ours = giving[0].values[one.quantity]
        if len(giving) == len(choices):
            return JudgedFigure.of(one, ours, REPRODUCED, f"by {_named(giving[0])}")
        always = set.intersection(*map(set, choices))
        rivals = sorted({other for choice in choices if number not in choice for other in choice} - always)
        others = " and ".join(quantity(self.figures[other].quantity, self.figures[other].value) for other in rivals)
        note = f"{_named(giving[0])} gives it alone; no network gives it and the printed {others}"
        return JudgedFigure.of(one, ours, IMPOSSIBLE, note)

    def _contradicting(self, number: int) -> JudgedFigure:
        """A figure that no network gives without contradicting others, with the network that contradicts fewest."""
        one, end = self.figures[number], self._ends[number]
        giving = [network for network in self.networks if end.gives(network)]
        if not giving:
            return JudgedFigure.of(one, None, IMPOSSIBLE, "not with any other figure either")
        nearest = min(giving, key=lambda network: len(self._against(network)))
        is_only = len({network.name for network in giving}) == 1
        who = f"only {nearest.name} gives it" if is_only else f"{_named(nearest)} gives it"
        return JudgedFigure.of(
            one, nearest.values[one.quantity], CONTRADICTS, f"{who}: {'; '.join(self._against(nearest))}"
        )

    def _against(self, network: Network) -> list[str]:
        """Values of a network that differ from the printed ones or exceed the budget."""
        pairs = zip(self.figures, self._ends, strict=True)
        printed = {one.quantity: f"{_bound(one)} is printed" for one, end in pairs if not end.keeps(network)}
        budget = {name: f"the budget is {quantity(name, limit)}" for name, limit in self._broken(network).items()}
        return [
            f"{word(name)} {quantity(name, network.values[name])}, but "
            + " and ".join(filter(None, (printed.get(name), budget.get(name))))
            for name in {**printed, **budget}
        ]

    def _broken(self, network: Network) -> dict[str, float]:
        return {name: limit for name, limit in self.limits.items() if network.values[name] > limit}


def _named(network: Network) -> str:
    return f"{network.name} at FxP{network.weight_bits}"


def _bound(one: PublishedFigure) -> str:
    said = {LOW: "at least ", HIGH: "at most "}.get(one.end, "")
    return f"{said}{quantity(one.quantity, one.value)}"

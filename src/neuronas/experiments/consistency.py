"""Consistency of printed figures: whether networks of a space, one per precision, give all of them together.

A paper prints the ends of ranges over precisions, but not the networks. A cost model gives the cost of every network of
the space. This module tests whether some choice of networks, one per precision, gives all of the figures; and if none
does, which figures conflict.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import floor


@dataclass(frozen=True)
class Network:
    """A network of a space.

    Attributes:
        name: readable name.
        weight_bits: precision; a search at one precision gives one network.
        values: cost by quantity.
    """

    name: str
    weight_bits: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class End:
    """A printed figure: the lowest, the highest or the only value of a quantity over all precisions.

    Attributes:
        quantity: name of the quantity.
        value: printed value.
        step: one unit of the last printed digit.
        end: ``low``, ``high``, or empty for a single value.
        is_cut: whether the printed value was truncated; otherwise any value less than a step away agrees.
    """

    quantity: str
    value: float
    step: float
    end: str = ""
    is_cut: bool = True

    def gives(self, network: Network) -> bool:
        """Whether the network's value agrees to the printed digits."""
        return self._printed(network) == self.value

    def keeps(self, network: Network) -> bool:
        """Whether the network's value is within this end of the range."""
        printed = self._printed(network)
        return (self.end == "high" or printed >= self.value) and (self.end == "low" or printed <= self.value)

    def _printed(self, network: Network) -> float:
        value = network.values[self.quantity]
        if not self.is_cut:
            return self.value if abs(value - self.value) < self.step else value
        return floor(value / self.step) * self.step


Choice = dict[int, Network]
"""The network that gives each figure, by the number of the figure."""


def largest_choices(figures: Sequence[End], networks: Sequence[Network]) -> list[Choice]:
    """The largest consistent sets of figures, each with networks that give them.

    A set is consistent if there is one network per precision that is within all of its ranges, such that each of its
    figures is given by one of these networks.

    Args:
        figures: figures of one search over all precisions.
        networks: possible answers of the search.
    """
    for size in range(len(figures), 0, -1):
        found = (_choice({i: figures[i] for i in some}, networks) for some in combinations(range(len(figures)), size))
        choices = [one for one in found if one is not None]
        if choices:
            return choices
    return []


def _choice(figures: Mapping[int, End], networks: Sequence[Network]) -> Choice | None:
    """Networks that give all the figures; None if there are none."""
    kept: defaultdict[int, list[Network]] = defaultdict(list)
    for network in networks:
        kept[network.weight_bits] += [network] if all(one.keeps(network) for one in figures.values()) else []
    if not all(kept.values()):
        return None
    fitting = [network for own in kept.values() for network in own]
    candidates = [(number, list(filter(one.gives, fitting))) for number, one in figures.items()]
    return next(_assigned(sorted(candidates, key=lambda one: len(one[1])), {}), None)


def _assigned(candidates: Sequence[tuple[int, list[Network]]], chosen: dict[int, Network]) -> Iterator[Choice]:
    """Every choice of a candidate per figure that has one network per precision."""
    if not candidates:
        yield {}
        return
    (number, own), *rest = candidates
    for network in own:
        if chosen.get(network.weight_bits, network) is network:
            for others in _assigned(rest, {**chosen, network.weight_bits: network}):
                yield {number: network, **others}

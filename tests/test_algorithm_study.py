"""Parts of the study ``algorithm-1``; the complete study is tested in test_studies.py."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from neuronas.experiments.algorithm import limits_of, remarks
from neuronas.experiments.figures import Figure
from neuronas.experiments.hardware_networks import searched
from neuronas.experiments.study import Settings
from neuronas.hardware.budget import PAPER_BUDGET
from neuronas.hardware.units import BUDGETED


class Pieces:
    """A study whose networks cost several times those of the published width."""

    def __init__(self, factor: float):
        self.factor = factor

    def extremes(self, changes: Settings) -> tuple[SimpleNamespace, SimpleNamespace]:
        """The smallest and the largest network."""
        assert changes == {"network": {"weight_bits": 8}}
        networks = searched((8,))
        least, most = (
            SimpleNamespace(**{name: self.factor * one.values[name] for name in BUDGETED})
            for one in (networks[0], networks[-1])
        )
        return least, most


@pytest.mark.parametrize("factor", [1.0, 0.01])
def test_the_published_budgets_are_moved_with_the_ends_of_the_space(factor: float) -> None:
    limits = limits_of(cast(Any, Pieces(factor)), {"network": {"weight_bits": 8}})
    assert limits == {name: pytest.approx(factor * limit) for name, limit in PAPER_BUDGET.limits.items()}


def test_a_sentence_for_each_budget_that_is_broken() -> None:
    figures = [
        Figure.of("as printed, sahd", "candidates", [1458, 1458]),
        Figure.of("as printed, sahd", "latency over its budget, %", [24.0, 0.0]),
    ]
    said = "as printed, sahd: 1 of 2 answers break the budget of latency, by 12.0 % in the mean"
    assert remarks(figures) == (said,)

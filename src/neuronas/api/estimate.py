"""What an architecture costs. Needs neither data nor torch."""

from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from typing import Any

from neuronas.api.compose import Plan
from neuronas.api.settings import Config, planned
from neuronas.config import COST_MODELS, ResolvedConfig
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import BUDGETED, Cost
from neuronas.hardware.floorplan import Floorplan
from neuronas.hardware.floorplan import floorplan as make_floorplan
from neuronas.hardware.sweep import Sweep, SweepPoint, parse_sweep, run_sweep
from neuronas.hardware.units import quantity, word
from neuronas.runs.architectures import read_architecture
from neuronas.runs.card import Card, Shown
from neuronas.runs.costs import CostReport
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture
from neuronas.space.workload import Layer, rows


@dataclass(frozen=True, repr=False)
class Estimate(Shown):
    """An architecture's cost on an accelerator.

    Attributes:
        architecture: what was costed.
        cost: totals, layers and components, by the chosen model.
        plan: the complete settings, and what they name.
    """

    architecture: Architecture
    cost: Cost
    plan: Plan

    @property
    def text(self) -> str:
        """The architecture's text."""
        return format_architecture(self.architecture)

    @property
    def config(self) -> ResolvedConfig:
        """The complete settings."""
        return self.plan.config

    @property
    def budget(self) -> Budget:
        """The limits that the cost is held against."""
        return self.plan.budget

    @property
    def violations(self) -> dict[str, float]:
        """The limits that it breaks, with the excess in the quantity's unit."""
        return self.budget.violations(self.cost)

    @property
    def report(self) -> CostReport:
        """The cost as a document."""
        return self.plan.cost_report(self.architecture, self.cost)

    def by_all_models(self) -> dict[str, Cost]:
        """Cost by each cost model."""
        return {name: self._cost(self.plan.accelerator, name) for name in COST_MODELS}

    def sweep(self, text: str) -> tuple[Sweep, list[SweepPoint]]:
        """Cost with one constant of the accelerator at several values.

        Args:
            text: such as ``crossbar_size=32,64,128``.

        Raises:
            ConfigurationError: no such constant, or a value that is not possible.
        """
        sweep = parse_sweep(text, self.plan.accelerator)
        return sweep, run_sweep(sweep, self.plan.accelerator, self._cost)

    def floorplan(self) -> Floorplan:
        """Where each layer lies on the chip, with the mapping of model ``mapped``."""
        return make_floorplan(self._work, self.plan.mapped_model().work(self._work))

    def card(self) -> Card:
        """See ``Shown``."""
        from neuronas.api.network_card import network_card

        facts = {word(name): quantity(name, getattr(self.cost, name)) for name in BUDGETED}
        facts["on"] = f"{self.config.hardware.accelerator}, {self.config.network.weight_bits}-bit weights"
        broken = ", ".join(self.violations)
        facts |= {"breaks": broken} if broken else {}
        following = f"neuronas.train({self.text!r})"
        return network_card("estimate", self.plan, self.architecture, self.cost, facts, following)

    @property
    def _work(self) -> tuple[Layer, ...]:
        return rows(self.architecture, self.plan.shape)

    def _cost(self, accelerator: Accelerator, name: str | None = None) -> Cost:
        """Cost on a changed accelerator, or by another model than the chosen one."""
        return self.plan.model_named(name or self.plan.cost_model.name, accelerator=accelerator).estimate(self._work)


def estimate(
    architecture: Architecture | str | PathLike[str],
    *,
    config: Config = None,
    assignments: Iterable[str] = (),
    **options: Any,
) -> Estimate:
    """Estimate an architecture's parameters, area, latency and energy.

    Args:
        architecture: its text, an ``architecture.json``, or a run directory, whose settings then hold as well.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        **options: settings by keyword (docs/reference/settings.md); the data set gives the input shape only.

    Raises:
        ConfigurationError: an unknown option, name or value.
        ArchitectureError: neither an architecture nor a path.
        VerificationError: a damaged file.
    """
    given = read_architecture(architecture)
    run = planned("estimate", options, config=config, assignments=assignments, run=given.run)
    cost = run.cost_model.estimate(rows(given.architecture, run.shape))
    return Estimate(given.architecture, cost, run)

"""Cost of an architecture or of your own network. Needs no data, and torch for modules only."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from neuronas.api.estimating.own_network import check_unread, is_own_network
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import Config, planned
from neuronas.config import ACCELERATORS, COST_MODELS, SETTINGS, ResolvedConfig, as_path, each_layer, weights_text
from neuronas.errors import ConfigurationError
from neuronas.fitness.calibration import calibration
from neuronas.fitness.firing_rate import LifNeuron, forecast_rates, input_rates, mean_rate
from neuronas.hardware.accelerator import Accelerator, load_accelerator
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost
from neuronas.hardware.floorplan import Floorplan, floorplan as make_floorplan
from neuronas.hardware.mapped.activity import Activity
from neuronas.hardware.sweep import Sweep, SweepPoint, parse_sweep, run_sweep
from neuronas.hardware.units import BUDGETED, quantity, word
from neuronas.importing.read import read_network
from neuronas.runs.architectures import read_architecture
from neuronas.runs.card import Card, Shown
from neuronas.runs.costs import CostReport, RateForecast
from neuronas.space.genotype import Architecture
from neuronas.space.graph import Graph
from neuronas.space.layer_bits import graph_bits
from neuronas.space.lowering import lower, lower_as_written
from neuronas.space.notation import format_architecture
from neuronas.space.workload import Layer, graph_rows, rows

if TYPE_CHECKING:
    import torch

    from neuronas.runs.costs import HardwareComparison


@dataclass(frozen=True, repr=False)
class Estimate(Shown):
    """A network's cost on an accelerator.

    Attributes:
        architecture: architecture, or the layers of your own network.
        text: text of the architecture, or the name of the file or class.
        work: its rows of work.
        cost: totals, layers and components, by the chosen model.
        plan: complete settings, and the objects that they name.
        firing_rates: with activity ``forecast``, the firing rates used for the estimate.
    """

    architecture: Architecture | Graph
    text: str
    work: tuple[Layer, ...]
    cost: Cost
    plan: Plan
    firing_rates: RateForecast | None = None

    @property
    def config(self) -> ResolvedConfig:
        """The complete settings."""
        return self.plan.config

    @property
    def budget(self) -> Budget:
        """The budget that the cost is compared with."""
        return self.plan.budget

    @property
    def violations(self) -> dict[str, float]:
        """The violated limits, with the excess in the quantity's unit."""
        return self.budget.violations(self.cost)

    @property
    def report(self) -> CostReport:
        """The cost as a document."""
        report = self.plan.cost_report(self.text, self.cost)
        return report.model_copy(update={"firing_rates": self.firing_rates})

    def by_all_models(self) -> dict[str, Cost]:
        """Cost by each cost model."""
        return {name: self._cost(self.plan.accelerator, name) for name in COST_MODELS}

    def sweep(self, text: str) -> tuple[Sweep, list[SweepPoint]]:
        """Cost with one constant of the accelerator at several values.

        Args:
            text: such as ``crossbar_size=32,64,128``.

        Raises:
            ConfigurationError: the constant does not exist, or a value is out of range.
        """
        sweep = parse_sweep(text, self.plan.accelerator)
        return sweep, run_sweep(sweep, self.plan.accelerator, self._cost)

    def on_all_hardware(self) -> "HardwareComparison":
        """Cost on every known accelerator, by ascending energy; those that cannot hold the weights are separate."""
        from neuronas.hardware.mapped.intervals import spreads
        from neuronas.runs.costs import ChipCost, HardwareComparison, RefusedHardware

        chips, refused = [], []
        for name in ACCELERATORS:
            accelerator = load_accelerator(name)
            try:
                cost = self._cost(accelerator)
            except ConfigurationError as error:
                refused.append(RefusedHardware(hardware=name, reason=str(error)))
                continue
            budget = replace(self.budget, spreads=spreads(accelerator))
            chips.append(ChipCost.of(name, accelerator, cost, budget.violations(cost)))
        network = self.config.network
        return HardwareComparison(
            architecture=self.text,
            cost_model=self.plan.cost_model.name,
            weight_bits=each_layer(network.weight_bits, [row.name for row in self.work if row.has_weights]),
            timesteps=network.timesteps,
            chips=tuple(sorted(chips, key=lambda one: one.energy_uj)),
            refused=tuple(refused),
        )

    def floorplan(self) -> Floorplan:
        """Placement of each layer on the chip, by the mapping of cost model ``mapped``."""
        return make_floorplan(self.work, self.plan.mapped_model().work(self.work))

    def card(self) -> Card:
        """See ``Shown``."""
        from neuronas.api.estimating.network_card import cost_card, network_card

        facts = {word(name): quantity(name, getattr(self.cost, name)) for name in BUDGETED}
        facts["on"] = f"{self.config.hardware.accelerator}, {weights_text(self.config.network.weight_bits)}"
        broken = ", ".join(self.violations)
        facts |= {"breaks": broken} if broken else {}
        if isinstance(self.architecture, Graph):
            return cost_card("estimate", self.plan, self.report, {"of": self.text, **facts})
        following = f"neuronas.train({self.text!r})"
        return network_card("estimate", self.plan, self.architecture, self.cost, facts, following)

    def _cost(self, accelerator: Accelerator, name: str | None = None) -> Cost:
        """Cost on a changed accelerator, or by another cost model."""
        return self.plan.model_named(name or self.plan.cost_model.name, accelerator=accelerator).estimate(self.work)


def estimate(
    architecture: "Architecture | str | os.PathLike[str] | torch.nn.Module",
    *,
    input_shape: Sequence[int] | None = None,
    config: Config = None,
    assignments: Iterable[str] = (),
    **options: Any,
) -> Estimate:
    """Estimate parameters, area, latency and energy of an architecture or of your own network.

    Args:
        architecture: its text, an ``architecture.json``, or a run directory, whose settings then apply as well; or your
            own network: an ``.onnx`` or ``.nir`` file, or an ``nn.Module``, whose weights are not read.
        input_shape: [C, H, W] of an image, for modules and for files that do not state it.
        config: settings as a YAML file, nested values or a ``RunConfig``; options override it.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        **options: settings by keyword (docs/reference/settings.md); the data set gives the input shape only.

    Raises:
        ConfigurationError: an option, name or value is unknown, or a layer is of a kind that cannot be costed.
        ArchitectureError: the argument is neither an architecture nor a path.
        VerificationError: a file is damaged.
    """
    if own := own_graph(architecture, input_shape):
        assignments = tuple(assignments)
        check_unread("estimate", options, assignments, _OF_ARCHITECTURES, _EXPECTED)
        text, graph = own
        if graph.is_sequence:
            assignments = (*assignments, "data.sequence=true")
        run = planned("estimate", options, config=config, assignments=assignments)
        graph = graph.of_sequences() if run.config.data.sequence else graph
        if run.config.hardware.activity == "forecast":
            raise ConfigurationError(
                f"activity forecast given with the network {text}; expected an architecture, or activity dense, rate "
                "or trace"
            )
        graph_bits(run.config.network.weight_bits, graph)
        work = graph_rows(graph)
        return Estimate(graph, text, work, run.cost_model.estimate(work), run)
    if input_shape is not None:
        raise ConfigurationError("input_shape given with an architecture; expected the data set's, or image_side")
    given = read_architecture(cast("Architecture | str | os.PathLike[str]", architecture))
    run = planned("estimate", options, config=config, assignments=assignments, run=given.run)
    graph_bits(run.config.network.weight_bits, lower(given.architecture, run.shape))
    rates = None
    if run.config.hardware.activity == "forecast":
        run, rates = _with_forecast(run, given.architecture)
    work = rows(given.architecture, run.shape)
    text = format_architecture(given.architecture)
    return Estimate(given.architecture, text, work, run.cost_model.estimate(work), run, rates)


def own_graph(given: object, input_shape: Sequence[int] | None) -> tuple[str, Graph] | None:
    """Name and layers of a network that is not an architecture; None for an architecture."""
    if isinstance(given, Architecture):
        return None
    if not isinstance(given, str | os.PathLike):
        from neuronas.importing.module import read_module

        return type(given).__name__, read_module(given, input_shape)
    if not is_own_network(given):
        return None
    path = as_path(given, "ARCH")
    return path.name, read_network(path, None if input_shape is None else tuple(input_shape))


_OF_ARCHITECTURES = (
    *(path for path in SETTINGS if path.startswith("data.") and path != "data.sequence"),
    "space", "network.channels", "network.head", "network.head_width", "network.n_voters",
)  # fmt: skip
"""Settings, or their prefixes, that determine the layers of an architecture."""
_EXPECTED = "expected settings of the chip, weight bits and time steps"


def _with_forecast(run: Plan, architecture: Architecture) -> tuple[Plan, RateForecast]:
    """``--activity forecast``: expected firing rates of an architecture after training.

    Args:
        run: settings; its activity is the forecast.
        architecture: text of the architecture.

    Returns:
        The plan with these rates for its cost models, and the rates.

    Raises:
        ConfigurationError: see ``forecast_rates``.
    """
    network, known = run.config.network, calibration().firing_rate
    neuron = LifNeuron(network.tau, network.v_threshold, network.v_reset, network.timesteps)
    graph, written = lower(architecture, run.shape), lower_as_written(architecture, run.shape)
    layers = forecast_rates(graph.nodes, neuron, known.constants)
    activity = Activity(trace=input_rates(graph.nodes, layers), is_forecast=True)
    dataset = run.config.data.name
    error = known.error_on(dataset) or known.errors[0]
    forecast = RateForecast(
        layers=layers,
        mean=mean_rate(written, forecast_rates(written, neuron, known.constants)),
        checked_on=error.dataset,
        median_factor=error.median_factor,
        factor_of_9_in_10=error.factor_of_9_in_10,
        not_fitted=tuple(
            known.not_fitted(dataset, network.timesteps, architecture.operations, feeds_back=graph.has_delays)
        ),
    )
    return replace(run, activity=activity), forecast

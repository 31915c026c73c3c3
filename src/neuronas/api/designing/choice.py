"""The choices of a design: the axes, the settings worth searching, and the cost of other settings."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from math import inf
from pathlib import Path
from typing import Any

from neuronas.api.estimating.feasibility import feasibility_of, rounded_up, typed
from neuronas.api.setup.plan import Plan
from neuronas.config import FULL_PRECISION, BudgetConfig, LayerBits, bits_rank, distinct_bits, value_at, written
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.fitness.measure import SizedMeasure
from neuronas.fitness.network_error import bits_of_networks
from neuronas.hardware.cost import Array, Totals
from neuronas.hardware.design_space import NETWORK, DesignSpace
from neuronas.hardware.mapped.many import Networks
from neuronas.hardware.units import BUDGETED
from neuronas.runs.candidates import Candidates, read_candidates
from neuronas.runs.designs import Alternative, Axes, Contender, SettingChoice
from neuronas.runs.network_setting import NetworkSetting
from neuronas.search.settings import Room, by_fitness, diagonal, rooms
from neuronas.space.genotype import Architecture
from neuronas.space.layer_bits import search_bits
from neuronas.space.notation import parse_architecture
from neuronas.space.workload import Occupancy, Slot, Workload

_WIDTHS = (1.0, 0.75, 0.5, 0.375, 0.25, 0.125, 0.0625)
_NARROWEST = 8
"""Minimum number of channels of the default choices, or a quarter of the data set's number if that is less."""
_TIMESTEPS, _WEIGHT_BITS = (5, 4, 3, 2), (8, 6, 4)


def axes_of(run: Plan, *, is_resumed: bool, space: DesignSpace | None = None) -> Axes:
    """The values of each axis: the given choices, the one given value, or the default choices.

    Args:
        run: settings.
        is_resumed: the settings are those of a design to resume, which state every choice.
        space: a design space, which may have choices as well.

    Raises:
        ConfigurationError: an axis has both a value and choices, or values that this chip, space or export does not
            support.
    """
    values, network = {} if is_resumed else written(run.given), run.config.network
    fixed = {name: value_at(values, f"network.{name}") for name in NETWORK}
    if isinstance(network.weight_bits, LayerBits):  # in the settings never a choice, so that a design to resume has it
        fixed["weight_bits"] = network.weight_bits
    found = {name: _values(run, name, fixed[name], space) for name in NETWORK}
    if run.dataset.sequence and found["timesteps"] != (network.timesteps,):
        raise ConfigurationError(
            f"--timesteps-choices {_listed(found['timesteps'])} given with data set {run.config.data.name}, whose "
            "recordings are cut into one number of time steps; expected --timesteps"
        )
    if run.space.channels and found["channels"] != (run.space.channels,):
        raise ConfigurationError(
            f"channels {_listed(found['channels'])} given with space {run.config.space}, which has "
            f"{run.space.channels}; leave them out"
        )
    least = int(run.accelerator.crossbar.bits_per_cell)
    occurring = {bits for one in found["weight_bits"] for bits in distinct_bits(one)}
    if min(occurring) < least:
        raise ConfigurationError(
            f"weight bits {min(occurring)} given; expected at least {least}, which a memory cell of "
            f"{run.config.hardware.accelerator} stores"
        )
    if run.space.backward and found["timesteps"][-1] < 2:
        raise ConfigurationError(
            f"timesteps 1 given with space {run.config.space}, whose backward edges carry values of the previous step; "
            "expected at least 2"
        )
    if FULL_PRECISION in occurring and "integer" in run.config.design.formats:
        raise ConfigurationError(
            "weight bits 32 given with export format integer, which holds 2 to 16; expected other bits or --formats"
        )
    return Axes(**found)


def _values(run: Plan, name: str, fixed: Any, space: DesignSpace | None) -> tuple[Any, ...]:
    """The values of an axis; ``fixed``: the one value that the settings give."""
    chosen, flag = getattr(run.config.design, f"{name}_choices"), f"--{name.replace('_', '-')}"
    in_space = None if space is None else space.values(name)
    if in_space is not None and (fixed is not None or chosen is not None):
        option = flag if chosen is None else f"{flag}-choices"
        raise ConfigurationError(f"{option} given, and {name} in the design space; expected one of them")
    if chosen is not None and fixed is not None:
        raise ConfigurationError(f"{flag} {fixed} given with {flag}-choices; expected one of them")
    found = chosen or in_space or ((fixed,) if fixed is not None else _defaults(run)[name])
    if name != "weight_bits":
        return tuple(sorted(found, reverse=True))
    bits = {search_bits(one, run.shape, run.space.nodes) for one in found}
    return tuple(sorted(bits, key=bits_rank, reverse=True))


def _listed(values: tuple[int, ...]) -> str:
    return ",".join(map(str, values))


def _defaults(run: Plan) -> dict[str, tuple[Any, ...]]:
    width, least = run.config.network.channels, int(run.accelerator.crossbar.bits_per_cell)
    widths = [max(1, int(width * share)) for share in (_WIDTHS[:1] if run.space.channels else _WIDTHS)]
    return {
        "channels": tuple(dict.fromkeys(one for one in widths if one >= min(_NARROWEST, max(1, width // 4)))),
        "timesteps": (run.config.network.timesteps,) if run.dataset.sequence else _TIMESTEPS,
        "weight_bits": tuple(bits for bits in _WEIGHT_BITS if bits >= least) or (run.config.network.weight_bits,),
    }


def n_with_weights_in_each_cell(run: Plan, axes: Axes) -> int:
    """Settings at which a network with one weight layer in each cell keeps all limits."""
    feasibility = feasibility_of(run)
    return sum(feasibility.fits(replace(feasibility.base, **dict(one))) for one in axes.settings)


def smallest(axes: Axes) -> NetworkSetting:
    """The setting with the smallest value on every axis."""
    return axes.settings[-1]


def survey_plan(run: Plan, axes: Axes) -> Plan:
    """The search that computes the fitness of the cells for all settings: the narrowest network, without limits.

    It has the fewest time steps (two if both one and more can be chosen) and the most bits of any weight. Its fitness
    compares cells whatever the size of the network, if the measure of the design has such a counterpart.
    """
    steps = [value for value in axes.timesteps if value > 1] or list(axes.timesteps)
    most = max(distinct_bits(bits)[-1] for bits in axes.weight_bits)
    setting = NetworkSetting(channels=axes.channels[-1], timesteps=steps[-1], weight_bits=most)
    of_cells = run.with_fitness(run.measure.of_cells) if isinstance(run.measure, SizedMeasure) else run
    at = of_cells.at(setting)
    unlimited = BudgetConfig(**{f"max_{name}": inf for name in BUDGETED})
    search = at.config.search.model_copy(update={"finalists": 0, "prefer": "fitness"})
    return replace(at, config=at.config.model_copy(update={"budget": unlimited, "search": search}))


@dataclass(frozen=True)
class Surveyed:
    """The candidates of a survey, which can be costed at any setting.

    Attributes:
        run: settings of the design.
        candidates: candidates with their fitness.
    """

    run: Plan
    candidates: Candidates

    @classmethod
    def read(cls, run: Plan, history: Path) -> "Surveyed":
        """Read the history of a survey.

        Raises:
            VerificationError: the history is empty or damaged.
        """
        found = read_candidates(history)
        if found is None:
            raise VerificationError(f"{history}: holds no candidate; remove the folder {history.parent}")
        return cls(run, found)

    @cached_property
    def occupancy(self) -> Occupancy:
        """How often each candidate contains each row of work."""
        architectures = [parse_architecture(text) for text in self.candidates.architectures]
        return Workload(self.run.shape, self.run.space.nodes).occupancy(architectures)

    @staticmethod
    def slots(at: Plan) -> tuple[Slot, ...]:
        """The rows of work of all candidates with the plan of a setting."""
        return Workload(at.shape, at.space.nodes).slots

    def totals(self, at: Plan) -> Totals:
        """The cost of all candidates with the plan of a setting."""
        return at.cost_model.totals(self.slots(at), self.occupancy)

    def choice(self, axes: Axes) -> SettingChoice:
        """The settings worth searching; see ``search.settings``. Without contenders, no surveyed candidate fits."""
        cells = self.candidates.fitness

        def values_at(setting: NetworkSetting) -> tuple[Totals, Array]:
            at = self.run.at(setting)
            totals = self.totals(at)
            if not isinstance(at.measure, SizedMeasure):
                return totals, cells
            networks = Networks.of(self.slots(at), self.occupancy, setting.weight_bits)
            bits = bits_of_networks(networks, setting.weight_bits)
            return totals, at.measure.of_networks(cells, totals.parameters, bits)

        found = rooms(axes.settings, values_at, self.run.budget)
        ranked = by_fitness(found) if isinstance(self.run.measure, SizedMeasure) else diagonal(found, cells)
        design = self.run.config.design
        return SettingChoice(
            axes=axes,
            n_surveyed=len(self.candidates),
            n_settings=len(axes.settings),
            n_feasible=len(found),
            n_designs=len(axes.settings) * len(self.candidates),
            n_searched=min(len(ranked), design.n_settings, design.n_finalists),
            contenders=tuple(map(self._contender, ranked)),
        )

    def _contender(self, room: Room) -> Contender:
        costs = {name: float(getattr(room.totals, name)[room.best]) for name in BUDGETED}
        return Contender(
            setting=room.setting,
            share=float(room.fits.mean()),
            architecture=self.candidates.architectures[room.best],
            fitness=room.fitness,
            **_whole(costs),
        )


def alternatives(run: Plan, axes: Axes, answer: NetworkSetting, architecture: Architecture) -> tuple[Alternative, ...]:
    """Cost of the answer's cells with one axis changed, larger values first.

    If the answer has the largest choice of an axis, the next larger value is costed as well. Bits by part of the
    network are not changed.

    Args:
        run: settings of the design.
        axes: axes of the choice.
        answer: setting of the answer.
        architecture: architecture of the answer.
    """
    return tuple(_alternatives(run, axes, answer, architecture))


def _alternatives(run: Plan, axes: Axes, answer: NetworkSetting, architecture: Architecture) -> Iterator[Alternative]:
    for name in NETWORK:
        now, values = getattr(answer, name), getattr(axes, name)
        if isinstance(now, LayerBits):
            continue
        more = min((value for value in values if value > now), default=None)
        less = max((value for value in values if value < now), default=None)
        beyond = _beyond(name, now, run) if more is None else None
        for value in (more, beyond, less):
            if value is None:
                continue
            setting = answer.model_copy(update={name: value})
            at = run.at(setting)
            cost = at.cost(architecture)
            broken = run.budget.violations(cost)
            limits = {f"budget.max_{one}": rounded_up(getattr(cost, one)) for one in broken}
            yield Alternative(
                setting=setting,
                needs=shlex.join(typed({}, limits)),
                is_larger=value > now,
                is_offered=value in values,
                **_whole({one: getattr(cost, one) for one in BUDGETED}),
            )


def _beyond(name: str, now: int, run: Plan) -> int | None:
    """The next value of an axis above its choices; None if there is none."""
    if name == "channels":
        return None if run.space.channels or now * 2 > 4096 else now * 2
    if name == "timesteps":
        return now + 1 if now < 256 else None
    return now + 2 if now <= 14 else None


def _whole(costs: dict[str, Any]) -> dict[str, Any]:
    return {**costs, "parameters": int(costs["parameters"])}

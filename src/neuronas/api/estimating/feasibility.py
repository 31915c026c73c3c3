"""Why no candidate fits a budget, which changes would help, and the largest width that fits."""

import shlex
from collections import Counter
from collections.abc import Mapping
from math import ceil, floor, log10
from typing import Any

from neuronas.api.setup.plan import Plan
from neuronas.config import SETTINGS, as_options, given, value_at, with_value, written
from neuronas.hardware.cost import LayerCost
from neuronas.hardware.units import BUDGETED, quantity
from neuronas.runs.infeasible import BrokenLimit, Infeasible, Knob
from neuronas.search.feasibility import Feasibility, Knobs
from neuronas.search.problem import NothingFitsError
from neuronas.space.shape import side_of

_PARTS = ("stem", "reduction", "head")


def feasibility_of(run: Plan) -> Feasibility:
    """Costs of the cheapest networks of a plan under changed settings."""
    network = run.config.network
    return Feasibility(
        space=run.space,
        shape=run.shape,
        model=lambda bits, steps: run.model_named(run.cost_model.name, weight_bits=bits, timesteps=steps),
        base=Knobs(network.head, network.channels, network.timesteps, network.weight_bits, run.shape.image_size),
        smallest_bits=int(run.accelerator.crossbar.bits_per_cell),
        budget=run.budget,
    )


def fitting_width(run: Plan) -> int | None:
    """Channels at which an architecture with one weight layer in each cell fits, if the data set's default does not.

    None if the width was given or fits as it is, or if no width fits. Presets other than the default one are for
    comparisons and keep their width.
    """
    is_given = run.space.channels or value_at(written(run.given), "network.channels") is not None
    if is_given or run.config.preset != SETTINGS["preset"].default:
        return None
    width = feasibility_of(run).widest()
    return None if width == run.config.network.channels else width


def explain(run: Plan, nothing: NothingFitsError) -> Infeasible:
    """Explain why nothing fits and what would.

    Args:
        run: plan of the search.
        nothing: result of the search without a candidate.
    """
    feasibility = feasibility_of(run)
    base, limits = feasibility.base, run.budget.limits
    reachable, lowest = feasibility.smallest(base), feasibility.smallest(feasibility.lowest)
    smallest = nothing.smallest
    broken = [name for name in BUDGETED if smallest[name] > limits[name]]
    broken = broken or [nothing.missed]  # each limit can be kept, but no candidate keeps all of them
    layers = {name: feasibility.rows_of_smallest(name) for name in broken}
    found, enough = feasibility.mildest(), {name: rounded_up(limit) for name, limit in feasibility.enough().items()}
    changes = found.changes(base) if found else None
    return Infeasible(
        n_candidates=nothing.n_candidates,
        closest=nothing.closest,
        broken=tuple(
            BrokenLimit(
                name=name,
                limit=limits[name],
                smallest=smallest[name],
                useful=reachable[name],
                shares=_shares(layers[name], name),
                at_any_setting=lowest[name],
            )
            for name in broken
        ),
        tiles=_tiles(layers["area_mm2"]) if "area_mm2" in layers else "",
        knobs=tuple(_knob(feasibility, knobs, broken, reachable) for knobs in feasibility.single_changes()),
        enough=enough,
        enough_options=shlex.join(typed({}, {f"budget.max_{name}": limit for name, limit in enough.items()})),
        changes=None if changes is None else {path: _plain(value) for path, value in changes.items()},
        command=None if changes is None else shlex.join(["neuronas", "search", *typed(written(run.given), changes)]),
    )


def _shares(layers: tuple[LayerCost, ...], name: str) -> dict[str, float]:
    """Contribution of each part of the network to a quantity, the largest first."""
    values: Counter[str] = Counter()
    for row in layers:
        part = row.layer.name.split(".")[0]
        cost = row.layer.n_weights if name == "parameters" else getattr(row, name)
        values[part if part in _PARTS else "cells"] += cost
    total = sum(values.values())
    return {part: value / total for part, value in values.most_common()} if total else {}


def _tiles(layers: tuple[LayerCost, ...]) -> str:
    own = [row for row in layers if row.n_tiles]
    if not own:
        return ""
    tile = min(row.area_mm2 / row.n_tiles for row in own)
    filled = sum(row.utilisation * row.n_crossbars for row in own) / sum(row.n_crossbars for row in own)
    return (
        f"tiles: each of the {len(own)} layers with weights takes at least one tile of {quantity('area_mm2', tile)}; "
        f"their crossbars are filled to {filled:.1%}"
    )


def _knob(of: Feasibility, knobs: Knobs, broken: list[str], reachable: dict[str, float]) -> Knob:
    smallest = of.smallest(knobs)
    return Knob(
        options=shlex.join(typed({}, knobs.changes(of.base))),
        smallest={name: smallest[name] for name in broken},
        saved={name: 1 - smallest[name] / reachable[name] if reachable[name] else 0.0 for name in broken},
        fits=of.fits(knobs),
    )


def typed(values: dict[str, Any], changes: Mapping[str, object]) -> list[str]:
    """Settings with changes, as options of ``search`` and ``design``."""
    for path, value in changes.items():
        values = with_value(values, path, value)
    return as_options(given(values, "changes"), "search")


def rounded_up(value: float) -> float:
    """A limit, rounded up to four significant digits."""
    unit = 10.0 ** (floor(log10(value)) - 3)
    return float(f"{ceil(value / unit) * unit:.6g}")


def _plain(value: object) -> object:
    return side_of(value) if isinstance(value, tuple) else value

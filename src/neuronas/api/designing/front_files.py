"""The files of a front: document, table, page, and the chosen design as accelerator and architecture."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from neuronas.api.setup.plan import Plan
from neuronas.config import LayerBits, given, merged, plain_bits, write_text, write_yaml, written
from neuronas.hardware.circuits import sign_scheme_of
from neuronas.hardware.cost import Array
from neuronas.hardware.design_space import NETWORK
from neuronas.hardware.scaling import scaled_accelerator
from neuronas.report.front_page import front_page
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.design_fronts import (
    CHOSEN,
    FRONT,
    FRONT_PAGE,
    FRONT_TABLE,
    AxisEffect,
    DesignFront,
    DesignPoint,
    Purchase,
)
from neuronas.runs.directory import ARCHITECTURE
from neuronas.runs.network_setting import setting_values
from neuronas.search.joint_choice import PREFER, chip_effects, chosen, purchases, setting_effects
from neuronas.search.joint_designs import OBJECTIVES
from neuronas.search.joint_space import JointSpace
from neuronas.search.joint_state import JointState
from neuronas.space.notation import parse_architecture

_ACCELERATOR = "accelerator.yaml"
_QUANTITIES = OBJECTIVES[:4]
_MOST_INTERACTIONS = 8
_NOT_MEASURED = "; for layers of different bits by rules that have not been measured (docs/howto/design-chip.md)"


@dataclass(frozen=True)
class FrontFiles:
    """Writes the files after the enumeration.

    Attributes:
        directory: directory of the files.
        plan: settings.
        space: enumerated space.
        state: final state of the enumeration.
        architectures: text of each candidate.
    """

    directory: Path
    plan: Plan
    space: JointSpace
    state: JointState
    architectures: Sequence[str]

    def write(self, prefer: str, seconds: float) -> DesignFront:
        """Write all files.

        Args:
            prefer: how the design is chosen.
            seconds: duration of the search.
        """
        points = self.state.front.points
        own = chosen(points, prefer)
        members = [
            design_point(self.space, self.architectures, origin, point)
            for origin, point in zip(self.state.front.origins, points, strict=True)
        ]
        is_mixed = any(isinstance(one.weight_bits, LayerBits) for one in self.space.settings)
        factors, explained, together = self._chip_effects()
        interactions = sorted(together.items(), key=lambda one: -float(one[1].max()))[:_MOST_INTERACTIONS]
        front = DesignFront(
            directory=self.directory,
            dataset=self.plan.config.data.name,
            hardware=self.plan.config.hardware.accelerator,
            axes=self._axes(),
            n_candidates=len(self.architectures),
            n_settings=len(self.space.settings),
            n_covered=self.state.count("n_covered"),
            n_costed=self.state.count("n_costed"),
            n_feasible=self.state.count("n_feasible"),
            excluded=self._excluded(),
            n_front=len(points),
            resolution=self.space.resolution,
            limits={name: limit for name, limit in self.space.budget.limits.items() if limit < inf},
            max_error=self.space.max_error,
            error_term=self.space.error.name,
            error_basis=self.space.error.basis + (_NOT_MEASURED if is_mixed else ""),
            error_half_width=self.space.error.half_width(self.plan.config.data.name),
            prefer=prefer,
            chosen=members[own],
            extremes={name: members[chosen(points, name)] for name in PREFER if name != "knee"},
            purchases=tuple(
                Purchase(
                    spent=spent,
                    more=more,
                    objective=objective,
                    saved=float(
                        1 - points[row, OBJECTIVES.index(objective)] / points[own, OBJECTIVES.index(objective)]
                    ),
                    design=members[row],
                )
                for spent, more, objective, row in purchases(points, own)
            ),
            effects=(*self._setting_effects(), *factors),
            interactions={" × ".join(pair): _by_name(shares) for pair, shares in interactions},
            explained=_by_name(explained),
            seconds=seconds,
            files={
                "page": FRONT_PAGE, "table": FRONT_TABLE, "accelerator": _ACCELERATOR, "architecture": ARCHITECTURE,
                "settings": CHOSEN,
            },
        )  # fmt: skip
        self._write_chosen(own, front)
        self._write_table(members)
        write_text(self.directory / FRONT_PAGE, front_page(front, members))
        front.write(self.directory / FRONT)
        return front

    def _axes(self) -> dict[str, tuple[str, ...]]:
        ascending = self.space.settings[::-1]
        settings = {name: tuple(dict.fromkeys(str(getattr(one, name)) for one in ascending)) for name in NETWORK}
        return settings | {name: tuple(map(str, values)) for name, values in self.space.values.items()}

    def _excluded(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for setting in self.space.settings:
            for name, n in self.space.chips(setting).excluded.items():
                found[name] = found.get(name, 0) + n
        return found

    def _chip_effects(self) -> tuple[list[AxisEffect], np.ndarray, dict[tuple[str, str], np.ndarray]]:
        columns: dict[str, list[np.ndarray]] = {}
        means = []
        for bits, sums in self.state.chips.items():
            costed = np.flatnonzero(sums[:, 4] > 0)
            chips = self.space.chips_at(bits).only(costed)
            own = {**vars(chips.arrays), "replication": chips.replication}
            own["sign_scheme"] = own.pop("n_sign_columns")
            for name, values in own.items():
                columns.setdefault(name, []).append(values)
            means.append(sums[costed, :4] / sums[costed, 4:])
        axes = {name: np.concatenate(values) for name, values in columns.items()}
        several = {name: values for name, values in axes.items() if len(np.unique(values)) > 1}
        factors, explained, together = chip_effects(several, np.vstack(means))
        effects = [
            AxisEffect(axis=axis, value=_text(axis, value), factors=_by_name(one))
            for (axis, value), one in factors.items()
        ]
        return effects, explained, together

    def _setting_effects(self) -> Iterator[AxisEffect]:
        known = np.isfinite(self.state.means).all(axis=1)
        settings = [self.space.settings[number] for number in np.flatnonzero(known)]
        for name, values in setting_values(settings).items():
            if len(set(values)) > 1:
                for value, one in setting_effects(values, self.state.means[known]).items():
                    yield AxisEffect(axis=name, value=f"{value:g}", factors=_by_name(one))

    def _write_chosen(self, row: int, front: DesignFront) -> None:
        """Write the chosen design as files for ``train``, ``estimate`` and ``evaluate --chip``."""
        design = front.chosen
        number, _, chip = map(int, self.state.front.origins[row])
        arrays = self.space.chips(self.space.settings[number]).only(np.array([chip])).arrays
        name = self.plan.config.hardware.accelerator
        accelerator = scaled_accelerator(self.space.base, arrays, name)
        accelerator = accelerator.model_copy(update={"description": f"{design.chip}; {name}, scaled"})
        write_yaml(self.directory / _ACCELERATOR, accelerator)
        ArchitectureFile.of(parse_architecture(design.architecture)).write(self.directory / ARCHITECTURE)
        values = {key: value for key, value in written(self.plan.given).items() if key not in ("design", "search")}
        plain = _plain(written(given(on_chosen_chip(values, front), CHOSEN)))
        write_text(self.directory / CHOSEN, yaml.safe_dump(plain, sort_keys=False, allow_unicode=True))

    def _write_table(self, members: Sequence[DesignPoint]) -> None:
        text = StringIO()
        names = [*DesignPoint.model_fields, "edap_uj_ms_mm2"]
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        for one in members:
            writer.writerow([*dict(one).values(), one.edap])
        write_text(self.directory / FRONT_TABLE, text.getvalue())


def design_point(
    space: JointSpace, architectures: Sequence[str], origin: NDArray[np.int64], point: Array
) -> DesignPoint:
    """A design as a document.

    Args:
        space: space that contains it.
        architectures: text of each candidate.
        origin: shape [3]; see ``search.joint_designs.Designs``.
        point: shape [5]; values of ``OBJECTIVES``.
    """
    number, candidate, chip = map(int, origin)
    setting = space.settings[number]
    chips = space.chips(setting)
    costs = dict(zip(OBJECTIVES, map(float, point), strict=True))
    values: dict[str, Any] = {**chips.values(chip), **costs, "memory_bits": int(costs["memory_bits"])}
    return DesignPoint(
        architecture=architectures[candidate],
        schedule=chips.schedules[-1],
        **dict(setting),
        **values,
    )


def on_chosen_chip(values: Mapping[str, Any], front: DesignFront) -> dict[str, Any]:
    """Settings, as nested values, with chip and network setting of the chosen design of a front."""
    own = front.chosen
    hardware = {
        "accelerator": str(front.directory / front.files["accelerator"]), "schedule": own.schedule,
        "replication": own.replication,
    }  # fmt: skip
    return merged(values, {"network": dict(own.setting), "hardware": hardware})


def _plain(value: Any) -> Any:
    """Settings as YAML values; objects given instead of names, which a file cannot hold, are left out."""
    if isinstance(value, LayerBits):
        return plain_bits(value)
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items() if not _is_object(one)}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _is_object(value: Any) -> bool:
    return value is not None and not isinstance(value, str | int | float | list | tuple | Mapping | LayerBits)


def _by_name(values: np.ndarray) -> dict[str, float]:
    return {name: float(value) for name, value in zip(_QUANTITIES, values, strict=True)}


def _text(axis: str, value: float) -> str:
    if axis == "sign_scheme":
        return sign_scheme_of(value)
    return f"{value:g}"

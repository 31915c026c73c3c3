"""Warnings of given settings that have no effect, such as with the chosen algorithm, cost model, data set, …."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from neuronas.api.setup.dataset_settings import own_default
from neuronas.api.setup.plan import Plan
from neuronas.config import COST_MODELS, PRESETS, SETTINGS, unread, value_at

log = logging.getLogger("neuronas")


def warn_of_unread(run: Plan, values: Mapping[str, Any], verb: str) -> None:
    """Warn of settings that a user gave for a command and that have no effect; see ``config.unread``.

    Args:
        run: the plan.
        values: the settings that were given, nested.
        verb: the command.
    """
    used = run.config.model_dump()
    model = COST_MODELS[run.config.hardware.cost_model]
    lines = unread(
        {path: value_at(values, path) for path in SETTINGS},
        {path: value_at(used, path) for path in SETTINGS},
        lambda path: own_default(run.dataset, path) if run.defaults[path] is None else run.defaults[path],
        {"search.algorithm": run.algorithm, "hardware.cost_model": model, "data.name": run.dataset},
        SETTINGS,
        verb,
    )
    for line in lines:
        log.warning(line)


def warn_of_preset(values: Mapping[str, Any], own: Mapping[str, Any], run: Path) -> None:
    """Warn of settings of a given preset that a run has already, since they override the preset.

    Args:
        values: the settings that were given, nested.
        own: settings of the run, nested.
        run: the run directory.
    """
    content = PRESETS[values["preset"]] if "preset" in values else {}
    preset = {path: value for path in SETTINGS if (value := value_at(content, path)) is not None}
    kept = [path for path, value in preset.items() if value_at(own, path) not in (None, value)]
    kept = [path for path in kept if value_at(values, path) is None]
    if kept:
        log.warning("preset %s does not change %s of run %s; set them one by one", values["preset"],
                    " or ".join(kept), run)  # fmt: skip

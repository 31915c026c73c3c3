"""Warnings of settings that have no effect with the chosen algorithm, cost model, data set, …."""

import logging
from collections.abc import Mapping
from typing import Any

from neuronas.api.dataset_settings import own_default
from neuronas.api.plan import Plan
from neuronas.config import COST_MODELS, SETTINGS, unread, value_at

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

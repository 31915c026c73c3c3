"""The answer of a search as the document ``result.json``."""

import resource
import sys
from math import isfinite
from typing import Any

from neuronas.config import ResolvedConfig
from neuronas.hardware.budget import Budget
from neuronas.hardware.cost import Cost
from neuronas.search.loop import Found
from neuronas.space.notation import format_architecture


def result_document(
    config: ResolvedConfig,
    budget: Budget,
    found: Found,
    cost: Cost,
    cost_document: dict[str, Any],
    seconds: float,
    peak_memory_mb: float,
) -> dict[str, Any]:
    """Return the contract's keys. A limit or fitness that is not finite becomes ``null``.

    Only where candidates failed, ``failed`` names them with the reasons.

    Args:
        config: complete settings.
        budget: what the answer had to fit.
        found: the answer.
        cost: of the answer.
        cost_document: the same as JSON.
        seconds: wall clock, of all sessions.
        peak_memory_mb: of this process and its workers together, in MiB.
    """
    document = {
        "architecture": cost_document["architecture"],
        "fitness": _finite(found.fitness),
        "cost": {key: value for key, value in cost_document.items() if key != "layers"},
        "budget": {f"max_{name}": _finite(limit) for name, limit in budget.limits.items()},
        "violations": budget.violations(cost),
        "n_candidates": found.n_candidates,
        "n_evaluated": found.n_evaluated,
        "rejected": found.rejected,
        "seconds": round(seconds, 3),
        "peak_memory_mb": round(peak_memory_mb, 1),
        "seed": config.seed,
        "dataset": config.data.name,
        "space": config.space,
        "algorithm": config.search.algorithm,
    }
    if found.failed:
        document["failed"] = [
            {"architecture": format_architecture(architecture), "reason": reason}
            for architecture, reason in found.failed
        ]
    return document


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def peak_memory_mb() -> float:
    """Largest resident memory of this process so far, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)

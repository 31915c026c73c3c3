"""Provenance of every number: constants with their sources, settings, and the commands that reproduce a run."""

import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from neuronas.config import ResolvedConfig
from neuronas.errors import quoted
from neuronas.hardware.accelerator import Accelerator
from neuronas.report.facts import RunFacts
from neuronas.report.tables import Table, number
from neuronas.runs.environment import Environment


def provenance_table(run: RunFacts) -> Table:
    """The model, preset or measurement from which each figure comes."""
    hardware, fitness = run.config.hardware, run.config.fitness
    preset = f"preset {hardware.accelerator}" if not hardware.accelerator.endswith((".yaml", ".yml")) else "your file"
    model = f"cost model '{hardware.cost_model}' with the constants of {preset}; an estimate, not a measurement"
    rows = (
        ("parameters, area, latency, energy", model),
        ("tiles of the floorplan", f"cost model 'mapped' with the constants of {preset}"),
        ("fitness", f"'{fitness.name}', weights drawn with seed {run.config.seed}; training images only"),
        ("accuracy", "measured by neuronas evaluate on the test images" if run.evaluation else "not measured"),
        ("accuracy on chips", "simulated by neuronas evaluate --chip" if run.chips else "not simulated"),
    )
    return Table("Provenance", ("number", "comes from"), rows, text_columns=(0, 1))


def constants_table(accelerator: Accelerator) -> Table:
    """One row for each constant of a chip."""
    rows = tuple(_constants(accelerator.model_dump(), ""))
    return Table("Constants", ("constant", "value", "source"), rows, text_columns=(0, 1, 2))


def commands(run: RunFacts) -> list[str]:
    """Commands that reproduce the run from its settings in the directory ``again``."""
    settings = quoted(f"{run.directory}/config.yaml")
    found = []
    if run.candidates or run.result or run.answer is None:
        found.append(f"neuronas search --config {settings} --out again")
        if run.epochs:
            found.append("neuronas train again")
    else:
        found.append(f"neuronas train {quoted(run.answer.text)} --config {settings} --out again")
    if run.evaluation:
        found.append("neuronas evaluate again")
    for chip in run.chips:
        other = ["--hardware", chip.hardware] if chip.hardware != run.config.hardware.accelerator else []
        options = ["--chips", str(chip.n_chips), "--seed", str(chip.seed), *other, *chip.options]
        found.append(shlex.join(["neuronas", "evaluate", "again", "--chip", *options]))
    return [*found, "neuronas report again"]


def first_command(environment: Environment) -> str:
    """The command that created the run directory."""
    return shlex.join(["neuronas", *environment.command[1:]])


def settings_text(config: ResolvedConfig) -> str:
    """All settings as YAML."""
    return yaml.safe_dump(config.model_dump(), sort_keys=False, allow_unicode=True)


def _constants(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for key, value in values.items():
        if not isinstance(value, dict):
            continue
        if set(value) == {"value", "source"}:
            yield f"{prefix}{key}", number(value["value"], 10), str(value["source"])
        else:
            yield from _constants(value, f"{prefix}{key}.")

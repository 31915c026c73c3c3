"""Where every number comes from: assumptions, constants with their sources, versions, settings, the command."""

import shlex
from collections.abc import Iterator
from typing import Any

import yaml

from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, definitions, element, missing, section, table
from neuronas.report.tables import Table, number


def provenance_section(run: RunFacts) -> Html:
    """Which model, preset or measurement stands behind each figure, and what the model assumes."""
    hardware, fitness = run.config.hardware, run.config.fitness
    preset = f"preset {hardware.accelerator}" if not hardware.accelerator.endswith((".yaml", ".yml")) else "your file"
    model = f"cost model '{hardware.cost_model}' with the constants of {preset}; an estimate, not a measurement"
    rows = (
        ("parameters, area, latency, energy", model),
        ("tiles of the floorplan", f"cost model 'mapped' with the constants of {preset}"),
        ("fitness", f"'{fitness.name}', weights drawn with seed {run.config.seed}; training images only"),
        ("accuracy", "measured by neuronas evaluate on the test images" if run.evaluation else "not measured"),
        ("accuracy on chips", "simulated by neuronas evaluate --chip" if run.chip else "not simulated"),
    )
    assumptions = run.answer.cost.assumptions if run.answer else ()
    constants = tuple(_constants(run.accelerator.model_dump(), ""))
    return section(
        "provenance",
        "Where the numbers come from",
        table(Table("Provenance", ("number", "comes from"), rows, text_columns=(0, 1))),
        element("h3", {}, "What the cost model assumes"),
        element("ul", {}, *(element("li", {}, line) for line in assumptions))
        if assumptions
        else missing("No architecture was costed."),
        element(
            "details",
            {},
            element("summary", {}, f"All {len(constants)} constants of {hardware.accelerator} with their sources"),
            table(Table("Constants", ("constant", "value", "source"), constants, text_columns=(0, 1, 2))),
        ),
    )


def reproduce_section(run: RunFacts) -> Html:
    """Versions, seed, settings and the commands that reproduce the run."""
    parts = [
        element("p", {}, f"Seed {run.config.seed}. The same seed, settings and versions give the same result."),
        element("h3", {}, "From its settings, into a new directory"),
        _commands(list(_commands_of(run))),
    ]
    if run.environment:
        made = shlex.join(["neuronas", *run.environment.command[1:]])
        versions = [("Python", run.environment.python), ("machine", run.environment.platform)]
        parts += [
            element("h3", {}, "How the directory was first made"),
            _commands([made]),
            definitions([*versions, *run.environment.packages.items()]),
        ]
    else:
        parts.append(missing("environment.json is not there: versions and the first command are not known."))
    settings = yaml.safe_dump(run.config.model_dump(), sort_keys=False, allow_unicode=True)
    parts.append(
        element("details", {}, element("summary", {}, "Every setting (config.yaml)"), element("pre", {}, settings))
    )
    return section("reproduce", "Reproduce this run", *parts)


def _commands_of(run: RunFacts) -> Iterator[str]:
    settings = shlex.quote(f"{run.directory}/config.yaml")
    if run.candidates or run.result or run.answer is None:
        yield f"neuronas search --config {settings} --out again"
        if run.epochs:
            yield "neuronas train again"
    else:
        yield f"neuronas train {shlex.quote(run.answer.text)} --config {settings} --out again"
    if run.evaluation:
        yield "neuronas evaluate again"
    if run.chip:
        ablation = " --ablation" if run.chip.ablation else ""
        yield f"neuronas evaluate again --chip --chips {run.chip.n_chips} --seed {run.chip.seed}{ablation}"
    yield "neuronas report again"


def _commands(lines: list[str]) -> Html:
    return element("pre", {"class": "command", "tabindex": "0"}, "\n".join(lines))


def _constants(values: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, str]]:
    for key, value in values.items():
        if not isinstance(value, dict):
            continue
        if set(value) == {"value", "source"}:
            yield f"{prefix}{key}", number(value["value"], 10), str(value["source"])
        else:
            yield from _constants(value, f"{prefix}{key}.")

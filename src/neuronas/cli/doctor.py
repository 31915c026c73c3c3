"""``neuronas doctor``: what is installed, what is missing and how to get it."""

from typing import Any

from rich.text import Text

from neuronas.cli import console, options as opt
from neuronas.config import value_at, written


@opt.with_settings("doctor")
def doctor(
    options: dict[str, Any],
    config: opt.Config = None,
    assignments: opt.Set = None,
    out: opt.Out = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.doctor import examine
    from neuronas.api.setup.settings import gathered

    given = written(gathered("doctor", options, config, assignments or ()))
    diagnosis = examine(value_at(given, "data.data_dir"), value_at(given, "device") or "auto")
    if out:
        diagnosis.write(out / "doctor.json")
    if as_json:
        console.print_json(diagnosis)
        return
    for check in diagnosis.checks:
        if quiet and check.ok:
            continue
        mark = Text("ok     ", style="green") if check.ok else Text("missing", style="yellow")
        console.answers.print(mark, f"{check.name}: {check.found}" + (f"; {check.advice}" if check.advice else ""))

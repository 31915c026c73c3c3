"""``neuronas doctor``: what is installed, what is missing and how to get it."""

from dataclasses import asdict
from typing import Any

from rich.text import Text

from neuronas import __version__
from neuronas.api.doctor import examine
from neuronas.api.settings import gathered
from neuronas.cli import console
from neuronas.cli import options as opt
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
    """Show what is installed, what is missing and how to get it."""
    checks = list(examine(value_at(written(gathered("doctor", options, config, assignments or ())), "data.data_dir")))
    document = {"neuronas": __version__, "checks": [asdict(check) for check in checks]}
    if out:
        opt.write_document(out, "doctor.json", document)
    if as_json:
        console.print_json(document)
        return
    for check in checks:
        if quiet and check.ok:
            continue
        mark = Text("ok     ", style="green") if check.ok else Text("missing", style="yellow")
        console.answers.print(mark, f"{check.name}: {check.found}" + (f"; {check.advice}" if check.advice else ""))

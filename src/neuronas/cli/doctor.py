"""``neuronas doctor``: what is installed, what is missing and how to get it."""

from dataclasses import asdict

from rich.text import Text

from neuronas import __version__
from neuronas.api.doctor import examine
from neuronas.api.settings import read_settings
from neuronas.cli import console, options


def doctor(
    data_dir: options.DataDir = None,
    config: options.Config = None,
    seed: options.Seed = None,
    device: options.Device = None,
    out: options.Out = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what is installed, what is missing and how to get it."""
    settings = read_settings(config, data_dir=data_dir, seed=seed, device=device)
    checks = list(examine(settings.data.data_dir))
    document = {"neuronas": __version__, "checks": [asdict(check) for check in checks]}
    if out:
        options.write_document(out, "doctor.json", document)
    if as_json:
        console.print_json(document)
        return
    for check in checks:
        if quiet and check.ok:
            continue
        mark = Text("ok     ", style="green") if check.ok else Text("missing", style="yellow")
        console.answers.print(mark, f"{check.name}: {check.found}" + (f"; {check.advice}" if check.advice else ""))

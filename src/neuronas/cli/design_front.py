"""``neuronas design --design``: network and chip together, from a design space."""

from typing import Any

from neuronas.cli import console
from neuronas.cli.progress import ProgressBar
from neuronas.cli.unfinished import explained

_TITLE = 18
"""Width of the names of findings."""


def front(
    space: str, options: dict[str, Any], given: dict[str, Any], *, download: bool, as_json: bool, quiet: bool
) -> None:
    """Run ``plan_front`` and print the result.

    Args:
        space: name or file of the design space.
        options: settings.
        given: keyword arguments of ``plan_front``.
        download: download the data set if it is missing.
        as_json: print the document as JSON.
        quiet: print one line.
    """
    from neuronas.api.design_front import plan_front
    from neuronas.cli.tables import printable
    from neuronas.report import front_tables
    from neuronas.runs.design_fronts import SPACE

    planned = plan_front(space, options, **given)
    directory = planned.directory
    with (
        explained("design", directory, directory / SPACE, as_json=as_json, quiet=quiet),
        ProgressBar(quiet=quiet) as progress,
    ):
        found = planned.run(progress, download=download)
    if as_json:
        console.print_json(found)
        return
    out = console.answers
    if quiet:
        out.print(found.chosen.text)
        return
    for name, finding in front_tables.answer(found):
        out.print(f"{name:{_TITLE}}{finding}")
    out.print()
    out.print(printable(front_tables.extremes(found)))
    if found.purchases:
        out.print(printable(front_tables.buys(found)))
    for name, file in found.files.items():
        out.print(f"{name}: {directory / file}")
    out.print("next:")
    for line in front_tables.commands(found):
        out.print(f"  {line}")

"""``neuronas run RUN --events FILE``: a recording, classified as a stream."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neuronas.cli import console, options
from neuronas.cli.serving import PANEL, Port, serving
from neuronas.cli.tables import PlainTable
from neuronas.config import as_path

if TYPE_CHECKING:
    from neuronas.runs.predictions import StreamResult

_SHOWN = 12
"""Maximum number of table rows; further steps are left out in the middle."""
Events = Annotated[
    Path, typer.Option("--events", parser=as_path, metavar="FILE", help="Recording, in any supported format.")
]
Pace = Annotated[float, options.option("Speed of the stream: 1 as recorded; 0 as fast as possible \\[0].", min=0)]
Serve = Annotated[
    bool,
    options.option("Show events and scores live in the browser, on this machine only \\[off].", "--serve", panel=PANEL),
]


def run(
    run: options.TrainedRun,
    events: Events,
    pace: Pace = 0.0,
    device: options.Device = "auto",
    serve: Serve = False,
    port: Port = None,
    plugin: options.Plugins = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.evaluating.stream import run as classify

    shown = None
    if serve:
        from neuronas.report.stream_page import LiveStream

        shown = LiveStream(events.name)
    with serving(shown, port, quiet=quiet):
        found = classify(run, events, pace=pace, device=device, follow=shown)
    if as_json:
        console.print_json(found)
        return
    if not quiet:
        console.answers.print(_table(found))
    console.answers.print(
        f"{found.decision.name} ({found.decision.score:.4g}), the same since {found.settled_ms:.6g} ms of "
        f"{1000 * found.recorded_s:.6g} ms"
    )
    console.answers.print(
        f"{found.n_events:,} events in {len(found.steps):,} steps of {found.step_ms:.4g} ms; computed in "
        f"{found.compute_s:.3g} s, {found.times_real_time:.3g} times real time"
    )


def _table(found: "StreamResult") -> PlainTable:
    table = PlainTable()
    for title in ("ms", "events", "class", "score"):
        table.add_column(title, justify="left" if title == "class" else "right")
    steps, half = found.steps, _SHOWN // 2
    shown = steps if len(steps) <= _SHOWN else (*steps[:half], None, *steps[-half:])
    for step in shown:
        if step is None:
            table.add_row("…", "…", "…", "…")
            continue
        name, score = found.class_names[step.best], step.scores[step.best]
        table.add_row(f"{step.end_ms:.6g}", f"{step.n_events:,}", name, f"{score:.4g}")
    return table

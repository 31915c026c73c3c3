"""``neuronas dashboard RUN``: a run in the browser, live."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from neuronas.cli import console, options
from neuronas.cli.serving import Port, live_server
from neuronas.config import as_path


def dashboard(
    run: Annotated[
        Path, typer.Argument(parser=as_path, metavar="RUN", help="Run directory; another process may be writing to it.")
    ],
    port: Port = None,
    plugin: options.Plugins = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.reporting.run_facts import read_run

    read_run(run)  # refuse what cannot be shown before the server starts
    try:
        with live_server(run, port) as server:
            if as_json:
                console.print_json({"address": server.address, "port": server.port})
            elif quiet:
                console.answers.print(server.address)
            else:
                console.answers.print(f"{server.address} shows {run}, on this machine only; Ctrl-C ends it")
            sys.stdout.flush()  # another program may be waiting for the address
            server.wait()
    except KeyboardInterrupt:  # the normal way to end it, not an interruption
        if not quiet:
            console.notes.print("no longer served")

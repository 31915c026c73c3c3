"""``neuronas fit ARCH``: whether a network fits a chip you can buy. Needs neither data nor torch."""

from typing import TYPE_CHECKING, Any

from neuronas.cli import console, options as opt

if TYPE_CHECKING:
    from neuronas.runs.fits import FitResult


@opt.with_settings("fit")
def fit(
    arch: opt.Arch,
    options: dict[str, Any],
    input_shape: opt.InputShape = None,
    config: opt.Config = None,
    assignments: opt.Set = None,
    as_json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> None:
    """See ``neuronas.cli.verbs``."""
    from neuronas.api.estimating.fit import fit as check

    shape = opt.input_shape_of(input_shape)
    found = check(arch, input_shape=shape, config=config, assignments=assignments or (), **options)
    if as_json:
        console.print_json(found)
    else:
        _print(found, quiet=quiet)


def _print(found: "FitResult", *, quiet: bool) -> None:
    from neuronas.cli.tables import printable
    from neuronas.report.fit_tables import broken_table, layer_table, mend_table

    out = console.answers
    out.print(found.text, style="bold")
    if quiet:
        return
    if found.broken:
        out.print(printable(broken_table(found)))
    out.print(printable(layer_table(found)))
    if found.mends:
        out.print(printable(mend_table(found)))
    if found.advice:
        console.notes.print(found.advice)
    if found.largest_channels is not None:
        out.print(f"fits up to --channels {found.largest_channels:,}, everything else as it is")
    for line in found.differs:
        console.notes.print(f"note: {line}", style="dim")

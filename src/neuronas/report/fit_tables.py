"""Tables of a network on a commercial chip."""

from neuronas.report.tables import Table
from neuronas.runs.fits import FitResult


def broken_table(found: FitResult) -> Table:
    """A row for each exceeded limit."""
    rows = tuple((one.layer or "network", one.limit.replace("_", " "), one.text) for one in found.broken)
    return Table("Broken limits", ("layer", "limit", "given and expected"), rows, text_columns=(0, 1, 2))


def layer_table(found: FitResult) -> Table:
    """A row for each layer, with the core memory that it uses."""
    rows = tuple(
        (
            one.name,
            f"{one.in_channels} to {one.out_channels}",
            f"{one.kernel[0]}x{one.kernel[1]}",
            str(one.stride),
            str(one.pool),
            f"{one.n_weights:,}",
            f"{one.n_neurons:,}",
            "" if one.core is None else str(one.core),
        )
        for one in found.layers
    )
    titles = ("layer", "channels", "kernel", "stride", "pool", "weights", "neurons", "core")
    return Table("Layers on the chip", titles, rows)


def mend_table(found: FitResult) -> Table:
    """A row for each tested change."""
    rows = tuple((one.options, "fits" if one.fits else f"still breaks {', '.join(one.left)}") for one in found.mends)
    return Table("Tested changes", ("with", "the network"), rows, text_columns=(0, 1))

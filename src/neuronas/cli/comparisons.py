"""Published figures beside ours, as text for people."""

from collections.abc import Sequence
from typing import Any

from neuronas.cli.tables import PlainTable


def comparison_table(rows: Sequence[dict[str, Any]]) -> PlainTable:
    """A line for each figure: network, quantity, bits, as published, as computed, whether they agree."""
    table = PlainTable()
    for title in ("network", "quantity", "bits", "published", "ours", "agrees"):
        table.add_column(title, justify="right" if title in ("bits", "published", "ours") else "left")
    for row in rows:
        published = f"{row['published']:,.10g}"
        ours = f"{row['ours']:,.{0 if row['quantity'] == 'parameters' else 2}f}"
        agrees = "yes" if row["agrees"] else "no"
        table.add_row(row["network"], row["quantity"], str(row["weight_bits"]), published, ours, agrees)
    return table

"""The page ``deviations.md``: differences of program and results from the papers, as declared in the code."""

from collections.abc import Iterable

from page_parts import table

from neuronas.experiments.deviations import deviations
from neuronas.experiments.hardware import run
from neuronas.experiments.hardware_result import REPRODUCED

_HEAD = """\
# Differences from the papers

<!-- Written by docs/generate.py from the code; change the code and run it again. -->

The papers are NeuroNAS (arXiv 2407.00641), SpikeNAS (arXiv 2402.11322) and SNASNet (arXiv 2201.10355). Every difference
is declared once, in `src/neuronas/experiments/deviations.json`; results of `neuronas reproduce` name those that concern
them.
"""
_HARDWARE = """\
## Printed figures that contradict each other

`neuronas reproduce hardware` judges every printed figure of parameters, area, latency and energy. Under the published
cost model all networks of the space are known: (a, b) has a convolutions in cell A and b in cell B. A figure is
*reproduced* if the networks of one search, one at each precision and all within the budget, give it together with the
other figures of its data set. COUNTS; these are not:
"""


def deviations_page() -> str:
    """The page in Markdown."""
    general, own = ([one for one in deviations() if bool(one.experiments) == has] for has in (False, True))
    result = run()
    n = result.verdicts.get(REPRODUCED, 0)
    counts = f"Of {result.n_figures} printed figures {n} are reproduced"
    wrong = [row for row in result.rows if row.verdict != REPRODUCED]
    parts = [
        _HEAD,
        "## In the program\n",
        table(("about", "published", "here"), ((one.about, one.paper, one.here) for one in general)),
        "## In the experiments\n",
        table(
            ("about", "published", "here", "experiments"),
            ((one.about, one.paper, one.here, _experiments(one.experiments, one.scales)) for one in own),
        ),
        _HARDWARE.replace("COUNTS", counts),
        table(
            ("figure", "published", "ours", "verdict", "why"),
            (
                (
                    row.figure,
                    f"{row.published:,.10g}",
                    "–" if row.ours is None else f"{row.ours:,.7g}",
                    row.verdict,
                    row.note,
                )
                for row in wrong
            ),
        ),
    ]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def _experiments(names: Iterable[str], scales: Iterable[str]) -> str:
    return " at ".join(filter(None, (", ".join(f"`{name}`" for name in names), ", ".join(scales))))

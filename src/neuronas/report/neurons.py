"""What layers of neurons are called for people."""

import re
from collections.abc import Iterable

from neuronas.report.cell_layout import node_name
from neuronas.space.shape import cell_name

_IN_CELL = re.compile(r"cells\.(\d+)\.node(\d+)(?:@(.+))?")
_BEHIND_CELL = re.compile(r"reductions\.(\d+)\.\d+")


def neuron_titles(names: Iterable[str]) -> dict[str, str]:
    """The node of the drawn cells behind which each LIF layer stands: ``A in``, ``A node 2``, ``B out``.

    Args:
        names: those of ``Classifier.neurons``, such as ``cells.0.node2``; others are left as they are.
    """
    names = list(names)
    n_reductions = sum(bool(_BEHIND_CELL.fullmatch(name)) for name in names)
    return {name: _title(name, last=n_reductions) for name in names}


def _title(name: str, last: int) -> str:
    if found := _IN_CELL.fullmatch(name):
        node = node_name(int(found[2]))
        threshold = f" θ{found[3].replace('_', '.')}" if found[3] else ""
        return f"{cell_name(int(found[1]))} {f'node {node}' if node.isdigit() else node}{threshold}"
    if found := _BEHIND_CELL.fullmatch(name):
        return f"{cell_name(int(found[1]))} out"
    return f"{cell_name(last)} out" if name.startswith("last.") else name

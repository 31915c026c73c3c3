"""A convolution that no preset has, 9x9, in a search space of your own: python own_operation.py [RUN]

An operation is a row of a table: a name and the side of its kernel. Everything else follows from it: weights, spikes,
crossbars, cost, training, export. What is neither convolution, pooling nor identity needs a change to the package.
The table is this process's own: ``workers`` and the command line do not know the new row.
"""

import sys
from pathlib import Path

import neuronas
from neuronas.space.operations import add_convolution

SPACE = """\
source: an example
operations: [skip, conv_3x3, conv_9x9]
cells: 2
shared_cell: true
"""


def main(run: str = "runs/own-operation") -> None:
    """Search the space within a budget on digits."""
    add_convolution("conv_9x9", kernel=9)
    space = Path(run).with_suffix(".yaml")
    space.parent.mkdir(parents=True, exist_ok=True)
    space.write_text(SPACE)

    found = neuronas.search(
        space=str(space),
        algorithm="snasnet",  # random architectures of the space
        n_draws=40,
        channels=4,
        batch_size=32,
        cost_model="mapped",
        max_energy_uj=40,
        out=run,
    )
    print(found.text)
    print(f"energy {found.cost.energy_uj:.2f} µJ of at most 40; {found.found.n_candidates} candidates")
    for layer in found.cost.layers:
        if layer.layer.kernel == 9:
            print(f"{layer.layer.name}: {layer.n_crossbars} crossbars, {layer.energy_uj:.3f} µJ")


if __name__ == "__main__":
    main(*sys.argv[1:])

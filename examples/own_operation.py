"""A convolution that no preset has, 9x9, in a search space of your own: python own_operation.py [RUN]

An operation says which nodes of the layer graph it puts on an edge. Everything else follows from them: weights, spikes,
crossbars, cost, training, export. What is registered here is known to this process alone; put it into a plug-in module
(``neuronas --plugin MODULE``) for ``workers`` and the command line.
"""

import sys
from pathlib import Path

import neuronas
from neuronas.config.registry import OPERATIONS
from neuronas.space.operations import Convolution

SPACE = """\
source: an example
operations: [skip, conv_3x3, conv_9x9]
cells: 2
shared_cell: true
"""


def main(run: str = "runs/own-operation") -> None:
    """Search the space within a budget on digits."""
    OPERATIONS.add("conv_9x9", Convolution("conv_9x9", kernel=9))
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

"""Search with an operation that is not built in, a 9x9 convolution: python own_operation.py [RUN]

An operation declares which nodes of the layer graph it puts on an edge; weights, spikes, crossbars, cost, training and
export follow from them. An operation that is added here exists in this process only. For worker processes and the
command line, put it into a plug-in (see my_plugin.py).
"""

import sys

import neuronas
from neuronas.config.registry import OPERATIONS
from neuronas.space.operations import Convolution


def main(run: str = "runs/own-operation") -> None:
    """Search a space with this operation within a budget, on digits."""
    OPERATIONS.add("conv_9x9", Convolution("conv_9x9", kernel=9))
    found = neuronas.search(
        space=neuronas.Space(operations=("skip", "conv_3x3", "conv_9x9"), shared_cell=True),
        algorithm="snasnet",  # random architectures of the space
        n_draws=40,
        channels=4,
        batch_size=32,
        max_energy_uj=40,
        out=run,
    )
    print(found.text)
    print(f"energy {found.cost.energy_uj:.2f} µJ of at most 40; {found.summary.n_candidates} candidates")
    for layer in found.cost.layers:
        if layer.layer.kernel == 9:
            print(f"{layer.layer.name}: {layer.n_crossbars} crossbars, {layer.energy_uj:.3f} µJ")


if __name__ == "__main__":
    main(*sys.argv[1:])

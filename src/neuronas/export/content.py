"""What is exported: a trained network with everything that a format writes about it."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from neuronas.config import ExportConfig, WeightBits
from neuronas.hardware.accelerator import Accelerator
from neuronas.runs.inputs import NetworkInput
from neuronas.snn.decision import READOUT

if TYPE_CHECKING:
    from neuronas.export.crossbars import CrossbarsDocument
    from neuronas.export.integer_network import IntegerNetwork
    from neuronas.snn.bound_graph import BoundGraph


@dataclass(frozen=True)
class ModelledCycles:
    """Clock cycles of the run's accelerator by cost model ``mapped``.

    Attributes:
        cycles: clock cycles per image over all time steps, without waiting for a sensor.
        hardware: name of the accelerator.
        schedule: schedule of the layers.
    """

    cycles: int
    hardware: str
    schedule: str


@dataclass(frozen=True)
class ExportContent:
    """A trained network with all information that is exported.

    Attributes:
        network: layer graph with its arrays.
        architecture: the architecture in text notation.
        weight_bits: 2 to 16, or 32 for weights that are not quantised; one number, or by layer.
        input: size and normalisation of the input images.
        class_names: class names in the order of the outputs; None if classes have no names.
        crossbars: placement on the accelerator of the run.
        settings: settings of the export.
        accelerator: accelerator of the run, with a memory device; used by format ``crossbars``.
        modelled: cycles of the cost model, for comparison with those of the engine; used by format ``rtl``.
    """

    network: "BoundGraph"
    architecture: str
    weight_bits: WeightBits
    input: NetworkInput
    class_names: tuple[str, ...] | None
    crossbars: "CrossbarsDocument"
    settings: ExportConfig = field(default_factory=ExportConfig)
    accelerator: Accelerator | None = None
    modelled: ModelledCycles | None = None

    @cached_property
    def integers(self) -> "IntegerNetwork":
        """The integer-only network.

        Raises:
            ConfigurationError: see ``export.to_integers``.
        """
        from neuronas.export.to_integers import integer_network

        return integer_network(self.network, self.input, self.settings.fraction_bits)

    @property
    def about(self) -> dict[str, str]:
        """Metadata for readers of the file, as text; class names as a JSON list."""
        return {
            "architecture": self.architecture,
            "class_names": json.dumps(self.class_names),
            "image_channels": str(self.input.channels),
            "image_size": f"{self.input.height}x{self.input.width}",
            "preparation": self.input.preparation,
            "readout": READOUT,
        }

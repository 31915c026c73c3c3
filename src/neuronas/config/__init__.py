"""Every setting of a run as strict, frozen values, and the reader that turns YAML into them."""

from neuronas.config.files import (
    is_there,
    read_bytes,
    read_text,
    read_yaml,
    validate,
    write_bytes,
    write_text,
    write_yaml,
)
from neuronas.config.models import (
    BudgetConfig,
    DataConfig,
    EngineConfig,
    FitnessConfig,
    HardwareConfig,
    NetworkConfig,
    RunConfig,
    SearchConfig,
    Section,
    TrainConfig,
)

__all__ = [
    "BudgetConfig",
    "DataConfig",
    "EngineConfig",
    "FitnessConfig",
    "HardwareConfig",
    "NetworkConfig",
    "RunConfig",
    "SearchConfig",
    "Section",
    "TrainConfig",
    "is_there",
    "read_bytes",
    "read_text",
    "read_yaml",
    "validate",
    "write_bytes",
    "write_text",
    "write_yaml",
]

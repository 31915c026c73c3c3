"""Every setting of a run as strict, frozen values, and the reader that turns YAML into them."""

from neuronas.config.files import (
    first_mistake,
    is_there,
    read_beginning,
    read_bytes,
    read_text,
    read_yaml,
    validate,
    write_bytes,
    write_text,
    write_yaml,
)
from neuronas.config.json_files import parse_json, plain, read_json, write_json
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
from neuronas.config.run_file import read_config, write_config

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
    "first_mistake",
    "is_there",
    "parse_json",
    "plain",
    "read_beginning",
    "read_bytes",
    "read_config",
    "read_json",
    "read_text",
    "read_yaml",
    "validate",
    "write_bytes",
    "write_config",
    "write_json",
    "write_text",
    "write_yaml",
]

"""Settings: their schema, given and resolved values, registries of named choices, plug-ins and files."""

from neuronas.config.design_schema import DesignConfig as DesignConfig
from neuronas.config.durations import (
    SECONDS as SECONDS,
    duration as duration,
    seconds as seconds,
)
from neuronas.config.event_schema import EventsConfig as EventsConfig
from neuronas.config.export_schema import ExportConfig as ExportConfig
from neuronas.config.files import (
    as_path as as_path,
    first_mistake as first_mistake,
    is_there as is_there,
    parse_yaml_value as parse_yaml_value,
    read_beginning as read_beginning,
    read_bytes as read_bytes,
    read_text as read_text,
    read_yaml as read_yaml,
    read_yaml_text as read_yaml_text,
    validate as validate,
    write_bytes as write_bytes,
    write_text as write_text,
    write_yaml as write_yaml,
)
from neuronas.config.given import (
    SETTINGS as SETTINGS,
    RunConfig as RunConfig,
    as_options as as_options,
    given as given,
    merged as merged,
    settings_for as settings_for,
    value_at as value_at,
    with_assignments as with_assignments,
    with_options as with_options,
    with_value as with_value,
    written as written,
)
from neuronas.config.hardware_schema import (
    BudgetConfig as BudgetConfig,
    HardwareConfig as HardwareConfig,
)
from neuronas.config.json_files import (
    parse_json as parse_json,
    plain as plain,
    read_json as read_json,
    write_json as write_json,
)
from neuronas.config.named_files import load_named as load_named
from neuronas.config.origin import (
    label as label,
    origin as origin,
)
from neuronas.config.plugins import (
    Plugin as Plugin,
    load_plugins as load_plugins,
    plugin_digest as plugin_digest,
    require_loaded as require_loaded,
)
from neuronas.config.registry import (
    ACCELERATORS as ACCELERATORS,
    ALGORITHMS as ALGORITHMS,
    COST_MODELS as COST_MODELS,
    DATASETS as DATASETS,
    DESIGN_SPACES as DESIGN_SPACES,
    DEVICE_MODELS as DEVICE_MODELS,
    EXPORT_FORMATS as EXPORT_FORMATS,
    FITNESS as FITNESS,
    OPERATIONS as OPERATIONS,
    PRESETS as PRESETS,
    RECIPES as RECIPES,
    REGISTRIES as REGISTRIES,
    SPACES as SPACES,
    SURROGATES as SURROGATES,
    TARGETS as TARGETS,
    Registry as Registry,
)
from neuronas.config.schema import (
    DataConfig as DataConfig,
    EngineConfig as EngineConfig,
    FitnessConfig as FitnessConfig,
    NetworkConfig as NetworkConfig,
    ResolvedConfig as ResolvedConfig,
)
from neuronas.config.search_schema import SearchConfig as SearchConfig
from neuronas.config.setting import (
    Before as Before,
    Section as Section,
    Setting as Setting,
)
from neuronas.config.training_schema import (
    MEASURING as MEASURING,
    ChipConfig as ChipConfig,
    TrainConfig as TrainConfig,
)
from neuronas.config.unread_settings import unread as unread
from neuronas.config.values import (
    DT_S as DT_S,
    EVALUATED_BITS as EVALUATED_BITS,
    FEWEST_FRACTION_BITS as FEWEST_FRACTION_BITS,
    FRACTION_BITS as FRACTION_BITS,
    FULL_PRECISION as FULL_PRECISION,
)
from neuronas.config.weight_bits import (
    FEWEST_BITS as FEWEST_BITS,
    MOST_BITS as MOST_BITS,
    LayerBits as LayerBits,
    WeightBits as WeightBits,
    as_weight_bits as as_weight_bits,
    bits_of as bits_of,
    bits_rank as bits_rank,
    by_layer as by_layer,
    covers as covers,
    distinct_bits as distinct_bits,
    each_layer as each_layer,
    keys_with as keys_with,
    one_precision as one_precision,
    plain_bits as plain_bits,
    precision_text as precision_text,
    weights_text as weights_text,
)

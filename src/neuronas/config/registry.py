"""Registries of named choices: one for each kind of object that a setting can name.

The package that owns a kind declares its built-in entries as a plain mapping; a registry reads that mapping on first
use, so that nothing is registered by importing a module and nothing is imported before it is needed. Plug-ins
(``neuronas.config.plugins``) and Python programs add entries of their own.
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from typing import Any

from neuronas.errors import ConfigurationError, unknown_name


class Registry(Mapping[str, Any]):
    """Choices by name, in the order of declaration.

    Args:
        kind: kind of the entries, for messages: ``fitness``, ``data set``.
        home: ``module:NAME`` of the mapping that holds the built-in entries; importing it must not import torch.
        object_type: ``module:CLASS`` of the objects that may be given instead of a name; None: names only.
        example: such an object in Python, for messages.
        functions: functions that may be given as well, in words; empty: none.
    """

    def __init__(self, kind: str, home: str, object_type: str | None = None, example: str = "", functions: str = ""):
        self.kind, self.home, self.object_type, self.example = kind, home, object_type, example
        self.functions = functions
        self._added: dict[str, Any] = {}

    def add(self, name: str, entry: Any) -> None:
        """Add a choice.

        Raises:
            ConfigurationError: the name is taken by another entry.
        """
        if name in self and self[name] is not entry:
            raise ConfigurationError(f"{self.kind} '{name}' exists already; expected another name")
        self._added[name] = entry

    def remove(self, name: str) -> None:
        """Remove an added choice; built-in ones stay."""
        self._added.pop(name, None)

    @cached_property
    def object_class(self) -> type[Any] | None:
        """Class of the objects that may be given instead of a name; imported on first use."""
        if self.object_type is None:
            return None
        module, _, name = self.object_type.partition(":")
        found: type[Any] = getattr(import_module(module), name)
        return found

    def takes(self, value: object) -> bool:
        """Whether an object may be given instead of a name."""
        kind = self.object_class
        if kind is None or isinstance(value, type):
            return False
        if getattr(kind, "_is_protocol", False):
            return all(hasattr(value, name) for name in vars(kind) if not name.startswith("_"))
        return isinstance(value, kind) or (bool(self.functions) and callable(value))

    def is_builtin(self, name: str) -> bool:
        """Whether the choice is built in."""
        return name in self._builtin

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __getitem__(self, name: str) -> Any:
        for entries in (self._added, self._builtin):
            if name in entries:
                return entries[name]
        raise unknown_name(self.kind, name, self)

    def __iter__(self) -> Iterator[str]:
        yield from self._builtin
        yield from self._added

    def __len__(self) -> int:
        return len(self._builtin) + len(self._added)

    def __contains__(self, name: object) -> bool:
        return name in self._added or name in self._builtin

    @cached_property
    def _builtin(self) -> Mapping[str, Any]:
        module, _, attribute = self.home.partition(":")
        entries: Mapping[str, Any] = getattr(import_module(module), attribute)
        return entries


OPERATIONS = Registry("operation", "neuronas.space.operations:BUILTIN")
SPACES = Registry("search space", "neuronas.space.spaces:BUILTIN", "neuronas.space.spaces:Space")
DATASETS = Registry(
    "data set",
    "neuronas.data.presets:BUILTIN",
    "neuronas.data.dataset:DataSet",
    "neuronas.InMemoryDataSet(train=(images, labels))",
)
FITNESS = Registry("fitness", "neuronas.fitness.measures:BUILTIN", "neuronas.fitness.measure:Measure")
ALGORITHMS = Registry(
    "algorithm",
    "neuronas.search.algorithms.table:BUILTIN",
    "neuronas.search.algorithms.base:Algorithm",
    functions="a generator function (space, random, settings) that proposes architectures",
)
COST_MODELS = Registry("cost model", "neuronas.hardware.models:BUILTIN")
ACCELERATORS = Registry(
    "accelerator", "neuronas.hardware.accelerator:BUILTIN", "neuronas.hardware.accelerator:Accelerator"
)
DEVICE_MODELS = Registry(
    "device model", "neuronas.hardware.device_model:BUILTIN", "neuronas.hardware.device_model:DeviceModel"
)
TARGETS = Registry("target", "neuronas.hardware.target:BUILTIN", "neuronas.hardware.target:Target")
DESIGN_SPACES = Registry(
    "design space", "neuronas.hardware.design_space:BUILTIN", "neuronas.hardware.design_space:DesignSpace"
)
EXPORT_FORMATS = Registry("export format", "neuronas.export.formats:BUILTIN")
SURROGATES = Registry("surrogate", "neuronas.snn.surrogates:BUILTIN")
RECIPES = Registry("recipe", "neuronas.training.recipes:BUILTIN")
PRESETS = Registry("preset", "neuronas.config.presets:BUILTIN")

REGISTRIES: dict[str, Registry] = {
    "operations": OPERATIONS,
    "spaces": SPACES,
    "datasets": DATASETS,
    "fitness": FITNESS,
    "algorithms": ALGORITHMS,
    "cost_models": COST_MODELS,
    "accelerators": ACCELERATORS,
    "device_models": DEVICE_MODELS,
    "targets": TARGETS,
    "design_spaces": DESIGN_SPACES,
    "export_formats": EXPORT_FORMATS,
    "surrogates": SURROGATES,
    "recipes": RECIPES,
    "presets": PRESETS,
}
"""All registries, by their names in ``Plugin``."""

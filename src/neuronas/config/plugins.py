"""Plug-ins: modules that add operations, measures, algorithms, data sets, cost models and export formats.

A plug-in is a module, or a Python file, with a ``plugin``::

    from neuronas import Plugin

    plugin = Plugin(fitness={"mine": MyMeasure()})

It is named by ``--plugin MODULE`` (or ``plugins`` in settings, which workers read as well), or installed with an entry
point of the group ``neuronas``.
"""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from hashlib import blake2b
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from neuronas.config.registry import REGISTRIES
from neuronas.errors import ConfigurationError

GROUP = "neuronas"
_ATTRIBUTE = "plugin"
_asked_for: set[str] = set()


@dataclass(frozen=True)
class Plugin:
    """Entries that a plug-in adds, by name.

    Attributes:
        operations: ``neuronas.space.operations.Operation``.
        spaces: ``Space``.
        datasets: ``DataSet``.
        fitness: measures with ``read`` and ``combine`` (``neuronas.fitness.measure.Measure``).
        algorithms: ``Algorithm``, or generator functions that propose candidates
            (``neuronas.search.algorithms.base``).
        cost_models: factories as in ``neuronas.hardware.models``.
        accelerators: ``Accelerator``.
        device_models: ``neuronas.hardware.device_model.DeviceModel``.
        targets: ``neuronas.hardware.target.Target``.
        design_spaces: ``neuronas.hardware.design_space.DesignSpace``.
        export_formats: ``neuronas.export.formats.Format``.
        surrogates: ``neuronas.snn.surrogates.Surrogate``.
        recipes: values of training settings by name.
    """

    operations: Mapping[str, Any] = field(default_factory=dict)
    spaces: Mapping[str, Any] = field(default_factory=dict)
    datasets: Mapping[str, Any] = field(default_factory=dict)
    fitness: Mapping[str, Any] = field(default_factory=dict)
    algorithms: Mapping[str, Any] = field(default_factory=dict)
    cost_models: Mapping[str, Any] = field(default_factory=dict)
    accelerators: Mapping[str, Any] = field(default_factory=dict)
    device_models: Mapping[str, Any] = field(default_factory=dict)
    targets: Mapping[str, Any] = field(default_factory=dict)
    design_spaces: Mapping[str, Any] = field(default_factory=dict)
    export_formats: Mapping[str, Any] = field(default_factory=dict)
    surrogates: Mapping[str, Any] = field(default_factory=dict)
    recipes: Mapping[str, Any] = field(default_factory=dict)

    def register(self) -> None:
        """Add everything to the registries.

        Raises:
            ConfigurationError: a name is taken.
        """
        for one in fields(self):
            for name, entry in getattr(self, one.name).items():
                REGISTRIES[one.name].add(name, entry)


def load_plugins(names: Iterable[str]) -> None:
    """Load plug-ins by module or file name, and all installed ones; each is loaded once.

    Raises:
        ConfigurationError: a plug-in cannot be imported, has no ``plugin``, or adds a name that is taken.
    """
    _load_installed()
    for name in names:
        _asked_for.add(_resolved(name))
        _load(name)


def require_loaded(names: Iterable[str], source: str) -> None:
    """Refuse settings with plug-ins that were not requested in this process: they are code, and a run may be untrusted.

    Raises:
        ConfigurationError: names the first one.
    """
    for name in names:
        if _resolved(name) not in _asked_for:
            raise ConfigurationError(
                f"{source}: was made with plug-in {name}, which is code; add --plugin {name} if you trust it"
            )


def plugin_digest(name: str) -> str:
    """Digest of a plug-in's source, by which a run notices that it has changed."""
    file = getattr(_module(name), "__file__", None)
    content = Path(file).read_bytes() if file else name.encode()
    return blake2b(content, digest_size=8).hexdigest()


@cache
def _load_installed() -> None:
    for point in entry_points(group=GROUP):
        _register(point.load(), f"entry point '{point.name}' ({point.value})")


@cache
def _load(name: str) -> None:
    _register(_module(name), f"--plugin {name}")


def _register(found: Any, source: str) -> None:
    plugin = found if isinstance(found, Plugin) else getattr(found, _ATTRIBUTE, None)
    if not isinstance(plugin, Plugin):
        raise ConfigurationError(f"{source}: holds no 'plugin'; expected a line such as plugin = neuronas.Plugin(…)")
    plugin.register()


@cache
def _module(name: str) -> ModuleType:
    path = Path(name).expanduser()
    try:
        return _from_file(path) if path.suffix == ".py" else import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name and Path(f"{name}.py").is_file():
            raise ConfigurationError(f"--plugin {name}: no such module; for the file here give {name}.py") from error
        raise ConfigurationError(f"--plugin {name}: cannot be imported ({type(error).__name__}: {error})") from error


def _resolved(name: str) -> str:
    return str(Path(name).expanduser().resolve()) if name.endswith(".py") else name


def _from_file(path: Path) -> ModuleType:
    name = f"neuronas_plugin_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"{path} is not a file")
    module = sys.modules[name] = module_from_spec(spec)  # before it is executed: dataclasses look up their module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module

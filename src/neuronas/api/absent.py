"""Look-up of names in settings; those of a finished run may belong to code that is not installed."""

from dataclasses import dataclass
from typing import Any

from neuronas.config import Registry


def looked_up(registry: Registry, chosen: Any, *, lenient: bool) -> Any:
    """Look up the object that a setting names; an object is returned unchanged.

    Args:
        registry: registry of the names.
        chosen: name or object.
        lenient: refuse an unknown name only when its object is used.

    Raises:
        ConfigurationError: the name is unknown.
    """
    if not isinstance(chosen, str):
        return chosen
    return _Absent(registry, chosen) if lenient and chosen not in registry else registry[chosen]


@dataclass(frozen=True)
class _Absent:
    """Placeholder for an object or plug-in entry of a run that is not available here; using it raises an error."""

    registry: Registry
    name: str

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.registry[self.name], attribute)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.registry[self.name](*arguments, **keywords)

"""Names that settings chose, looked up; those of a finished run may be of code that is not here."""

from dataclasses import dataclass
from typing import Any

from neuronas.config import Registry


def looked_up(registry: Registry, chosen: Any, *, lenient: bool) -> Any:
    """What a setting names; an object is returned unchanged.

    Args:
        registry: of the names.
        chosen: a name, or an object.
        lenient: an unknown name is refused only when what it stands for is used.

    Raises:
        ConfigurationError: an unknown name.
    """
    if not isinstance(chosen, str):
        return chosen
    return _Absent(registry, chosen) if lenient and chosen not in registry else registry[chosen]


@dataclass(frozen=True)
class _Absent:
    """Stands for an object or a plug-in's entry that a run was made with and that is not here; using it says so."""

    registry: Registry
    name: str

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.registry[self.name], attribute)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return self.registry[self.name](*arguments, **keywords)

"""Packages that can be called: ``neuronas.search(...)`` searches, ``neuronas.search.loop`` is a module.

When a module of a package is imported, Python binds the package to its name in the parent, which overwrites a function
of the same name. These packages are therefore callable themselves.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package ``neuronas.VERB`` that calls the function of this name in ``_module``."""

    _module: str

    @property
    def __wrapped__(self) -> Callable[..., Any]:
        """The function; ``inspect.signature`` reads its signature."""
        function: Callable[..., Any] = getattr(import_module(self._module), self.__name__.rpartition(".")[2])
        return function

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        """Call the function."""
        return self.__wrapped__(*arguments, **keywords)


def make_callable(name: str, module: str) -> None:
    """Make a package callable; called by its ``__init__`` with its own name and the module of the function."""
    package = sys.modules[name]
    package.__class__ = CallablePackage
    vars(package)["_module"] = module

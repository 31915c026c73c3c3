"""How a setting is declared: one line with type, range, help, unit, choices, default and the commands that take it."""

import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, field_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from neuronas.config.needs import Needs
from neuronas.config.registry import Registry
from neuronas.errors import an

SMALLEST, LARGEST = 1e-30, 1e15
"""Range of magnitudes of numbers in settings; within it, all computed values stay finite."""


class Section(BaseModel):
    """Base of all settings: strict types, frozen, unknown keys refused, no NaN."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False, defer_build=True)

    @field_validator("*")
    @classmethod
    def _can_be_computed_with(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("expected text without the character 0")
        if isinstance(value, int) and abs(value) >= 2**63:
            raise ValueError("expected a whole number below 2**63")
        if isinstance(value, float) and abs(value) != inf and value and not SMALLEST <= abs(value) <= LARGEST:
            raise ValueError(f"expected 0, or a number between {SMALLEST:g} and {LARGEST:g}")
        return value


@dataclass(frozen=True)
class From:
    """A default that another choice determines, such as the data set; ``what`` names that choice, for help texts."""

    what: str


class Before(Enum):
    """Meaning of a setting in runs that were made before the setting existed."""

    UNKNOWN = "no value does what was done then"
    DEFAULT = "the default does"


@dataclass(frozen=True)
class Meaning:
    """Metadata of a setting besides type, range and default.

    Attributes:
        help: help text, without a final full stop.
        verbs: commands (and Python functions) that take the setting.
        name: keyword and option, if different from the field's name.
        option: option without its leading dashes, if different from the keyword.
        unit: unit of the value.
        choices: registry of the names; the setting then takes objects of that kind as well.
        is_option: the command line has an option for it; otherwise only ``--set``.
        metavar: placeholder of the value in help texts.
        default: what determines the default, if it is not a constant.
        before: value that reproduces the behaviour before the setting existed, used for runs that lack it.
        unset: what happens without a value, for help texts; only if the default is null or an empty list.
        needs: choices without which the setting has no effect.
    """

    help: str
    verbs: frozenset[str]
    name: str | None = None
    unit: str | None = None
    choices: Registry | None = None
    is_option: bool = True
    metavar: str | None = None
    default: From | None = None
    before: Any = Before.UNKNOWN
    option: str | None = None
    unset: str = ""
    needs: tuple[Needs, ...] = ()


def setting(
    help: str,  # noqa: A002 - the word that users of typer and argparse know
    default: Any,
    verbs: Iterable[str],
    *,
    name: str | None = None,
    unit: str | None = None,
    choices: Registry | None = None,
    is_option: bool = True,
    metavar: str | None = None,
    before: Any = Before.UNKNOWN,
    option: str | None = None,
    unset: str = "",
    needs: Needs | tuple[Needs, ...] = (),
    **limits: Any,
) -> Any:
    """Declare a setting; see ``Meaning``.

    Args:
        help: help text.
        default: constant, or ``From(...)``.
        verbs: commands that take it.
        name: keyword and option, if different from the field's name.
        unit: unit of the value.
        choices: registry of the names.
        is_option: whether the command line has an option for it.
        metavar: placeholder of the value in help texts.
        before: value in runs that were made before the setting existed.
        option: option, if different from the keyword.
        unset: what happens without a value.
        needs: choices without which it has no effect.
        **limits: ``ge``, ``gt``, ``le``, ``lt`` as in ``pydantic.Field``.
    """
    source = default if isinstance(default, From) else None
    needed = (needs,) if isinstance(needs, Needs) else needs
    meaning = Meaning(
        help, frozenset(verbs), name, unit, choices, is_option, metavar, source, before, option, unset, needed
    )
    found = Field(default=PydanticUndefined if source else default, **limits)
    found.metadata.append(meaning)
    return found


@dataclass(frozen=True)
class Setting:
    """One setting of the schema.

    Attributes:
        path: key in settings files and ``--set``: ``network.channels``.
        kind: type when resolved.
        limits: range in words, or an empty string.
    """

    path: str
    kind: Any
    default: Any
    limits: str
    meaning: Meaning

    @property
    def name(self) -> str:
        """Keyword argument of the Python functions."""
        return self.meaning.name or self.path.rpartition(".")[2]

    @property
    def flag(self) -> str:
        """Option of the command line."""
        return "--" + (self.meaning.option or self.name).replace("_", "-")

    @property
    def section(self) -> str:
        """Section, such as ``network`` of ``network.channels``; empty for settings outside all sections."""
        return self.path.rpartition(".")[0]

    @property
    def choices(self) -> tuple[str, ...]:
        """Names that it can take; empty if it takes any value of its type."""
        if self.meaning.choices is not None:
            return tuple(self.meaning.choices)
        return tuple(str(one) for part in _parts(self.kind) if get_origin(part) is Literal for one in get_args(part))

    @property
    def before(self) -> Any:
        """Value in runs that were made before it existed, or ``Before.UNKNOWN``."""
        return self.default if self.meaning.before is Before.DEFAULT else self.meaning.before

    @property
    def allows_none(self) -> bool:
        """Whether null is a value of the complete setting."""
        return type(None) in _parts(self.kind)

    @property
    def primitive(self) -> type:
        """``bool``, ``int``, ``float`` or ``str``: how the value is written on a command line."""
        parts = [part for part in _parts(self.kind) if part is not type(None)]
        if len(parts) == 1 and parts[0] in (bool, int, float):
            return cast(type, parts[0])
        return str

    @property
    def type_text(self) -> str:
        """The type in words: ``float``, ``list of float`` or, for numbers that may be text, ``int or str``."""
        for part in _parts(self.kind):
            if get_origin(part) is tuple and get_args(part)[-1] is Ellipsis:
                return f"list of {get_args(part)[0].__name__}"
        is_one_of_several = int in _parts(self.kind) and self.primitive is str
        return "int or str" if is_one_of_several else self.primitive.__name__

    @property
    def default_text(self) -> str:
        """The default in words."""
        default = self.default
        if self.meaning.default is not None:
            return self.meaning.default.what
        if default is None or default == ():
            return self.meaning.unset or "none"
        if isinstance(default, bool):
            return "on" if default else "off"
        if isinstance(default, tuple):
            return ",".join(map(str, default))
        return f"{default:.6g}" if isinstance(default, float) else str(default)


def settings_of(model: type[Section], prefix: str = "") -> dict[str, Setting]:
    """All settings of a section and its subsections, by path, in the order of declaration."""
    found: dict[str, Setting] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            found |= settings_of(inner, f"{prefix}{name}.")
            continue
        meaning = next(one for one in field.metadata if isinstance(one, Meaning))
        default = None if field.is_required() else field.default
        path = f"{prefix}{name}"
        found[path] = Setting(path, field.annotation, default, _limits(field), meaning)
    return found


Model = TypeVar("Model", bound=Section)


def partial(model: type[Model], name: str) -> type[Model]:
    """The class of the same settings as given: all are optional, and objects may replace names."""
    fields: dict[str, Any] = {}
    for key, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Section):
            fields[key] = (partial(inner, f"Given{inner.__name__}"), None)
            continue
        meaning = next(one for one in field.metadata if isinstance(one, Meaning))
        if meaning.choices is not None and meaning.choices.object_type:
            kind: Any = Annotated[Any, BeforeValidator(_name_or_object(meaning.choices))]
        else:
            kind = Annotated[Annotated[(inner, *field.metadata)] | None, BeforeValidator(_of_python)]
        fields[key] = (kind, None)
    made = create_model(name, __base__=model, __doc__=model.__doc__, **fields)
    return made


def _of_python(value: Any) -> Any:
    """A value whose numbers may be those of NumPy or torch, with those of Python."""
    if getattr(value, "ndim", 2) < 2 and hasattr(value, "tolist"):
        return value.tolist()
    if isinstance(value, Mapping):
        return {key: _of_python(one) for key, one in value.items()}
    return type(value)(map(_of_python, value)) if type(value) in (list, tuple) else value


def _name_or_object(registry: Registry) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if value is None or isinstance(value, str) or registry.takes(value):
            return value
        kind = (registry.object_type or "").rpartition(":")[2]
        example = f", such as {registry.example}" if registry.example else ""
        example += f" or {registry.functions}" if registry.functions else ""
        raise ValueError(f"expected the name of {an(registry.kind)} or, in Python, {an(kind)}{example}")

    return check


def _parts(kind: Any) -> tuple[Any, ...]:
    """Members of a union; the type itself if it is not a union."""
    if get_origin(kind) is Annotated:
        return _parts(get_args(kind)[0])
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(part for one in get_args(kind) for part in _parts(one))
    return (kind,)


_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_NOT_SHOWN = 2**62
"""Limits from here on only keep a number within 64 bits, and are not stated."""


def _limits(field: FieldInfo) -> str:
    found = []
    for one in field.metadata:
        for key, sign in _SIGNS.items():
            limit = getattr(one, key, None)
            if limit is not None and limit < _NOT_SHOWN:
                found.append(f"{sign} {limit:,}" if isinstance(limit, int) else f"{sign} {limit:g}")
    return ", ".join(found)

"""Given settings that have no effect with the chosen algorithm, cost model, data set, …."""

from collections.abc import Callable, Mapping
from typing import Any

from neuronas.config.needs import Needs
from neuronas.config.setting import Setting
from neuronas.config.values import DESIGN, SEARCH


def reads(entry: Any, path: str) -> bool | None:
    """Whether an entry of a registry reads a setting; None: it does not declare what it reads."""
    known = getattr(entry, "settings_read", None)
    return path in known if isinstance(known, frozenset) else None  # not the attribute of a class


def unread(
    given: Mapping[str, Any],
    used: Mapping[str, Any],
    default_of: Callable[[str], Any],
    entries: Mapping[str, Any],
    settings: Mapping[str, Setting],
    verb: str,
) -> list[str]:
    """One line for each choice with which given settings have no effect; it names them and the choices that read them.

    Args:
        given: values that a user gave, by path.
        used: resolved values, by path.
        default_of: returns the default of a path; a setting that has its default is not named.
        entries: chosen entries of registries, by the path of the choice.
        settings: all settings.
        verb: the command.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for path, setting in settings.items():
        is_kept = setting.section == "train" and verb in (SEARCH, DESIGN)  # for finalists, and for training the run
        if given.get(path) is None or not (is_kept or verb in setting.meaning.verbs):
            continue
        needed = (one for one in setting.meaning.needs if not one.verbs or verb in one.verbs)
        missed = next((one for one in needed if not _holds(one, path, used, entries)), None)
        if missed is not None and used[path] != default_of(path):
            found.setdefault((missed.path, expected_of(missed, path, settings)), []).append(setting.name)
    return [_line(names, settings[other], used[other], expected) for (other, expected), names in found.items()]


def _holds(needs: Needs, path: str, used: Mapping[str, Any], entries: Mapping[str, Any]) -> bool:
    if needs.values:
        return used[needs.path] in needs.values
    if needs.is_met is not None:
        return needs.is_met(used[needs.path])
    return reads(entries[needs.path], path) is not False


def expected_of(needs: Needs, path: str, settings: Mapping[str, Setting]) -> str:
    """What a setting needs of another one, in words; empty if no entry of its registry declares that it reads it."""
    if needs.expected:
        return needs.expected
    if needs.values:
        return " or ".join(map(str, needs.values))
    registry: Mapping[str, Any] = settings[needs.path].meaning.choices or {}
    return " or ".join(name for name in registry if reads(registry[name], path))


def _line(names: list[str], other: Setting, value: Any, expected: str) -> str:
    if not other.choices:
        verb = "has" if len(names) == 1 else "have"
        shown = {"None": "none", "True": "on", "False": "off"}.get(str(value), value)
        shown = f"{shown:g}" if isinstance(shown, float) else shown
        return f"{' and '.join(names)} {verb} no effect with {other.name} {shown}; expected {expected}"
    kind = other.meaning.choices.kind if other.meaning.choices else other.name
    option = other.flag if other.meaning.is_option else f"--set {other.path}="
    takers = f"; {option}{'' if option[-1] == '=' else ' '}{expected} does" if expected else ""
    return f"{kind} '{value}' reads no {' or '.join(names)}{takers}"

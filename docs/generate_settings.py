"""Generate the reference of all settings, and the stub read by editors, from the schema of settings.

``python docs/generate_settings.py`` writes ``docs/reference/settings.md`` and ``src/neuronas/__init__.pyi``. Tests
check that both are current.
"""

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import neuronas
from neuronas.config import SETTINGS, Setting, settings_for
from neuronas.config.needs import Needs
from neuronas.config.schema import ResolvedConfig
from neuronas.config.unread_settings import expected_of

ROOT = Path(__file__).resolve().parent.parent
REFERENCE, STUB = ROOT / "docs" / "reference" / "settings.md", ROOT / "src" / "neuronas" / "__init__.pyi"
_VERBS = {
    "design": "design",
    "design_front": "design",
    "search": "search",
    "estimate": "estimate",
    "fit": "fit",
    "train": "train",
    "evaluate": "evaluate",
    "evaluate_on_chips": "evaluate",
    "export": "export",
}
"""Functions that take settings as keywords, and the commands whose settings they take."""
_COMMANDS = {"benchmark": "reproduce proxy-benchmark", "study": "reproduce"}
"""Commands that the schema calls by another name."""
_CLASS = r"((?:neuronas|torch)(?:\.[a-z_]+)+)\.([A-Z]\w+)"
_INTRODUCTION = """\
# Settings

<!-- Written by docs/generate_settings.py from the schema; change the schema (src/neuronas/config/schema.py). -->

Every setting has a key. Set it with its option if it has one, with `--set KEY=VALUE`, or in a YAML file
(`--config FILE`, one mapping per section; [in Python](python.md#settings)). Options override `--set`, which overrides
the file. Commands that read a run take its settings as defaults. The `config.yaml` of a run contains all settings,
resolved.
"""


def reference() -> str:
    """The page, with one table per section."""
    lines = [_INTRODUCTION]
    sections = {"": ResolvedConfig, **{name: field.annotation for name, field in ResolvedConfig.model_fields.items()}}
    for section in dict.fromkeys(one.section for one in SETTINGS.values()):
        doc = inspect.getdoc(sections[section]) or ""
        title, _, rest = doc.partition(": ")
        lines += [f"## {title}", "", f"{rest[:1].upper()}{rest[1:]}", ""]
        lines += ["| key | option | commands | values | default | meaning |", "|---|---|---|---|---|---|"]
        lines += [_row(one) for one in SETTINGS.values() if one.section == section]
        lines.append("")
    return "\n".join(lines)


def _row(one: Setting) -> str:
    option = f"`{one.flag}`" if one.meaning.is_option and one.meaning.verbs else ""
    values = ", ".join(f"`{name}`" for name in one.choices) or " ".join([one.type_text, one.limits]).strip()
    unit = f" ({one.meaning.unit})" if one.meaning.unit else ""
    needs = "".join(f"; needs {_needed(other, one.path)}" for other in one.meaning.needs)
    commands = ", ".join(sorted(_COMMANDS.get(verb, verb) for verb in one.meaning.verbs))
    meaning = f"{one.meaning.help}{unit}{needs}"
    row = f"| `{one.path}` | {option} | {commands} | {values} | {one.default_text} | {meaning} |"
    return row.replace("  ", " ")


def _needed(needs: Needs, path: str) -> str:
    """The other setting that a setting needs, with its values; an example, if its registry declares them."""
    what = expected_of(needs, path, SETTINGS)
    if needs.expected and not needs.values and needs.is_met is None:
        return f"a `{needs.path}` such as {what}"
    return f"`{needs.path}`{f' {what}' if what else ''}"


def stub() -> str:
    """The stub: each function of the package with its settings as keywords."""
    body = "\n\n".join(_function(name, getattr(neuronas, name)) for name in _functions())
    named = {(match[1], match[2]) for match in re.finditer(_CLASS, body)}
    body = re.sub(_CLASS, r"\2", body)
    classes = [
        f"from {getattr(neuronas, name).__module__} import {name} as {name}"
        for name in neuronas.__all__
        if inspect.isclass(getattr(neuronas, name)) and name != "RunConfig"
    ]
    return "\n".join(
        [
            '"""Types of the package for editors and type checkers; written by docs/generate_settings.py."""',
            "",
            "import os",
            "from collections.abc import Callable, Iterable, Mapping, Sequence",
            "from typing import Any, Literal",
            "",
            *sorted({f"from {module} import {name}" for module, name in named if name not in neuronas.__all__}),
            *classes,
            "from neuronas.config.given import RunConfig as RunConfig",
            "",
            "__version__: str",
            "__all__: list[str]",
            "",
            body,
            "",
        ]
    )


def _functions() -> Iterator[str]:
    for name in neuronas.__all__:
        if not name.startswith("_") and not inspect.isclass(getattr(neuronas, name)):
            yield name


def _function(name: str, found: Any) -> str:
    signature = inspect.signature(found)
    own = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    lines, is_keyword = [], False
    for one in own:
        if one.kind is inspect.Parameter.KEYWORD_ONLY and not is_keyword:
            lines.append("*,")
            is_keyword = True
        default = "" if one.default is inspect.Parameter.empty else " = ..."
        lines.append(f"{one.name}: {_type(one.annotation)}{default},")
    settings = settings_for(_VERBS[name]) if name in _VERBS else {}
    lines += [f"{key}: {_kind(one)} | None = ...," for key, one in settings.items() if key not in signature.parameters]
    doc = (inspect.getdoc(found) or "").replace("\n", "\n    ")
    if settings:
        doc += "\n\n    Settings:\n" + "\n".join(f"        {key}: {_meaning(one)}" for key, one in settings.items())
    head = f"def {name}(\n    " + "\n    ".join(lines) + f"\n) -> {_type(signature.return_annotation)}:"
    body = re.sub(r"[ \t]+\n", "\n", f'    """{doc}\n    """')
    return f"{head}\n{body}\n"


def _meaning(one: Setting) -> str:
    unit = f" ({one.meaning.unit})" if one.meaning.unit else ""
    return f"{one.meaning.help}{unit} [{one.default_text}]."


def _type(annotation: Any) -> str:
    text = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    known = {"Classifier": "neuronas.snn.classifier.Classifier"}
    text = known.get(text.strip("'\""), text)
    return re.sub(r"collections\.abc\.|typing\.|pathlib\.(?=Path)", "", text).replace("NoneType", "None")


def _kind(one: Setting) -> str:
    registry = one.meaning.choices
    if registry is not None and registry.object_type:
        return f"str | {registry.object_type.replace(':', '.')}"
    if registry is None and one.choices:
        return f"Literal[{', '.join(map(repr, one.choices))}]"
    if one.path == "plugins":
        return "Sequence[str]"
    if one.path == "data.image_side":
        return "int | str | tuple[int, int]"
    if one.path == "network.weight_bits":
        return "int | str | Mapping[str, int]"
    return one.primitive.__name__


def main() -> None:
    """Write both files."""
    for module in ("api.searching.search", "api.reporting.export", "api.reporting.report"):
        import_module(f"neuronas.{module}")
    REFERENCE.write_text(reference())
    STUB.write_text(stub())


if __name__ == "__main__":
    main()

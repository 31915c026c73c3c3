"""Options of the command line: those of settings are generated from the schema, the others are declared here."""

import inspect
import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import typer

from neuronas.config import Setting, as_path, load_plugins, settings_for
from neuronas.errors import ConfigurationError

log = logging.getLogger("neuronas")
RUN = "Run"
"""Title of the panel in the help."""


def option(help: str, *flags: str, panel: str = RUN, **more: Any) -> Any:  # noqa: A002 - as Typer calls it
    """An option in a panel of the help, whose text states the default; other arguments as for ``typer.Option``."""
    return typer.Option(*flags, help=help, rich_help_panel=panel, show_default=False, **more)


def path(metavar: str, help: str, *flags: str, panel: str = RUN) -> Any:  # noqa: A002
    """An option that takes a path."""
    return option(help, *flags, panel=panel, parser=as_path, metavar=metavar)


Config = Annotated[Path | None, path("FILE", "YAML file with settings; options override it \\[none].")]
Set = Annotated[
    list[str] | None,
    option(
        "Any setting by its key, such as network.tau=1.5; may be repeated (docs/reference/settings.md).",
        "--set",
        metavar="KEY=VALUE",
    ),
]
Out = Annotated[Path | None, path("DIR", "Directory to write to \\[a new one under runs].")]
Json = Annotated[bool, option("Print one JSON object on standard output \\[off].", "--json")]
Quiet = Annotated[bool, option("Print the answer and errors only \\[off].", "--quiet")]
_COMMON = ("seed", "device")
"""Options that every command with settings accepts, so that scripts can give them to all."""
Resume = Annotated[bool, option("Resume the run in --out \\[off].", "--resume")]
DryRun = Annotated[
    bool,
    option(
        "Check settings, directory and number of images, and print the plan; reads no image, writes nothing \\[off].",
        "--dry-run",
    ),
]
MaxMinutes = Annotated[
    float | None,
    option(
        "Stop after this time with the best so far (exit code 0); --resume continues \\[no limit].", metavar="MINUTES"
    ),
]
Plugins = Annotated[
    list[str] | None,
    option(
        "Plug-in that the run uses: a module, or FILE.py; may be repeated \\[none].",
        "--plugin",
        metavar="MODULE",
        callback=lambda names: load_plugins(names or ()),
    ),
]
"""For commands without settings; it is loaded before the command runs."""
InputShape = Annotated[
    str | None,
    typer.Option(
        metavar="C,H,W", help="Shape of an image, if an .onnx file does not state it, such as 3,32,32 \\[the file's]."
    ),
]
Download = Annotated[bool, option("Download the data set if it is missing \\[off].", "--download", panel="Data")]
DesignSpace = Annotated[
    str | None,
    option(
        "Choose network and chip together from a design space: all, converters or FILE.yaml; first computes the "
        "front, then designs the network for the chip chosen from it \\[network only].",
        "--design",
        metavar="NAME|FILE",
    ),
]
FrontOnly = Annotated[bool, option("Stop after the front (--design) \\[off].", "--front-only")]
FrontPrefer = Annotated[
    str | None,
    option(
        "How the design is chosen from the front (--design): knee, error, energy_uj, latency_ms, area_mm2, "
        "memory_bits or edap \\[knee].",
        metavar="HOW",
    ),
]
Resolution = Annotated[
    float | None,
    option("Relative tolerance of the front in each objective (--design); 0: exact \\[0.01].", metavar="SHARE"),
]
MaxError = Annotated[
    float | None,
    option(
        "Leave out designs with a larger expected error on the chip (--design); 1: keep all \\[halfway between the "
        "least and guessing].",
        metavar="SHARE",
    ),
]
Device = Annotated[Literal["auto", "cpu", "cuda"], option("Device for the computation \\[auto].")]
"""For commands without settings."""
Arch = Annotated[
    str,
    typer.Argument(
        metavar="ARCH",
        help="Architecture text, architecture.json, run directory, or your own network: an .onnx or .nir file.",
    ),
]
TrainedRun = Annotated[Path, typer.Argument(parser=as_path, metavar="RUN", help="Directory of a trained run.")]


def with_settings(verb: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add the options of all settings of a command to its function, which receives those given as ``options``.

    Args:
        verb: name of the command (see ``neuronas.config.settings_for``).
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        settings = {name: one for name, one in settings_for(verb).items() if one.meaning.is_option}
        own = inspect.signature(command).parameters
        hints = get_type_hints(command, include_extras=True)
        unread = {name: _unread(name) for name in _COMMON if name not in settings and name not in own}
        added = {name: _parameter(name, one) for name, one in settings.items()}

        @wraps(command)
        def run(**values: Any) -> None:
            for name in unread:
                if values.pop(name) is not None:
                    log.warning("--%s has no effect with this command", name)
            options = {name: values.pop(name) for name in added}
            command(**values, options={name: value for name, value in options.items() if value not in (None, [])})

        fixed = [one.replace(annotation=hints[name]) for name, one in own.items() if name != "options"]
        parameters = [*fixed, *added.values(), *unread.values()]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {one.name: one.annotation for one in parameters}
        return run

    return decorate


def _parameter(name: str, setting: Setting) -> inspect.Parameter:
    kind = setting.primitive
    is_list = setting.path == "plugins"
    flags = f"{setting.flag}/--no-{setting.flag[2:]}" if kind is bool else setting.flag
    option = typer.Option(
        flags,
        help=_help(setting),
        metavar=setting.meaning.metavar,
        rich_help_panel=_panel(setting),
        show_default=False,
        autocompletion=(lambda: list(setting.choices)) if setting.choices else None,
    )
    value: Any = list[str] if is_list else kind
    annotation = Annotated[value | None, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _unread(name: str) -> inspect.Parameter:
    """A common option that the command does not read, and help does not show."""
    annotation = Annotated[str | None, typer.Option(f"--{name}", hidden=True, help="Has no effect here \\[none].")]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _help(setting: Setting) -> str:
    """Help of an option: description, unit, choices, default."""
    text = setting.meaning.help + (f" ({setting.meaning.unit})" if setting.meaning.unit else "")
    if setting.choices:
        text += f": {', '.join(setting.choices)}"
    return f"{text} \\[{setting.default_text}]."


def _panel(setting: Setting) -> str:
    return {"": RUN, "chip": "Chip simulation", "train": "Training"}.get(setting.section, setting.section.capitalize())


def given_flags(options: dict[str, Any], verb: str, section: str) -> list[str]:
    """The given options of one section, as flags."""
    return [one.flag for name, one in settings_for(verb).items() if name in options and one.section == section]


def input_shape_of(text: str | None) -> tuple[int, ...] | None:
    """Parse ``--input-shape``.

    Raises:
        ConfigurationError: the text is not three whole numbers.
    """
    if text is None:
        return None
    sizes = text.split(",")
    if len(sizes) != 3 or not all(size.strip().isdecimal() and int(size) for size in sizes):
        raise ConfigurationError(f"--input-shape {text} given; expected channels, height and width, such as 3,32,32")
    return tuple(map(int, sizes))

"""The commands: help and location of each. The module of a command is imported when the command is called."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Verb:
    """One command.

    Attributes:
        place: ``module:NAME`` in ``neuronas.cli`` of its function, or of the Typer application of its subcommands.
        help: help text; the first paragraph is shown in the list of all commands.
        example: example command line.
        following: next step.
    """

    place: str
    help: str
    example: str = ""
    following: str = ""


_OF_RUN = "\n\nA run's own settings replace the defaults below."
VERBS: Mapping[str, Verb] = {
    "design": Verb(
        "design:design",
        "Find, train, evaluate and export a network that fits all budgets. Without options: on the built-in digits."
        "\n\nCells, channels, time steps and weight bits are chosen under the budgets; --channels, --timesteps and "
        "--weight-bits fix one.",
        "neuronas design --dataset imagefolder:photos --hardware mine.yaml --max-energy-uj 60 --out runs/mine",
        "open the report, or neuronas predict RUN IMAGE",
    ),
    "search": Verb(
        "search:search",
        "Find the fittest spiking network that fits all budgets. Without options: on the built-in digits.",
        "neuronas search --dataset imagefolder:photos --max-energy-uj 300",
        "neuronas train RUN",
    ),
    "estimate": Verb(
        "estimate:estimate",
        f"Estimate parameters, area, latency and energy of an architecture or your own network.{_OF_RUN}",
        "neuronas estimate '|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|' --dataset cifar10",
        "neuronas search with the same options and budgets, or neuronas train ARCH",
    ),
    "fit": Verb(
        "fit:fit",
        "Check whether a network fits a chip you can buy; if not, show which layer exceeds which limit, and what helps."
        f"{_OF_RUN}",
        "neuronas fit runs/mine --target speck2f",
        "neuronas search --target speck2f",
    ),
    "train": Verb(
        "train:train",
        "Train an architecture with surrogate gradients and quantised weights; a run is trained in its own directory."
        f"{_OF_RUN}",
        "neuronas train runs/mine --epochs 100",
        "neuronas evaluate runs/mine",
    ),
    "evaluate": Verb(
        "evaluate:evaluate",
        "Measure a trained run on its test images: accuracy at every precision, firing rates, operations, cost.\n\n"
        "With --integer: also the integer-only network that runs on hardware without floating point (see "
        "docs/reference/export-formats.md).\n\n"
        "With --twin: compared with an artificial network of as many bits on the same chip (docs/howto/twin.md).\n\n"
        "With --chip: accuracy on simulated crossbar chips (see docs/chip-simulation.md). RUN can then be your own "
        "network, an .onnx or .nir file, with --dataset, --timesteps, --weight-bits, --image-side, --mean and --std."
        f"{_OF_RUN}",
        "neuronas evaluate runs/mine --twin",
        "neuronas evaluate runs/mine --chip, then neuronas export",
    ),
    "predict": Verb(
        "predict:predict",
        "Print the classes of images, with their scores. Images are pre-processed as in training.",
        "neuronas predict runs/mine photo.jpg more-photos --top-k 3",
        "neuronas export runs/mine",
    ),
    "run": Verb(
        "run:run",
        "Classify a recording of an event camera as a stream, step by step; membrane potentials persist between steps.",
        "neuronas run runs/gestures --events wave.aedat4 --serve --pace 1",
        "neuronas export runs/gestures",
    ),
    "export": Verb(
        "export:export",
        f"Export a trained network for other tools, as C or for a chip, and verify the file.{_OF_RUN}",
        "neuronas export runs/mine --format integer",
        "neuronas report runs/mine",
    ),
    "report": Verb(
        "report:report",
        "Write a run as one HTML file that opens offline.",
        "neuronas report runs/mine --out mine.html",
        "open mine.html in a browser",
    ),
    "compare": Verb(
        "report:compare",
        "Compare several runs in one HTML file that opens offline: one table, one plot.",
        "neuronas compare runs/one runs/other --out both.html",
        "open both.html in a browser",
    ),
    "dashboard": Verb(
        "dashboard:dashboard",
        "Show a run in the browser, on this machine only, and update the page as the run changes. Ctrl-C ends it.",
        "neuronas dashboard runs/mine",
        "neuronas report runs/mine, when the run has ended",
    ),
    "doctor": Verb(
        "doctor:doctor",
        "Show what is installed, what is missing and how to get it.",
        "neuronas doctor --json",
        "neuronas search",
    ),
    "example-files": Verb(
        "example_files:example_files",
        "Write small images (photos) and recordings of an event camera (recordings) in class folders, and an "
        "accelerator (mine.yaml), to try the other commands with.",
        "neuronas example-files --out examples",
        "neuronas search --dataset imagefolder:photos --hardware mine.yaml --channels 8 --out runs/mine",
    ),
    "reproduce": Verb(
        "reproduce:app", "Repeat an experiment of the papers, or one of our own, and compare the results."
    ),
}


def example(command: str, following: str) -> str:
    """Text below the options of a command: an example, and the next step."""
    return f"Example: {command}\n\nNext: {following}"


class _Flags:
    """Part of a command whose help shows no type for options without a value; some versions of Typer show ``bool``."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The arguments and options."""
        found: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for one in found:
            if getattr(one, "is_flag", False):
                one.metavar = ""
        return found


class Command(_Flags, TyperCommand):
    """A command without subcommands."""


class Group(_Flags, TyperGroup):
    """A command with subcommands."""


class Verbs(Group):
    """The command ``neuronas``: it lists its subcommands without importing them, and imports the one that is called."""

    def __init__(self, **attributes: Any):
        super().__init__(**attributes)
        self.commands = _Commands()  # type: ignore[assignment]  # nothing is added to it

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of the commands, in order."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command for lists, without its options; None if there is no such command."""
        verb = VERBS.get(cmd_name)
        return None if verb is None else Command(cmd_name, help=verb.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """The called command, with its options."""
        name, _, rest = super().resolve_command(ctx, args)
        return name, self.commands[name] if name else None, rest


class _Commands(Mapping[str, Any]):
    """Complete commands by name; each is created on first access."""

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._made:
            self._made[name] = _command(name, VERBS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(VERBS)

    def __len__(self) -> int:
        return len(VERBS)


def _command(name: str, verb: Verb) -> Any:
    module, _, attribute = verb.place.partition(":")
    found = getattr(import_module(f"neuronas.cli.{module}"), attribute)
    if isinstance(found, typer.Typer):
        found.info.help = verb.help
        return typer.main.get_command(found)
    alone = typer.Typer(add_completion=False, rich_markup_mode="rich")
    alone.command(name, cls=Command, help=verb.help, epilog=example(verb.example, verb.following))(found)
    return typer.main.get_command(alone)

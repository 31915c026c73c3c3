"""Options that several verbs share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from neuronas.config import write_json
from neuronas.runs.document import Document

_HARDWARE, _BUDGET, _NETWORK, _DATA, _RUN = "Hardware", "Budget", "Network", "Data", "Run"

Config = Annotated[
    Path | None, typer.Option(help="YAML file with settings; options override it.", rich_help_panel=_RUN)
]
Seed = Annotated[int | None, typer.Option(help="Decides weights, images and draws.", rich_help_panel=_RUN)]
Device = Annotated[str | None, typer.Option(help="auto, cpu or cuda.", rich_help_panel=_RUN)]
Out = Annotated[
    Path | None, typer.Option(help="Directory to write to (search: a new one under runs/).", rich_help_panel=_RUN)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.", rich_help_panel=_RUN)]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print the answer and errors only.", rich_help_panel=_RUN)]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.", rich_help_panel=_RUN)]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="Check all settings and say what would be done; reads no image.", rich_help_panel=_RUN
    ),
]
MaxParameters = Annotated[float | None, typer.Option(help="Limit on weights.", rich_help_panel=_BUDGET)]
MaxArea = Annotated[float | None, typer.Option("--max-area-mm2", help="Limit on area.", rich_help_panel=_BUDGET)]
MaxLatency = Annotated[
    float | None, typer.Option("--max-latency-ms", help="Limit on latency.", rich_help_panel=_BUDGET)
]
MaxEnergy = Annotated[float | None, typer.Option("--max-energy-uj", help="Limit on energy.", rich_help_panel=_BUDGET)]
WeightBits = Annotated[int | None, typer.Option(help="4 to 16, or 32 for none.", rich_help_panel=_NETWORK)]
Rounding = Annotated[str | None, typer.Option(help="nearest, floor or stochastic.", rich_help_panel=_NETWORK)]
Timesteps = Annotated[int | None, typer.Option(help="Time steps T.", rich_help_panel=_NETWORK)]
Channels = Annotated[int | None, typer.Option(help="Channels before the reduction.", rich_help_panel=_NETWORK)]
Dataset = Annotated[
    str | None,
    typer.Option(help="digits, cifar10, cifar100, tiny-imagenet-200 or imagefolder:DIR.", rich_help_panel=_DATA),
]
DataDir = Annotated[str | None, typer.Option(help="Folder of downloaded data sets.", rich_help_panel=_DATA)]
ImageSide = Annotated[int | None, typer.Option(help="Resize images to this side in pixels.", rich_help_panel=_DATA)]
SkipCorrupt = Annotated[
    bool | None,
    typer.Option("--skip-corrupt", help="Pass over images that cannot be read.", rich_help_panel=_DATA),
]
Download = Annotated[
    bool, typer.Option("--download", help="Fetch the data set if it is missing.", rich_help_panel=_DATA)
]
BatchSize = Annotated[int | None, typer.Option(help="Images that fitness reads at a time.", rich_help_panel=_DATA)]
SpaceName = Annotated[str | None, typer.Option("--space", help="Search space: a name or a YAML file.")]
AlgorithmName = Annotated[
    str | None, typer.Option("--algorithm", help="neuronas, spikenas, snasnet, evolution or exhaustive.")
]
FitnessName = Annotated[
    str | None, typer.Option("--fitness", help="sahd, sahd-sum, sahd-snasnet, hamming or path-information.")
]
Exact = Annotated[bool | None, typer.Option("--exact", help="Give every candidate the full batch; no screening.")]
Engine = Annotated[str | None, typer.Option(help="fast or reference (slow, the same numbers).")]
MemoryLimit = Annotated[
    float | None, typer.Option("--memory-limit", help="GiB that the engine may use (default: half of what is free).")
]
Workers = Annotated[int | None, typer.Option(help="Processes that evaluate candidates (default: this one alone).")]
Cluster = Annotated[str | None, typer.Option(help="ray or ray:ADDRESS: evaluate on a Ray cluster.")]
ChipFitness = Annotated[bool, typer.Option("--chip-fitness", help="Fitness with weights as simulated chips hold them.")]
FitnessChips = Annotated[int | None, typer.Option("--chips", help="Chips that --chip-fitness averages over (1).")]
NDraws = Annotated[int | None, typer.Option(help="Candidates of snasnet and evolution.")]
Population = Annotated[int | None, typer.Option(help="Survivors of a generation of evolution.")]
Prefer = Annotated[
    str | None,
    typer.Option(help="Answer from the front: fitness, parameters, area_mm2, latency_ms, energy_uj or knee."),
]
Head = Annotated[str | None, typer.Option(help="linear (the papers') or gap (few weights).", rich_help_panel=_NETWORK)]
TrainSeed = Annotated[
    int | None, typer.Option("--seed", help="Decides first weights and draws of training.", rich_help_panel=_RUN)
]
TrainDevice = Annotated[str | None, typer.Option("--device", help="auto, cpu or cuda.", rich_help_panel=_RUN)]
Hardware = Annotated[str | None, typer.Option(help="Accelerator: a name or a YAML file.", rich_help_panel=_HARDWARE)]
CostModelName = Annotated[
    str | None, typer.Option("--cost-model", help="paper or mapped; budgets apply to it.", rich_help_panel=_HARDWARE)
]
Schedule = Annotated[
    str | None,
    typer.Option(help="mapped: layers-in-order or pipelined-over-timesteps.", rich_help_panel=_HARDWARE),
]
Replication = Annotated[
    int | None, typer.Option(help="mapped: copies of each layer's weights.", rich_help_panel=_HARDWARE)
]
Activity = Annotated[str | None, typer.Option(help="mapped: dense, rate or trace.", rich_help_panel=_HARDWARE)]
FiringRate = Annotated[
    float | None, typer.Option(help="mapped: share of inputs that spike (--activity rate).", rich_help_panel=_HARDWARE)
]
Trace = Annotated[
    str | None,
    typer.Option(
        help="mapped: rates per layer (--activity trace): YAML, or evaluation.json.", rich_help_panel=_HARDWARE
    ),
]


def write_document(folder: Path, name: str, document: Document | dict[str, Any]) -> None:
    """Write a JSON document into the folder that ``--out`` names."""
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / name, document.plain() if isinstance(document, Document) else document)

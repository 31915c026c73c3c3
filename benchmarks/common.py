"""Common code of the benchmarks: machine description, images, result files."""

import json
import platform
import sys
from pathlib import Path
from typing import Any

import psutil
import torch

import neuronas
from neuronas.data.batches import search_batches
from neuronas.data.datasets import open_dataset
from neuronas.fitness.engine.select import describe_kernels
from neuronas.machine import keep_freed_memory
from neuronas.report.charts import Chart
from neuronas.report.figures import PAGE, save
from neuronas.report.style import PALETTE
from neuronas.runs.directory import EVALUATION
from neuronas.runs.evaluations import Evaluation

RESULTS = Path(__file__).parent / "results"
PICTURES = Path(__file__).parents[1] / "docs" / "pictures"


def machine() -> dict[str, Any]:
    """Describe this machine."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return {
        "processor": model,
        **({"gpu": torch.cuda.get_device_name()} if device.type == "cuda" else {}),
        "cores": psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "kernels": describe_kernels(device).chosen,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def synchronise() -> None:
    """Wait for CUDA, which runs asynchronously; call it before each time measurement."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def images(dataset: str, batch_size: int, seed: int, side: int = 32) -> torch.Tensor:
    """One batch of training images: [1, B, C, side, side]."""
    opened = open_dataset(dataset)
    return search_batches(opened.load("train", side), batch_size, 1, seed, opened.mean, opened.std)


def trained_and_measured(architecture: str | Path, out: Path, **settings: Any) -> Evaluation:
    """Train with settings of ``neuronas.train``, and evaluate on the test images; finished steps are not repeated."""
    keep_freed_memory()
    neuronas.train(architecture, out=out, resume="auto", **settings)
    return Evaluation.read_if_there(out / EVALUATION) or neuronas.evaluate(out)


def write(name: str, content: dict[str, Any]) -> None:
    """Write a result file with its command and machine."""
    RESULTS.mkdir(exist_ok=True)
    document = {"command": command(), "machine": machine(), **content}
    (RESULTS / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def command() -> str:
    """The command that runs, without folders of this machine."""
    return " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *(public(one) for one in sys.argv[1:])])


def save_picture(chart: Chart, name: str) -> None:
    """Write a chart as an SVG picture of the manual, on white, since the manual has a dark style as well."""
    file = PICTURES / name
    save(chart, file, PAGE)
    head, rest = file.read_text(encoding="utf-8").split(">", 1)
    ground = f'<rect width="100%" height="100%" fill="{PALETTE["card"][0]}"/>'
    file.write_text(f"{head}>{ground}{rest}", encoding="utf-8")


def public(argument: str) -> str:
    """An argument without folders of this machine: ``imagefolder:DIR``, ``data.data_dir=DIR``, the name of a file."""
    if "," in argument:
        return ",".join(map(public, argument.split(",")))
    if argument.startswith("imagefolder:"):
        return "imagefolder:DIR"
    key, equals, value = argument.partition("=")
    return f"{key}=DIR" if equals and "/" in value else Path(argument).name

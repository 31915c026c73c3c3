"""Generate pages and parts of pages of the documentation, and the JSON schemas, from code and results.

``CONTENT`` lists every file. A page that is generated in part has marks (``page_parts.between``) around these parts.
Run it after a change to a cost model, a preset, a document, a command, a docstring or a result: ``python
docs/generate.py``. Tests check that all are current.
"""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from accelerators_page import accelerators
from cost_pages import cost_equations, cost_results, hardware_model
from deviations_page import deviations_page
from pydantic import BaseModel
from reference_pages import choices_page, commands_page, python_page
from training_results import training_results

from neuronas.api.doctor import Diagnosis
from neuronas.experiments.hardware_result import HardwareResult
from neuronas.experiments.proxy_result import ProxyResult
from neuronas.experiments.silicon_result import SiliconResult
from neuronas.experiments.study import StudyResult
from neuronas.export.integer_document import NetworkDocument
from neuronas.hardware.accelerator import Accelerator
from neuronas.hardware.design_space import DesignSpace
from neuronas.runs.architectures import ArchitectureFile
from neuronas.runs.chip_evaluations import ChipEvaluation
from neuronas.runs.costs import CostReport, HardwareComparison
from neuronas.runs.design_fronts import DesignFront
from neuronas.runs.designs import DesignResult, SettingChoice
from neuronas.runs.environment import Environment
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.finalists import FinalistChoice
from neuronas.runs.fits import FitResult
from neuronas.runs.floorplan_file import FloorplanFile
from neuronas.runs.metrics import Epoch
from neuronas.runs.predictions import Predictions, StreamResult
from neuronas.runs.results import ExportManifest, ParetoFront, SearchSummary, TrainingResult

FOLDER = Path(__file__).parent


def schema(model: type[BaseModel]) -> str:
    """The JSON schema of a document."""
    dialect: dict[str, Any] = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps(dialect | model.model_json_schema(by_alias=True), indent=2) + "\n"


SCHEMAS: dict[str, type[BaseModel]] = {
    "accelerator": Accelerator,
    "architecture": ArchitectureFile,
    "chip": ChipEvaluation,
    "design": DesignResult,
    "design-front": DesignFront,
    "design-space": DesignSpace,
    "design-choice": SettingChoice,
    "environment": Environment,
    "epoch": Epoch,
    "estimate": CostReport,
    "evaluation": Evaluation,
    "predictions": Predictions,
    "stream": StreamResult,
    "doctor": Diagnosis,
    "export": ExportManifest,
    "finalists": FinalistChoice,
    "fit": FitResult,
    "floorplan": FloorplanFile,
    "front": ParetoFront,
    "hardware-comparison": HardwareComparison,
    "integer": NetworkDocument,
    "proxy-benchmark": ProxyResult,
    "reproduce-hardware": HardwareResult,
    "reproduce-silicon": SiliconResult,
    "result": SearchSummary,
    "study": StudyResult,
    "training": TrainingResult,
}
"""JSON documents by the name of their schema."""
CONTENT: dict[str, Callable[[], str]] = {
    "hardware-model.md": hardware_model,
    "cost-results.md": cost_results,
    "reference/cost-equations.md": cost_equations,
    "reference/accelerators.md": accelerators,
    "reference/choices.md": choices_page,
    "reference/commands.md": commands_page,
    "reference/python.md": python_page,
    "deviations.md": deviations_page,
    "training-results.md": training_results,
    **{f"schemas/{name}.schema.json": partial(schema, model) for name, model in SCHEMAS.items()},
}
"""Every generated file with its content."""

if __name__ == "__main__":
    for name, content in CONTENT.items():
        (FOLDER / name).write_text(content(), encoding="utf-8")

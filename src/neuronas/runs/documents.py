"""The documents that a run leaves, as far as a report reads them: checked, so that a broken file is one clear line."""

from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from neuronas.config import is_there, read_json, validate
from neuronas.errors import ConfigurationError, VerificationError
from neuronas.runs.metrics import read_metrics


class _Document(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


Document = TypeVar("Document", bound=_Document)


class StoredCost(_Document):
    """The totals of a cost document."""

    parameters: float
    area_mm2: float
    latency_ms: float
    energy_uj: float


class Result(_Document):
    """``result.json``."""

    architecture: str
    fitness: float | None
    cost: StoredCost
    n_candidates: int
    n_evaluated: int
    rejected: dict[str, int]
    seconds: float
    peak_memory_mb: float


class Epoch(_Document):
    """One line of ``metrics.jsonl``."""

    epoch: int
    train_loss: float
    train_accuracy: float
    validation_accuracy: float | None = None
    firing_rate: float | None = None


class Evaluation(_Document):
    """``evaluation.json``."""

    split: str
    n_images: int
    epoch: int
    weight_bits: int
    top1: float
    top5: float
    per_class: list[float | None]
    confusion: list[list[int]]
    accuracy_by_bits: Annotated[dict[str, float], Field(min_length=1)]
    firing_rates: dict[str, float]
    spikes_per_image: float | None
    synaptic_operations_per_image: float
    multiplications_per_image: float
    literature_energy_uj: float


class ChipModel(_Document):
    """Which device the simulated chips are made of."""

    non_idealities: list[str]
    sign_scheme: str
    write_variation: float
    read_noise: float
    adc_bits: int | None


class ChipLayer(_Document):
    """One layer on the chips."""

    snr_db: float | None
    adc_saturation: float


class ChipAblation(_Document):
    """Accuracy with one set of non-idealities."""

    name: str
    n_chips: int
    top1_mean: float
    top1_std: float | None
    loss: float


class ChipEvaluation(_Document):
    """``chip.json``."""

    hardware: str
    seed: int
    n_images: int
    n_chips: int
    top1_mean: float
    top1_std: float | None
    top1_interval_95: tuple[float, float] | None
    quantised_network_top1: float
    model: ChipModel
    layers: dict[str, ChipLayer]
    ablation: list[ChipAblation] = []


class Environment(_Document):
    """``environment.json``."""

    neuronas: str
    python: str
    platform: str
    packages: dict[str, str]
    command: list[str]


def read_document(model: type[Document], path: Path) -> Document | None:
    """Read a JSON document; None where the run has not got that far.

    Raises:
        VerificationError: it is broken, or no such document.
    """
    if not is_there(path):
        return None
    return _checked(model, read_json(path), str(path))


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """Read ``metrics.jsonl``; empty where the run was not trained.

    Raises:
        VerificationError: a line is no epoch.
    """
    rows = read_metrics(path) if is_there(path) else []
    return tuple(_checked(Epoch, row, f"{path}, line {number}") for number, row in enumerate(rows, start=1))


def _checked(model: type[Document], document: Any, source: str) -> Document:
    if not isinstance(document, dict):
        raise VerificationError(f"{source}: holds a {type(document).__name__}; expected an object of key and value")
    try:
        return validate(model, document, source)
    except ConfigurationError as error:
        raise VerificationError(str(error)) from None

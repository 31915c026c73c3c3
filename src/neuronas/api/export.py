"""A trained network in a file that others read, with a verified round trip."""

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from neuronas.api.compose import Plan
from neuronas.api.integer_accuracy import held_out, integer_accuracy, weight_accuracy
from neuronas.api.trained import TrainedRun, read_trained
from neuronas.config import EXPORT_FORMATS, as_path
from neuronas.errors import ConfigurationError, DataError
from neuronas.export.formats import (
    DT_S,
    FRACTION_BITS,
    LANES,
    ExportContent,
    IntegerOptions,
    ModelledCycles,
    format_named,
)
from neuronas.export.synthesis import check_synthesis
from neuronas.runs.directory import log
from neuronas.runs.inputs import NetworkInput
from neuronas.runs.observer import Observer
from neuronas.runs.results import ExportManifest
from neuronas.runs.work import Work
from neuronas.space.notation import format_architecture
from neuronas.space.workload import Layer, rows

if TYPE_CHECKING:
    from neuronas.export.formats import Format

EXPORTS = "export"
_MOST_LANES = 64


def export(
    run: str | PathLike[str],
    format_name: str,
    *,
    out: str | PathLike[str] | None = None,
    dt_s: float = DT_S,
    opset: int | None = None,
    fraction_bits: int | None = None,
    max_ram_kib: float | None = None,
    max_flash_kib: float | None = None,
    lanes: int | None = None,
    synthesise: bool = False,
    observer: Observer | None = None,
) -> ExportManifest:
    """Write a trained network for other tools, as C or for a chip; the file is computed again and compared.

    In the run's own folder ``export``, a manifest ``FORMAT.json`` keeps what was verified, and what the precision costs
    on validation images, at most 1,000 of them, where the data set is there: rounded weights, and of integer-only
    formats integer arithmetic.

    Args:
        run: the run's directory.
        format_name: ``nir``, ``onnx``, ``integer``, ``c``, ``rtl`` or ``crossbars``.
        out: file or folder; default: in the run's folder ``export``.
        dt_s: nir: length of a time step, s.
        opset: onnx: version of the operators, from 18 (21 with weights of more than 8 bits); default: 21.
        fraction_bits: c, rtl, crossbars: of values that are neither spikes nor sums of them, 4 to 12; default: 12.
        max_ram_kib: c: limit on values and state, KiB; default: no limit.
        max_flash_kib: c: limit on constants, KiB; default: no limit.
        lanes: rtl: outputs of a layer with weights that are computed at a time, 1 to 64; default: 4.
        synthesise: rtl: count the cells and memories of an FPGA with Yosys, into ``report.txt``.
        observer: follows the progress.

    Raises:
        RunDirectoryError: no run, or one that was not trained.
        ConfigurationError: no such format, it cannot hold this network, or a program that it needs is not installed.
        VerificationError: the file does not compute what the network computes; or a damaged run.
    """
    if not 0 < dt_s < 1:
        raise ConfigurationError(f"--dt {dt_s:g} given; expected seconds between 0 and 1")
    if opset is not None and format_name != "onnx":
        raise ConfigurationError(f"--opset {opset} given with --format {format_name}; expected --format onnx")
    chosen = format_named(format_name)
    integers = tuple(name for name in EXPORT_FORMATS if EXPORT_FORMATS[name].is_integer)
    for flag, value, takers in (
        ("--fraction-bits", fraction_bits, integers),
        ("--max-ram", max_ram_kib, ("c",)),
        ("--max-flash", max_flash_kib, ("c",)),
        ("--lanes", lanes, ("rtl",)),
    ):
        if value is not None and format_name not in takers:
            formats = " or ".join(takers)
            raise ConfigurationError(f"{flag} {value:g} given with --format {format_name}; expected --format {formats}")
    if synthesise:
        if format_name != "rtl":
            raise ConfigurationError(f"--synthesise given with --format {format_name}; expected --format rtl")
        check_synthesis()
    if lanes is not None and not 1 <= lanes <= _MOST_LANES:
        raise ConfigurationError(f"--lanes {lanes} given; expected 1 to {_MOST_LANES}")
    from neuronas.export.round_trip import export_network

    given = read_trained(as_path(run, "RUN"), {"device": "cpu"})
    folder = given.directory / EXPORTS
    path = as_path(out, "--out") if out is not None else folder / chosen.place
    work = Work("export", given.directory, "steps", observer)
    integer_options = IntegerOptions(
        FRACTION_BITS if fraction_bits is None else fraction_bits,
        max_flash_kib,
        max_ram_kib,
        LANES if lanes is None else lanes,
        synthesise,
    )
    content = _content(given, dt_s, opset, integer_options)
    agreement = export_network(given.trained.network, content, chosen, path, work)
    manifest = ExportManifest(
        run=given.directory,
        format=format_name,
        path=path,
        verified_by=chosen.computed_by,
        n_images=agreement.n_images,
        n_images_tied=agreement.n_tied,
        largest_difference=agreement.largest_difference,
        largest_score=agreement.largest_score,
        is_exact=chosen.is_integer,
        **_accuracy(given, content, chosen),
    )
    if out is None:
        manifest.write(folder / f"{format_name}.json")
    work.finish(manifest)
    return manifest


def _accuracy(given: TrainedRun, content: ExportContent, chosen: "Format") -> dict[str, Any]:
    """What the export's precision costs on held-out images; nothing where they are not there."""
    try:
        sample = held_out(given)
    except DataError as error:
        log.warning("run %s: what the precision of the export costs is not measured: %s", given.directory, error)
        return {}
    from neuronas.training.passes import class_scores

    scores = class_scores(given.network, sample.images, sample.indices, given.device)
    integer = integer_accuracy(given, content.integers, sample, scores) if chosen.is_integer else None
    return {"weights": weight_accuracy(given, sample, scores), "integer": integer}


def _content(given: TrainedRun, dt_s: float, opset: int | None, options: IntegerOptions) -> ExportContent:
    from neuronas.export.crossbars import crossbars_document
    from neuronas.export.from_network import bind

    run = given.plan
    work = rows(given.architecture, run.shape)
    return ExportContent(
        network=bind(given.trained.network),
        architecture=format_architecture(given.architecture),
        weight_bits=given.trained.weight_bits,
        input=NetworkInput.of(run.config.data),
        class_names=run.config.data.class_names,
        crossbars=crossbars_document(work, run.mapped_model().work(work), run.config.hardware.accelerator),
        dt_s=dt_s,
        opset=opset,
        options=options,
        accelerator=run.accelerator,
        modelled=_modelled(run, work),
    )


def _modelled(run: Plan, work: Sequence[Layer]) -> ModelledCycles:
    model = run.mapped_model()
    busy_ms = replace(model, sensor=replace(model.sensor, window_ms=0.0)).estimate(work).latency_ms
    cycles = round(busy_ms * 1e3 * run.accelerator.clock_mhz)
    return ModelledCycles(cycles, run.config.hardware.accelerator, model.schedule)

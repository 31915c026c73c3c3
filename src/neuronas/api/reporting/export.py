"""Export of trained networks to files for other tools, with a verified round trip."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any

from neuronas.api.evaluating.integer_accuracy import integer_accuracy, weight_accuracy
from neuronas.api.setup.held_out import PRECISION, held_out
from neuronas.api.setup.plan import Plan
from neuronas.api.setup.settings import gathered
from neuronas.api.setup.trained import TrainedRun, read_trained
from neuronas.config import EXPORT_FORMATS, SETTINGS, as_path, written
from neuronas.errors import ConfigurationError, DataError
from neuronas.export.content import ExportContent, ModelledCycles
from neuronas.export.formats import format_named
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


def export(
    run: str | PathLike[str],
    format_name: str,
    *,
    out: str | PathLike[str] | None = None,
    assignments: Iterable[str] = (),
    observer: Observer | None = None,
    **options: Any,
) -> ExportManifest:
    """Export a trained network for other tools, as C or for a chip; the file's outputs are compared with the network's.

    In the run's own folder ``export``, a manifest ``FORMAT.json`` records the verification and, if the data set is
    available, the accuracy loss on at most 1,000 validation images by rounded weights and, for integer-only formats, by
    integer arithmetic.

    Args:
        run: run directory.
        format_name: ``nir``, ``onnx``, ``integer``, ``c``, ``rtl`` or ``crossbars``.
        out: file or folder; default: in the run's folder ``export``.
        assignments: ``section.key=value`` texts, as ``--set`` takes them.
        observer: observer of the progress.
        **options: settings that may differ from the run's own, by keyword: ``dt_s``, ``opset``, ``lanes``, ….

    Raises:
        RunDirectoryError: the directory holds no run, or the run was not trained.
        ConfigurationError: the format or an option is unknown, the format does not read an option or cannot represent
            this network, or a program that it needs is not installed.
        VerificationError: the file does not compute the same as the network, or the run is damaged.
    """
    assignments = tuple(assignments)
    asked = written(gathered("export", options, None, assignments))  # loads plug-ins, which may add the format
    chosen = format_named(format_name)
    _check_read(asked.get("export", {}), format_name)
    from neuronas.export.round_trip import export_network

    # The file is written and verified on the CPU, whatever device the run was trained on.
    given = read_trained(as_path(run, "RUN"), options, (*assignments, "device=cpu"), verb="export")
    folder = given.directory / EXPORTS
    path = as_path(out, "--out") if out is not None else folder / chosen.place
    work = Work("export", given.directory, "steps", observer)
    content = _content(given)
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
        same_scores=agreement.same_scores,
        synthesis=agreement.synthesis,
        **_accuracy(given, content, chosen),
    )
    if manifest.doubt:
        log.warning("run %s: %s", given.directory, manifest.doubt)
    if out is None:
        manifest.write(folder / f"{format_name}.json")
    work.finish(manifest)
    return manifest


def _check_read(asked: Mapping[str, Any], format_name: str) -> None:
    """Refuse export settings that the format does not read, or whose requirements are not installed."""
    for name, value in asked.items():
        if name in EXPORT_FORMATS[format_name].reads or value is False:
            continue
        takers = " or ".join(other for other, form in EXPORT_FORMATS.items() if name in form.reads)
        what = SETTINGS[f"export.{name}"].flag + ("" if value is True else f" {value:g}")
        raise ConfigurationError(f"{what} given with --format {format_name}; expected --format {takers}")
    if asked.get("synthesise"):
        check_synthesis()


def _accuracy(given: TrainedRun, content: ExportContent, chosen: "Format") -> dict[str, Any]:
    """Accuracy loss by the export's precision on held-out images; empty if they are not available."""
    try:
        sample = held_out(given, PRECISION)
    except DataError as error:
        log.warning(
            "run %s: the accuracy loss by the precision of the export is not measured: %s", given.directory, error
        )
        return {}
    from neuronas.training.passes import class_scores

    scores = class_scores(given.network, sample.images, sample.indices, given.device)
    integer = integer_accuracy(given, content.integers, sample, scores) if chosen.is_integer else None
    return {"weights": weight_accuracy(given, sample, scores), "integer": integer}


def _content(given: TrainedRun) -> ExportContent:
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
        settings=run.config.export,
        accelerator=run.accelerator,
        modelled=_modelled(run, work),
    )


def _modelled(run: Plan, work: Sequence[Layer]) -> ModelledCycles:
    model = run.mapped_model()
    busy_ms = replace(model, sensor=replace(model.sensor, window_ms=0.0)).estimate(work).latency_ms
    cycles = round(busy_ms * 1e3 * run.accelerator.clock_mhz)
    return ModelledCycles(cycles, run.config.hardware.accelerator, model.schedule)

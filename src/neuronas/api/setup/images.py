"""Checks of all images of a run before its work begins."""

from pathlib import Path

from neuronas.api.setup.devices import missing
from neuronas.api.setup.plan import Plan
from neuronas.data.datasets import check_described
from neuronas.machine import n_cores
from neuronas.runs.directory import log
from neuronas.runs.observer import Observer
from neuronas.runs.work import Work


def scan_of(directory: Path, observer: Observer | None) -> Work:
    """The work of ``prepare_images``, for the observer of a command that begins with it."""
    return Work("scan", directory, "images", observer)


def prepare_images(run: Plan, scan: Work, *, download: bool) -> None:
    """Check first that all images of a run, including the test images, exist and can be read.

    Args:
        run: the settings.
        scan: notified of the images that are read; started only if there are any, and not for images in memory.
        download: download the data set if it is missing.

    Raises:
        DataError: images or classes are missing, or images cannot be read; the message says how many.
        VerificationError: the run was made with other classes.
    """
    if download:
        run.dataset.fetch()

    def progress(n_done: int, n_images: int) -> None:
        if scan.total is None:
            scan.start(n_images)
        scan.advance(n_done - scan.done, "checking images")

    try:
        check_described(run.config.data, run.dataset)
        if run.config.data.n_classes == 1:
            (name,) = run.config.data.shown_names
            log.warning("%s: has a single class, '%s', which every network predicts", run.dataset.name, name)
        run.dataset.check(n_threads=n_cores(), skip_corrupt=run.config.data.skip_corrupt, progress=progress)
    except ImportError as error:
        raise missing(error) from error
    if scan.total is not None:
        scan.finish(scan.done)

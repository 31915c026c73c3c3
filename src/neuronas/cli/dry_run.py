"""The images of a plan, for ``--dry-run``."""

from typing import TYPE_CHECKING

from neuronas.cli import console

if TYPE_CHECKING:
    from neuronas.api.designing.plan import Design
    from neuronas.api.searching.search import Search
    from neuronas.api.training.train import Training
    from neuronas.data.counts import ImageCounts


def checked_images(planned: "Search | Design | Training") -> tuple["ImageCounts | None", list[str]]:
    """Count the images without reading them, and raise the errors of the command that are known then.

    Returns:
        The numbers, if they are known, and the same as lines.

    Raises:
        DataError: folders, classes or images are missing, or there are too few images.
        RunDirectoryError: the run directory cannot be used.
    """
    from neuronas.data.counts import count_images, why_not_counted

    run = planned.plan
    counts = count_images(run.dataset, run.config.data)
    planned.check(counts.train if counts is not None else None)
    return counts, counts.lines if counts is not None else [why_not_counted(run.dataset)]


def print_lines(lines: list[str]) -> None:
    """Print them as part of the answer."""
    for line in lines:
        console.answers.print(line)

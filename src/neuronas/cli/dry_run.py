"""The images of a plan, for ``--dry-run``."""

from typing import TYPE_CHECKING, Any

from neuronas.cli import console

if TYPE_CHECKING:
    from neuronas.api.plan import Plan


def image_counts(run: "Plan", *, for_fitness: bool = False) -> tuple[dict[str, Any] | None, list[str]]:
    """Numbers of images, as JSON values and as lines; without reading an image.

    Args:
        run: the plan.
        for_fitness: check that there are enough for the batches of the fitness.

    Raises:
        DataError: folders, classes or images are missing, or there are too few images.
    """
    from neuronas.data.counts import check_enough, count_images, why_not_counted

    counts = count_images(run.dataset, run.config.data)
    if counts is None:
        return None, [why_not_counted(run.dataset)]
    if for_fitness:
        check_enough(sum(counts.train), run.config.fitness.batch_size, run.config.fitness.n_batches)
    return counts.plain(), counts.lines


def print_lines(lines: list[str]) -> None:
    """Print them as part of the answer."""
    for line in lines:
        console.answers.print(line)

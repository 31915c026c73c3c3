"""What changes over a search or over training, as lines: the page and the figures draw the same ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from neuronas.report.facts import RunFacts


@dataclass(frozen=True)
class Line:
    """One line: points in the order of x. ``steps``: the value holds until the next point."""

    name: str
    points: Sequence[tuple[float, float]]
    steps: bool = False


@dataclass(frozen=True)
class Curves:
    """Lines over one x-axis; those without a point are not drawn. ``shares``: values are shares of 1, shown as %."""

    title: str
    x_title: str
    lines: tuple[Line, ...]
    shares: bool = False

    @property
    def drawn(self) -> tuple[Line, ...]:
        """The lines that have a point."""
        return tuple(line for line in self.lines if line.points)


def progress_curves(run: RunFacts) -> Curves | None:
    """The best fitness over the candidates; None where no fitness is known."""
    candidates = run.candidates
    if candidates is None or not candidates.improvements:
        return None
    points = (*candidates.improvements, (len(candidates), candidates.improvements[-1][1]))
    return Curves("Best fitness so far", "candidates proposed", (Line("best fitness", points, steps=True),))


def learning_curves(run: RunFacts) -> tuple[Curves, ...]:
    """Accuracy, loss and, where it was counted, the firing rate over the epochs; empty where nothing was trained."""
    epochs = run.epochs
    if not epochs:
        return ()
    accuracy = (
        Line("training", [(one.epoch, one.train_accuracy) for one in epochs]),
        Line("validation", [(e.epoch, e.validation_accuracy) for e in epochs if e.validation_accuracy is not None]),
    )
    loss = Line("loss", [(one.epoch, one.train_loss) for one in epochs])
    rates = Line("firing rate", [(one.epoch, one.firing_rate) for one in epochs if one.firing_rate is not None])
    found = (
        Curves("Accuracy", "epoch", accuracy, shares=True),
        Curves("Training loss", "epoch", (loss,)),
        Curves("Spikes a neuron and step", "epoch", (rates,)),
    )
    return tuple(curves for curves in found if curves.drawn)

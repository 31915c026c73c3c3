"""Differences between this program and the papers, in ``deviations.json``, for studies and documentation."""

from functools import cache

from neuronas.runs.document import Document


class Deviation(Document):
    """One difference.

    Attributes:
        about: what differs.
        paper: what is published.
        here: what this program does, and why.
        experiments: affected experiments of ``neuronas reproduce``; empty: none, it concerns settings they do not use.
        scales: affected scales of a study; empty: all.
    """

    about: str
    paper: str
    here: str
    experiments: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The difference in one sentence."""
        return f"{self.about}: published: {self.paper}; here: {self.here}"


class Deviations(Document):
    """All differences."""

    deviations: tuple[Deviation, ...]


@cache
def deviations() -> tuple[Deviation, ...]:
    """All differences; read once."""
    return Deviations.packaged(__package__, "deviations.json").deviations


def deviations_of(experiment: str, scale: str) -> tuple[str, ...]:
    """A sentence for each difference of an experiment at a scale."""
    found = (one for one in deviations() if experiment in one.experiments and scale in (one.scales or (scale,)))
    return tuple(one.line for one in found)

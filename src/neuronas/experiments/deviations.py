"""Where this program differs from the papers, in ``deviations.json``: declared once for studies and documentation."""

from functools import cache

from neuronas.runs.document import Document


class Deviation(Document):
    """One difference.

    Attributes:
        about: what differs.
        paper: what is published.
        here: what this program does, and why.
        experiments: of ``neuronas reproduce`` that it concerns; empty: settings that they do not use.
        scales: of a study that it concerns; empty: all.
    """

    about: str
    paper: str
    here: str
    experiments: tuple[str, ...] = ()
    scales: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """One sentence for people."""
        return f"{self.about}: published: {self.paper}; here: {self.here}"


class Deviations(Document):
    """All differences."""

    deviations: tuple[Deviation, ...]


@cache
def deviations() -> tuple[Deviation, ...]:
    """All differences; read once."""
    return Deviations.packaged(__package__, "deviations.json").deviations


def deviations_of(experiment: str, scale: str) -> tuple[str, ...]:
    """What differs in an experiment at a scale, a sentence each."""
    found = (one for one in deviations() if experiment in one.experiments and scale in (one.scales or (scale,)))
    return tuple(one.line for one in found)

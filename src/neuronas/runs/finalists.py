"""``finalists.json``: candidates that were trained briefly to select the answer of a search by accuracy."""

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from neuronas.config import WeightBits
from neuronas.runs.costs import Budgeted
from neuronas.runs.document import Document, Share
from neuronas.runs.intervals import difference_95, wilson_95
from neuronas.runs.network_setting import NetworkSetting

FINALISTS, FOLDER = "finalists.json", "finalists"


class Rung(Document):
    """One rung of successive halving.

    Attributes:
        n: number of finalists in it.
        epochs: total number of epochs of each finalist at the end of the rung.
    """

    n: int
    epochs: int


class Finalist(Budgeted):
    """One candidate that is trained briefly.

    Attributes:
        rank: rank from 1, by fitness or, in a design, by the order in which settings are searched.
        setting: setting of the network in a design, whose finalists differ in more than cells; absent otherwise.
        accuracies: validation accuracy at the end of each finished rung.
        failed: reason, only if its training failed.
    """

    rank: int
    architecture: str
    fitness: float
    setting: NetworkSetting | None = Field(default=None, exclude_if=lambda setting: setting is None)
    accuracies: tuple[Share, ...] = ()
    failed: str | None = Field(default=None, exclude_if=lambda why: why is None)

    @property
    def folder(self) -> str:
        """Its folder below ``finalists``."""
        return f"{self.rank:02}"

    @property
    def text(self) -> str:
        """Its name in texts."""
        return f"rank {self.rank}" if self.setting is None else f"finalist {self.rank} ({self.setting.text})"


class FinalistChoice(Document):
    """``finalists.json``: the finalists, their epochs and their accuracies.

    Attributes:
        asked: requested number of finalists; there are fewer if fewer distinct candidates fit the budgets.
        eta: reduction factor: one in ``eta`` finalists enters the next rung.
        n_training: number of training images, the same for all.
        n_validation: number of validation images (from the training split), on which finalists are compared.
        weight_bits: weight precision in training; null: each finalist's own.
        seed: random seed of training.
        seconds: wall-clock time of all sessions.
        rungs: rungs of successive halving, in order.
        finalists: the finalists by rank.
        question: digest of the finalists, numbers of images and rungs.
        identity: digest of everything that affects their trained weights.
    """

    asked: int
    eta: int
    n_training: int
    n_validation: int
    weight_bits: WeightBits | None
    seed: int
    seconds: float
    rungs: tuple[Rung, ...]
    finalists: tuple[Finalist, ...]
    question: str
    identity: str

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Check that rungs and finalists are consistent, as made by ``halving``."""
        sizes, lengths = [rung.n for rung in self.rungs], [rung.epochs for rung in self.rungs]
        if not sizes or sizes != sorted(set(sizes), reverse=True) or lengths != sorted(set(lengths)) or sizes[-1] < 2:
            raise ValueError("rungs of fewer and fewer finalists, at least 2, and more and more epochs expected")
        if [one.rank for one in self.finalists] != list(range(1, sizes[0] + 1)):
            raise ValueError(f"finalists of rank 1 to {sizes[0]} expected")
        if any(len(one.accuracies) > len(sizes) for one in self.finalists):
            raise ValueError(f"at most {len(sizes)} accuracies of a finalist expected, one per rung")
        if self.n_validation < 1 and any(one.accuracies for one in self.finalists):
            raise ValueError("n_validation of at least 1 expected")
        return self

    def members(self, number: int) -> tuple[Finalist, ...]:
        """The finalists in a rung, the best of the previous rung first; none if that has not ended.

        Equal accuracies rank by fitness. Failed finalists are excluded.

        Args:
            number: index of the rung, from 0; one more than the last: the winner alone.
        """
        if not number:
            return tuple(one for one in self.finalists if one.failed is None or one.accuracies)
        before = self.members(number - 1)
        if not before or not all(len(one.accuracies) >= number or one.failed for one in before):
            return ()
        learned = [one for one in before if len(one.accuracies) >= number]
        ranked = sorted(learned, key=lambda one: (-one.accuracies[number - 1], one.rank))
        return tuple(ranked[: self.rungs[number].n if number < len(self.rungs) else 1])

    @property
    def n_ended(self) -> int:
        """Number of finished rungs."""
        return next((number for number in range(len(self.rungs)) if not self.members(number + 1)), len(self.rungs))

    @property
    def is_complete(self) -> bool:
        """Whether all rungs are finished."""
        return self.n_ended == len(self.rungs)

    @property
    def leader(self) -> Finalist | None:
        """The best finalist of the last finished rung; None before the first rung has ended."""
        return self.members(self.n_ended)[0] if self.n_ended else None

    @property
    def second(self) -> Finalist | None:
        """The second-best finalist of the same rung; None if there is no other."""
        number = self.n_ended
        if not number:
            return None
        rivals = [one for one in self.members(number - 1) if one != self.leader and len(one.accuracies) >= number]
        return max(rivals, key=lambda one: (one.accuracies[number - 1], -one.rank), default=None)

    @property
    def lead_95(self) -> tuple[float, float] | None:
        """95 % interval of the leader's accuracy minus the second's; above 0: they differ beyond noise."""
        leader, second, last = self.leader, self.second, self.n_ended - 1
        if leader is None or second is None:
            return None
        return difference_95(leader.accuracies[last], second.accuracies[last], self.n_validation)

    @property
    def verdict(self) -> str:
        """The leader, its margin, and whether the margin exceeds noise, in one line."""
        leader, second, lead = self.leader, self.second, self.lead_95
        if leader is None:
            return f"none of {len(self.finalists)} finalists yet: the first rung has not ended"
        accuracy = leader.accuracies[self.n_ended - 1]
        low, high = self.interval_95(accuracy)
        text = f"{len(self.finalists)} finalists" if self.is_complete else f"{self.n_ended} of {len(self.rungs)} rungs"
        by = "" if leader.setting else " by fitness"
        text += f": {leader.text}{by}, validation accuracy {accuracy:.1%} ({low:.1%} to {high:.1%})"
        if second is None or lead is None:
            return text
        beyond = "beyond noise" if lead[0] > 0 else "within noise"
        ahead = 100 * (accuracy - second.accuracies[self.n_ended - 1])
        return f"{text}, {ahead:.1f} points above {second.text}, {beyond}"

    @property
    def n_epochs(self) -> int:
        """Total number of epochs of all finalists, if none fails."""
        return total_epochs(self.rungs)

    def interval_95(self, accuracy: float) -> tuple[float, float]:
        """95 % interval of an accuracy on the validation images; see ``wilson_95``."""
        return wilson_95(accuracy, self.n_validation)

    def dropped_after(self, finalist: Finalist) -> int | None:
        """The rung, from 1, after which a finalist was dropped; None if it was not."""
        number = len(finalist.accuracies)
        is_kept = finalist.failed is None and (number > self.n_ended or finalist in self.members(number))
        return None if is_kept or not number else number

    def having(self, finalist: Finalist, seconds: float) -> Self:
        """The document with one updated finalist, and ``seconds`` added to its time."""
        finalists = tuple(finalist if one.rank == finalist.rank else one for one in self.finalists)
        return self.model_copy(update={"finalists": finalists, "seconds": round(self.seconds + seconds, 3)})


def total_epochs(rungs: tuple[Rung, ...]) -> int:
    """Total number of epochs of the rungs; a rung continues the training of the previous one."""
    before = (0, *(rung.epochs for rung in rungs))
    return sum(rung.n * (rung.epochs - begun) for rung, begun in zip(rungs, before, strict=False))


def finalist_folder(run: Path, finalist: Finalist) -> Path:
    """Folder of a finalist's metrics and, until it is dropped, of its checkpoints."""
    return run / FOLDER / finalist.folder

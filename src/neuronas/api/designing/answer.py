"""The result of a design: all measurements of the answer, and why it was chosen."""

from collections.abc import Iterator
from pathlib import Path

from neuronas.api.designing.choice import alternatives
from neuronas.api.designing.stages import StageResults
from neuronas.api.evaluating.chip import kept_chips
from neuronas.api.setup.plan import Plan
from neuronas.errors import counted
from neuronas.hardware.units import quantity, word
from neuronas.runs.chip_evaluations import NOTICED_LOSS, ChipEvaluation
from neuronas.runs.design_fronts import FRONT, FRONT_PAGE, DesignFront, FrontChoice
from neuronas.runs.designs import FRONT_FOLDER, DesignResult, MeasuredShare, SettingChoice, StageTime
from neuronas.runs.directory import ARCHITECTURE, CHECKPOINTS, EVALUATION
from neuronas.runs.finalists import FinalistChoice

REPORT = "report.html"


def design_result(run: Plan, found: StageResults, stages: tuple[StageTime, ...]) -> DesignResult:
    """Assemble the result.

    Args:
        run: settings of the design.
        found: what its stages found.
        stages: finished stages.
    """
    answer, evaluation, chips = found.answer, found.evaluation, found.chips
    directory, setting = answer.directory, answer.plan.setting
    low, high = evaluation.interval_95(evaluation.top1)
    front = _choice_of_front(directory / FRONT_FOLDER / FRONT)
    return DesignResult(
        **{name: getattr(answer.summary, name) for name in type(answer.summary).model_fields},
        directory=directory,
        **dict(setting),
        test_accuracy=MeasuredShare(value=evaluation.top1, low=low, high=high),
        n_test=evaluation.n_images,
        integer=evaluation.integer,
        integer_left_out=found.no_integers,
        chip_accuracy=None if isinstance(chips, str) else _on_chips(chips),
        n_chips=0 if isinstance(chips, str) else chips.n_chips,
        chip_loss=None if isinstance(chips, str) else _loss(chips),
        chips_left_out=chips if isinstance(chips, str) else None,
        verdict=_verdict(found),
        reason=(*_from_front(front), *_reasons(found.choice, found.finalists)),
        choice=found.choice,
        alternatives=alternatives(run, found.choice.axes, setting, answer.architecture),
        front=front,
        files=_files(run, found, front),
        stages=stages,
    )


def _on_chips(chips: ChipEvaluation) -> MeasuredShare:
    low, high = chips.top1_interval_95 or (None, None)
    return MeasuredShare(value=chips.top1_mean, low=low, high=high)


def _loss(chips: ChipEvaluation) -> float:
    return chips.quantised_network_top1 - chips.top1_mean


def _verdict(found: StageResults) -> str:
    answer, evaluation, chips = found.answer, found.evaluation, found.chips
    uses = [use for use in answer.plan.budget.uses(answer.cost) if use.used is not None]
    tightest = max(uses, key=lambda use: use.used or 0.0, default=None)
    if answer.summary.violations:
        kept = "breaks " + ", ".join(
            f"the limit on {word(name)} by {quantity(name, excess)}"
            for name, excess in answer.summary.violations.items()
        )
    elif tightest is None:
        kept = "no limits set"
    else:
        kept = f"keeps all limits ({word(tightest.name)} is closest: {tightest.used:.1%} used)"
    on_chips = "not simulated on chips"
    if isinstance(chips, ChipEvaluation):
        points = round(100 * _loss(chips), 1)
        on_chips = f"simulated chips {'cost' if points >= 0 else 'add'} {abs(points):.1f} points"
        if _loss(chips) >= NOTICED_LOSS and chips.verdict is not None and chips.verdict.remedies:
            on_chips += f" ({chips.verdict.text})"
    exported = f"; exported and verified{', which says little' * evaluation.same_scores}" if found.files else ""
    dead = f"{evaluation.dead}; " if evaluation.dead else ""
    return f"{dead}{kept}; {evaluation.top1:.1%} of {evaluation.n_images:,} test images; {on_chips}{exported}"


def _choice_of_front(path: Path) -> FrontChoice | None:
    front = DesignFront.read_if_there(path)
    return None if front is None else FrontChoice(**{name: getattr(front, name) for name in FrontChoice.model_fields})


def _from_front(front: FrontChoice | None) -> Iterator[str]:
    """How chip and setting were chosen, in sentences."""
    if front is not None:
        own = front.chosen
        yield (
            f"Chip and setting were chosen from a front of {front.n_front:,} designs, out of {front.n_covered:,} "
            f"({front.prefer}): {own.chip}. Its expected accuracy on the chip was {1 - own.error:.1%}."
        )
        yield "The cells were then searched within the cost of that design."


def _reasons(choice: SettingChoice, finalists: FinalistChoice | None) -> Iterator[str]:
    """Why this answer was chosen, in sentences."""
    yield (
        f"{counted(choice.n_designs, 'design')} costed: {counted(choice.n_surveyed, 'candidate')} at "
        f"{counted(choice.n_settings, 'setting')}, of which {choice.n_feasible} "
        f"{'has' if choice.n_feasible == 1 else 'have'} a candidate within the budget."
    )
    n, searched = len(choice.contenders), choice.n_searched
    if n == 1 and choice.n_settings > 1:
        largest = choice.contenders[0].setting.text
        yield f"One setting, {largest}, equals or exceeds all others in every respect: only this one was searched."
    elif n > 1:
        yield f"{n} settings are not dominated by any other one; {searched} of them were searched."
    if finalists is None:
        return
    yield f"{finalists.verdict}."
    first, leader = finalists.finalists[0], finalists.leader
    if leader is None or not first.accuracies:
        return
    if first == leader:
        yield "Without training, by the order of settings and fitness alone, it would have been the same."
    else:
        last = len(first.accuracies) - 1
        yield (
            f"Without training, by the order of settings and fitness alone, it would have been {first.text}: "
            f"{first.accuracies[last]:.1%} of the validation images against {leader.accuracies[last]:.1%} after "
            f"{counted(finalists.rungs[last].epochs, 'epoch')}."
        )


def _files(run: Plan, found: StageResults, front: FrontChoice | None) -> dict[str, str]:
    directory = found.answer.directory
    paths = {
        "report": directory / REPORT,
        "architecture": directory / ARCHITECTURE,
        "network": directory / CHECKPOINTS / "best.safetensors",
        "evaluation": directory / EVALUATION,
        **({} if isinstance(found.chips, str) else {"chips": kept_chips(run, directory)}),
        **({} if front is None else {"front": directory / FRONT_FOLDER / FRONT_PAGE}),
        **found.files,
    }
    return {name: str(path.relative_to(directory)) for name, path in paths.items()}

"""The summary at the top of a report: accuracy, budget, training, and expected against measured values."""

from collections.abc import Iterator

from neuronas.config import weights_text
from neuronas.errors import counted
from neuronas.hardware.units import quantity, with_range, word
from neuronas.report.accuracy_tables import chip_accuracy
from neuronas.report.facts import RunFacts
from neuronas.report.tables import share
from neuronas.runs.chip_evaluations import NOTICED_LOSS
from neuronas.runs.results import NOT_CALIBRATED

_Row = tuple[str, str, bool]
"""Topic, finding, and whether the finding is a problem."""
_OUT_OF_TIME = "time limit reached (--max-minutes)"


def verdict(run: RunFacts) -> tuple[_Row, ...]:
    """The rows of the summary."""
    return (*_accuracy(run), *_twin(run), *_chips(run), *_budget(run), *_search(run), *_training(run), *_measured(run))


def _accuracy(run: RunFacts) -> Iterator[_Row]:
    one = run.evaluation
    if run.result:
        expected = run.result.expected_accuracy
        yield "expected accuracy", expected.text if expected else NOT_CALIBRATED, False
    if one is None:
        yield "test accuracy", "not evaluated" if run.epochs else "not trained", False
        return
    low, high = one.interval_95(one.top1)
    text = f"{share(one.top1)} (95 % interval {share(low)} to {share(high)}) on {one.n_images:,} test images"
    dead = f"; {one.dead}" if one.dead else ""
    yield "test accuracy", f"{text}, {weights_text(one.weight_bits)}{dead}", bool(one.dead)


def _twin(run: RunFacts) -> Iterator[_Row]:
    if run.evaluation is not None and (twin := run.evaluation.twin) is not None:
        yield "against the artificial twin", twin.text, twin.winner == "artificial"


def _chips(run: RunFacts) -> Iterator[_Row]:
    if not run.chips:
        yield "accuracy on chips", "not simulated", False
    for chip in run.chips:
        loss = chip.quantised_network_top1 - chip.top1_mean
        points = round(100 * loss, 1)  # the mean of equal accuracies can differ from them in the last bit
        interval = ""
        if chip.top1_interval_95 and chip.n_chips > 1:
            interval = f" (95 % interval of the mean {' to '.join(map(share, chip.top1_interval_95))})"
        text = f"{chip_accuracy(chip)}{interval} on {chip.n_chips} simulated{chip.when}; "
        text += f"{abs(points):.1f} points {'lost' if points >= 0 else 'gained'}"
        why = ""
        if chip.verdict and chip.verdict.remedies:
            why = f". On {chip.verdict.n_images:,} {chip.verdict.split} images {chip.verdict.text}"
        yield f"accuracy on chips, {chip.chip}", text + why, loss >= NOTICED_LOSS


def _budget(run: RunFacts) -> Iterator[_Row]:
    if run.answer is None:
        yield "budget", run.infeasible.closest if run.infeasible else "no architecture yet", bool(run.infeasible)
        return
    summary = run.answer.summary
    for cost in (summary, summary.other_model) if run.judges_other_model else (summary,):
        uses = [use for use in run.budget.uses(cost) if use.used is not None]
        broken = [
            f"{word(use.name)} {quantity(use.name, use.cost)} of {quantity(use.name, use.limit)}"
            for use in uses
            if use.is_broken
        ]
        tightest = max(uses, key=lambda use: use.used or 0.0, default=None)
        kept = f"kept; closest: {word(tightest.name)}, {share(tightest.used)} used" if tightest else "no limits set"
        yield f"budget by model {cost.cost_model}", "broken: " + "; ".join(broken) if broken else kept, bool(broken)


def _search(run: RunFacts) -> Iterator[_Row]:
    if run.finalists is not None:
        end = "; not finished, can be resumed" if run.is_choosing else ""
        yield "finalists", run.finalists.verdict + end, run.is_choosing
    elif run.result and run.result.out_of_time:
        yield "search", f"{_OUT_OF_TIME} after {run.result.n_evaluated:,} evaluated candidates; can be resumed", True


def _training(run: RunFacts) -> Iterator[_Row]:
    if not run.epochs and not run.training:
        return
    planned, n_done = run.config.train.epochs, len(run.epochs)
    scored = [one for one in run.epochs if one.validation_accuracy is not None]
    text = f"{n_done} of {counted(planned, 'epoch')}" if planned else counted(n_done, "epoch")
    if scored:
        best, last = next((one for one in reversed(scored) if one.is_best), None), scored[-1]
        at_best = f"{share(best.validation_accuracy)} at the best epoch, {best.epoch}, " if best else ""
        text += f"; validation {at_best}{share(last.validation_accuracy)} at the last, {last.epoch}"
    is_unfinished = bool(planned) and n_done < planned and not run.is_training_ended and run.evaluation is None
    if run.is_training_out_of_time:
        yield "training", f"{text}; {_OUT_OF_TIME}; can be resumed", True
    else:
        is_stopped = run.is_training_ended and run.training is not None and run.training.stopped_early
        end = "; stopped early" if is_stopped else "; not finished" if is_unfinished else ""
        yield "training", text + end, is_unfinished


def _measured(run: RunFacts) -> Iterator[_Row]:
    one = run.evaluation
    if one is None or one.cost_at_trace is None or run.answer is None:
        return
    traced = one.cost_at_trace
    dense = run.answer.summary if run.answer.summary.cost_model == "mapped" else run.answer.summary.other_model
    yield (
        "energy, model mapped",
        f"{quantity('energy_uj', dense.energy_uj)} expected at the settings' activity, "
        f"{with_range('energy_uj', traced.energy_uj, traced.intervals.get('energy_uj'))} at the measured one",
        False,
    )

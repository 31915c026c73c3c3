"""Diagnosis of the accuracy loss on a chip: its causes, and the accuracy recovered by changes of chip or network."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from neuronas.chip.chip_model import ChipModel
from neuronas.chip.monte_carlo import ChipTrial, simulate
from neuronas.chip.slicing import SCHEMES
from neuronas.runs.chip_evaluations import NOTICED_LOSS, ChipAblation, ChipRemedy, ChipVerdict
from neuronas.runs.work import Work
from neuronas.training.evaluation import accuracy

N_CHIPS = 2
_HELPS = 0.2
"""Share of the loss that a change must recover to be recommended, or a cause must explain to be named."""
_MORE_ADC_BITS = (1, 2)
_RETRAINED = "noise-aware training"


@dataclass(frozen=True)
class Change:
    """A change of the chip.

    Attributes:
        name: name for messages.
        how: how to apply it: an option of ``evaluate --chip``, or a key and value in the accelerator file.
        model: parameters of the changed chip.
        against: the non-idealities whose effect it reduces.
    """

    name: str
    how: str
    model: ChipModel
    against: tuple[str, ...]


def changes(model: ChipModel) -> Iterator[Change]:
    """Changes of a chip that can help, the cheapest first.

    Order: calibration, compensation of drift, rows read at once (time), converter bits (energy and area), sign scheme
    (columns), bits per cell (crossbars).
    """
    cells = ("write_variation", "drift", "read_noise", "stuck_cells")
    if not model.gain_calibration:
        gains = (*cells, "wire_resistance", "off_conductance")
        yield Change("gain calibration", "--gain-calibration", replace(model, gain_calibration=True), gains)
    if model.drift and not model.drift_compensation:
        compensated = replace(model, drift_compensation=True)
        yield Change("drift compensation", "--drift-compensation", compensated, ("drift",))
    if model.rows_read >= 16:  # a converter adds the currents of all rows that are read at once
        half = model.rows_read // 2
        fewer = replace(model, rows_per_read=half)
        yield Change(f"{half} rows per read", f"crossbar.rows_per_read: {half}", fewer, ("adc",))
    if model.crossbar_size >= 16:
        half = model.crossbar_size // 2
        smaller = replace(model, crossbar_size=half, rows_per_read=min(half, model.rows_read))
        yield Change(f"crossbars of {half}", f"crossbar.size: {half}", smaller, ("wire_resistance",))
    if model.adc_bits is not None:
        for more in _MORE_ADC_BITS:
            bits = model.adc_bits + more
            yield Change(f"{bits}-bit converters", f"adc.bits: {bits}", replace(model, adc_bits=bits), ("adc",))
    for scheme in SCHEMES:
        if scheme != model.sign_scheme:
            other = replace(model, sign_scheme=scheme)
            yield Change(f"sign scheme {scheme}", f"--sign-scheme {scheme}", other, (*cells, "off_conductance", "adc"))
    if model.bits_per_cell > 1:
        yield Change("1 bit per cell", "crossbar.bits_per_cell: 1", replace(model, bits_per_cell=1), (*cells, "adc"))


def diagnose(
    trial: ChipTrial,
    model: ChipModel,
    split: str,
    retrain: str,
    work: Work,
    retrained: Callable[[], ChipTrial] | None = None,
) -> ChipVerdict:
    """Switch off each non-ideality, and try the changes that may reduce the causes, on two chips each.

    Args:
        trial: network and images; these must not be test images, since the result selects the change.
        model: parameters of the chip.
        split: name of the image split, for the document.
        retrain: command of a noise-aware training.
        work: progress; notified of each chip.
        retrained: function that runs this training and returns its network with the same images; None: the training is
            proposed but not run.
    """
    trial = replace(trial, n_chips=N_CHIPS)
    _expect(work, trial, [model])
    ideal = accuracy(trial.network, trial.images, trial.indices, trial.device).top1
    whole = simulate(trial, model, work, "diagnosis", layers=False).accuracies
    loss = ideal - whole.top1_mean
    causes, remedies = [], []
    kinds = {name: model.without([name]) for name in model.active} if loss >= NOTICED_LOSS else {}
    _expect(work, trial, kinds.values())
    for name, kind in kinds.items():
        found = simulate(trial, kind, work, f"without {name}", layers=False).accuracies
        row = ChipAblation(name=name, non_idealities=kind.active, loss=ideal - found.top1_mean, **dict(found))
        causes.append(row)
    blamed = _blamed(loss, causes)
    names = {one.name for one in blamed or causes}
    tried = [change for change in changes(model) if names & set(change.against)]
    _expect(work, trial, [change.model for change in tried])
    for change in tried:
        found = simulate(trial, change.model, work, change.name, layers=False).accuracies
        recovered = found.top1_mean - whole.top1_mean
        remedies.append(ChipRemedy(change=change.name, how=change.how, recovered=recovered, **dict(found)))
    if retrained is not None and loss >= NOTICED_LOSS:
        other = replace(retrained(), n_chips=N_CHIPS)
        _expect(work, other, [model])
        found = simulate(other, model, work, _RETRAINED, layers=False).accuracies
        recovered = found.top1_mean - whole.top1_mean
        remedies.append(ChipRemedy(change=_RETRAINED, how=retrain, recovered=recovered, **dict(found)))
    return ChipVerdict(
        text=_text(loss, blamed, remedies, "" if retrained else retrain),
        split=split,
        n_images=len(trial.indices),
        quantised_network_top1=ideal,
        top1_mean=whole.top1_mean,
        causes=tuple(causes),
        remedies=tuple(remedies),
        retrain=retrain,
    )


def _expect(work: Work, trial: ChipTrial, models: Iterable[ChipModel]) -> None:
    """Add the chips to be simulated to the expected work."""
    if work.total is not None:
        work.total += sum(map(trial.n_of, models))


def _blamed(loss: float, causes: list[ChipAblation]) -> list[ChipAblation]:
    """The non-idealities that explain a large part of the loss, largest first."""
    return sorted((one for one in causes if loss - one.loss >= _HELPS * loss), key=lambda one: one.loss)


def _text(loss: float, blamed: list[ChipAblation], remedies: list[ChipRemedy], retrain: str) -> str:
    if loss < NOTICED_LOSS:
        return f"these chips cost {100 * loss:z.1f} points of accuracy; nothing to change"
    why = ", ".join(f"{one.name} (without it {_points(loss - one.loss)})" for one in blamed)
    enough = [one for one in remedies if one.recovered >= (1 - _HELPS) * loss]
    best = enough[0] if enough else max(remedies, key=lambda one: one.recovered, default=None)
    text = f"these chips cost {100 * loss:.1f} points of accuracy; cause: {why or 'several non-idealities together'}"
    if best is not None and best.recovered >= _HELPS * loss:
        text += f"; {best.change} recovers {100 * best.recovered:.1f} points ({best.how})"
    else:
        text += "; no change of the chip that was tried recovers much of it"
    return f"{text}; to try noise-aware training: {retrain}" if retrain else text


def _points(gain: float) -> str:
    return f"{100 * gain:+z.1f} points"

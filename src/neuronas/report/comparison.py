"""Several runs beside each other."""

from collections.abc import Callable, Sequence
from math import inf

from neuronas.hardware.cost import BUDGETED
from neuronas.hardware.units import quantity, word
from neuronas.report.answer import cells
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, element, missing, section, table, warning
from neuronas.report.tables import Table, number, share

_Row = tuple[str, Callable[[RunFacts], str]]


def comparison_section(runs: Sequence[RunFacts]) -> Html:
    """One table with a column for each run, then each run's cells."""
    rows = tuple((title, *(text(run) for run in runs)) for title, text in _rows())
    return section(
        "runs",
        "Runs",
        _warning(runs),
        table(Table("Runs compared", ("", *(run.name for run in runs)), rows)),
        *(element("article", {}, element("h3", {}, run.name), _cells(run)) for run in runs),
    )


def _rows() -> list[_Row]:
    costs = [(word(name), _cost_of(name)) for name in BUDGETED]
    return [
        ("directory", lambda run: run.directory),
        ("data set", lambda run: run.config.data.name),
        ("space", lambda run: run.config.space),
        ("algorithm", lambda run: run.config.search.algorithm),
        ("chip", lambda run: run.config.hardware.accelerator),
        ("cost model", lambda run: run.config.hardware.cost_model),
        ("weight bits", lambda run: str(run.config.network.weight_bits)),
        ("time steps", lambda run: str(run.config.network.timesteps)),
        ("channels", lambda run: str(run.config.network.channels)),
        ("seed", lambda run: str(run.config.seed)),
        ("fitness", lambda run: f"{number(run.fitness, 7)} ({run.config.fitness.name})"),
        *costs,
        ("candidates", lambda run: f"{len(run.candidates):,}" if run.candidates else "–"),
        ("exceeded a limit", lambda run: f"{run.candidates.n_rejected:,}" if run.candidates else "–"),
        ("search", lambda run: f"{run.result.seconds:,.1f} s" if run.result else "–"),
        ("epochs trained", lambda run: str(len(run.epochs)) if run.epochs else "not trained"),
        ("test accuracy", lambda run: share(run.evaluation.top1) if run.evaluation else "not evaluated"),
        ("accuracy on chips", lambda run: share(run.chip.top1_mean) if run.chip else "not simulated"),
    ]


def _cost_of(name: str) -> Callable[[RunFacts], str]:
    def text(run: RunFacts) -> str:
        if run.answer is None:
            return "–"
        cost, limit = float(getattr(run.answer.cost, name)), run.budget.limits[name]
        return f"{quantity(name, cost)}{',' if limit == inf else ' of'} {quantity(name, limit)}"

    return text


def _cells(run: RunFacts) -> Html:
    if run.answer is None:
        return missing("No architecture.")
    text = element("p", {}, element("code", {"class": "architecture"}, run.answer.text))
    return element("div", {}, text, cells(run))


def _warning(runs: Sequence[RunFacts]) -> Html:
    """Numbers that must not be compared, named."""
    kinds: dict[str, Callable[[RunFacts], object]] = {
        "fitness": lambda run: (_images(run), run.config.fitness, _network(run), run.config.seed),
        "cost": lambda run: (_images(run), run.config.hardware, run.config.network.weight_bits),
    }
    different = [what for what, key in kinds.items() if any(key(run) != key(runs[0]) for run in runs)]
    if not different:
        return element("p", {}, "Fitness and cost come from the same settings in all runs.")
    verb = "comes" if len(different) == 1 else "come"
    text = f"{' and '.join(different).capitalize()} {verb} from different settings in these runs: compare with care."
    return warning(text)


def _images(run: RunFacts) -> tuple[object, ...]:
    return run.config.data.name, run.config.data.image_side


def _network(run: RunFacts) -> tuple[object, ...]:
    return run.config.network.channels, run.config.network.timesteps

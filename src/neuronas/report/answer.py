"""What was asked, the answer, why candidates were rejected, and how the search went on."""

from neuronas.hardware.units import quantity, word
from neuronas.report.cell_drawing import cell_svg
from neuronas.report.cost_tables import budget_table, disagreements
from neuronas.report.facts import RunFacts
from neuronas.report.markup import Html, definitions, element, join, missing, section, table, warning
from neuronas.report.pictures import Charts, shown
from neuronas.report.tables import Table, number, share


def asked_section(run: RunFacts) -> Html:
    """Data set, network, chip, search and budgets."""
    config, data, network = run.config, run.config.data, run.config.network
    hardware, fitness = config.hardware, config.fitness
    is_screened = fitness.has_screen and not run.algorithm.surveys
    screen = f", screened on {fitness.screen_batch_size}" if is_screened else ""
    return section(
        "asked",
        "What was asked",
        definitions(
            [
                ("data set", f"{data.name}, {'×'.join(map(str, data.image_side))} pixels, {data.n_classes} classes"),
                (
                    "network",
                    f"{network.channels} channels before the reduction, T = {network.timesteps} time steps, "
                    f"{network.weight_bits}-bit weights, head {network.head}",
                ),
                ("chip", f"{hardware.accelerator}: {run.accelerator.description or 'no description'}"),
                ("cost model", hardware.cost_model),
                ("search", f"space {config.space}, algorithm {config.search.algorithm} ({run.algorithm.source})"),
                ("fitness", f"{fitness.name} on {fitness.batch_size} images{screen}"),
                ("budgets", "; ".join(f"{word(name)} {quantity(name, v)}" for name, v in run.budget.limits.items())),
                ("seed", str(config.seed)),
            ]
        ),
    )


def answer_section(run: RunFacts, drawn: Charts) -> Html:
    """The cells and the cost against each budget."""
    answer = run.answer
    if answer is None:
        why = (
            "No architecture yet: the search was stopped, or nothing that it proposed fits the budgets. "
            f"To resume, or to see which limit is closest: neuronas search --resume --out {run.directory}"
        )
        return section("answer", "The answer", missing(why))
    facts = [] if run.fitness is None else [("fitness", f"{number(run.fitness, 7)} ({run.config.fitness.name})")]
    if run.evaluation:
        tested = f"{share(run.evaluation.top1)} of {run.evaluation.n_images:,} {run.evaluation.split} images"
        facts.append(("accuracy", f"{tested}, at {run.evaluation.weight_bits} bits"))
    unfinished = "The search has not ended. Of what it has evaluated, this is the fittest that fits the budgets."
    return section(
        "answer",
        "The answer" if answer.is_final else "Best so far",
        join() if answer.is_final else warning(unfinished),
        element("p", {}, element("code", {"class": "architecture"}, answer.text)),
        cells(run),
        definitions(facts),
        shown(drawn, "budget"),
        table(budget_table(answer.summary, run.budget)),
        *map(warning, disagreements(answer.summary, run.budget)),
        _changed_since(run),
    )


def cells(run: RunFacts) -> Html:
    """Each different cell of the answer, drawn."""
    if run.answer is None:
        return join()
    figures = (
        element("figure", {}, element("figcaption", {}, title), cell_svg(cell, title))
        for title, cell in zip(run.answer.cell_titles, run.answer.architecture.cells, strict=True)
    )
    return element("div", {"class": "cells"}, *figures)


def rejected_section(run: RunFacts) -> Html:
    """How many candidates broke which limit, and the cheapest of all for comparison."""
    candidates, title = run.candidates, "Why candidates were rejected"
    if candidates is None:
        return section("rejected", title, missing("No history of a search (history.sqlite) is in the run."))
    rows = []
    for name, limit in run.budget.limits.items():
        n_broken, n_only = candidates.breaks(name)
        part = n_broken / len(candidates)
        costs = candidates.costs[name]
        span = f"{quantity(name, float(costs.min()))} to {quantity(name, float(costs.max()))}"
        rows.append((word(name), quantity(name, limit), f"{n_broken:,}", f"{n_only:,}", share(part), span))
    summary = f"{candidates.n_rejected:,} of {len(candidates):,} candidates exceeded a limit; one may exceed several."
    titles = ("limit on", "budget", "exceeded it", "exceeded only it", "share that exceeded it", "candidates cost")
    limits = Table("Candidates by limit", titles, tuple(rows))
    return section("rejected", title, element("p", {}, summary), table(limits))


def progress_section(run: RunFacts, drawn: Charts) -> Html:
    """The best fitness over the candidates."""
    title = "Search progress"
    if "progress" not in drawn:
        return section("progress", title, missing("No fitness is in the run's history."))
    facts = []
    if result := run.result:
        facts = [
            ("candidates", f"{result.n_candidates:,}"),
            ("functions evaluated", f"{result.n_evaluated:,} different ones"),
            ("time", f"{result.seconds:,.1f} s"),
            ("memory", f"{result.peak_memory_mb:,.0f} MB at most"),
        ]
    return section("progress", title, definitions(facts), shown(drawn, "progress"))


def _changed_since(run: RunFacts) -> Html:
    """A word where the run's own figures are not what this version computes."""
    if run.result is None or run.answer is None:
        return join()
    cost, stored = run.answer.cost, run.result.cost
    for name in run.budget.limits:
        now, then = float(getattr(cost, name)), float(getattr(stored, name))
        if abs(now - then) > 1e-6 * max(abs(now), abs(then)):
            text = f"result.json says {quantity(name, then)}; this version and these hardware files give the above."
            return warning(f"The run's own {word(name)} differs: {text}")
    return join()

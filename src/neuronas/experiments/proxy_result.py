"""The document of ``neuronas reproduce proxy-benchmark``."""

from neuronas.report.tables import Table
from neuronas.runs.document import Document, Finite


class Predictor(Document):
    """How well one predictor ranks the networks of a table. An undefined correlation is null.

    Attributes:
        name: name of a fitness, or of a property of the network's structure.
        rho: Spearman's rank correlation with accuracy.
        tau: Kendall's tau-b.
        rho_within_depth: see ``ranking.within_groups``; depth is the longest path.
        regret: see ``ranking.agreement``, in percentage points.
        sampled_regret: mean regret over samples, see ``ranking.sampled_regret``.
        sampled_regret_sd: standard deviation over the samples.
    """

    name: str
    rho: Finite
    tau: Finite
    rho_within_depth: Finite
    regret: float
    sampled_regret: float
    sampled_regret_sd: float


class NoiseCeiling(Document):
    """Rank agreement of two trainings of the same function, over the functions that a table lists more than once."""

    n: int
    rho: Finite
    tau: Finite


class Precision(Document):
    """Number of networks evaluated at a precision and number of time steps T."""

    weight_bits: int
    timesteps: int
    n: int


class TableResult(Document):
    """The networks of one task in one table.

    Attributes:
        labels: name of the file.
        task: data set of the training, if the table states it.
        images: data set whose images the fitness is evaluated on.
        channels: channels at which it is evaluated.
        image_side: side of these images in pixels, or HEIGHTxWIDTH.
        n: number of networks.
        n_functions: number of distinct functions among them.
        precisions: number of networks by precision and time steps.
        seconds_per_candidate: time per evaluation of the fitness.
        predictors: results of all predictors; the fitness is first.
        noise_ceiling: agreement of repeated trainings; null if no function was trained twice.
    """

    labels: str
    task: str | None
    images: str
    channels: int
    image_side: str
    n: int
    n_functions: int
    precisions: tuple[Precision, ...]
    seconds_per_candidate: float
    predictors: tuple[Predictor, ...]
    noise_ceiling: NoiseCeiling | None


class ProxyResult(Document):
    """``proxy-benchmark.json``. An undefined correlation is null.

    Attributes:
        fitness: name of the fitness.
        n: number of networks; like the following, that of the first table.
        tables: results of all tables.
    """

    fitness: str
    n: int
    rho: Finite
    tau: Finite
    regret: float
    seconds_per_candidate: float
    tables: tuple[TableResult, ...]


def printed(table: TableResult) -> Table:
    """The predictors of a table, side by side."""

    def correlation(value: float | None) -> str:
        return "–" if value is None else f"{value:.3f}"

    at = ", ".join(f"{one.weight_bits} bits and T = {one.timesteps}: {one.n:,}" for one in table.precisions)
    ceiling = ""
    if table.noise_ceiling is not None:
        one = table.noise_ceiling
        pair = f"rho {correlation(one.rho)}, tau {correlation(one.tau)}, n {one.n:,}"
        ceiling = f"; one training of a function against another: {pair}"
    name = table.labels + (f" ({table.task})" if table.task else "")
    caption = (
        f"{name}: networks: {table.n:,}, functions: {table.n_functions:,} ({at}); images {table.images}, side "
        f"{table.image_side}, {table.channels} channels; {table.seconds_per_candidate:.3f} s per candidate{ceiling}"
    )
    titles = ("predictor", "rho", "tau", "rho within depth", "regret", "regret in samples")
    rows = tuple(
        (
            one.name,
            *map(correlation, (one.rho, one.tau, one.rho_within_depth)),
            f"{one.regret:.2f}",
            f"{one.sampled_regret:.2f} ± {one.sampled_regret_sd:.2f}",
        )
        for one in table.predictors
    )
    return Table(caption, titles, rows)

"""Evaluates a table's networks with a fitness: each distinct function once, in ordinary runs, one per precision."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

from neuronas.api.searching.search import Search, plan_search
from neuronas.config import RunConfig, SearchConfig, given, settings_for, value_at, with_options, written
from neuronas.data.dataset import DataSet
from neuronas.data.datasets import open_dataset
from neuronas.errors import WorkerError
from neuronas.experiments.labels import LabelledNetwork
from neuronas.runs.directory import CONFIG, HISTORY
from neuronas.runs.history_file import HistorySnapshot
from neuronas.runs.work import Work
from neuronas.search.algorithms.base import Proposals
from neuronas.space.canonical import architecture_key
from neuronas.space.genotype import Architecture
from neuronas.space.notation import format_architecture, parse_architecture
from neuronas.space.spaces import Space

_LONGEST_STEM = 60


@dataclass(frozen=True)
class TableProposals:
    """An algorithm that proposes the networks of a table, all at once."""

    name: ClassVar[str] = "table"
    architectures: tuple[str, ...]

    def __call__(self, space: Space, random: Any, settings: SearchConfig) -> Proposals:
        """See ``Propose``."""
        yield list(map(parse_architecture, self.architectures))


@dataclass(frozen=True)
class Part:
    """Rows of a table that one run evaluates.

    Attributes:
        rows: indices among the given rows.
        search: the planned run.
    """

    rows: tuple[int, ...]
    search: Search


@dataclass
class RowValues:
    """Values of the rows of a table, in their order.

    Attributes:
        fitness: fitness of each row.
        parameters: number of weights of each row.
        n_evaluated: number of distinct functions evaluated, counted per precision.
        seconds: total time of these evaluations.
    """

    fitness: list[float]
    parameters: list[float]
    n_evaluated: int = 0
    seconds: float = 0.0


@dataclass
class TableRuns:
    """Plans and executes the runs of tables in one folder. Incomplete runs are resumed.

    Args:
        config: settings given by the user; they override what a table states about a row.
        folder: folder of the run directories.
        download: whether to download missing data sets.
    """

    config: RunConfig
    folder: Path
    download: bool = False
    _datasets: dict[str, DataSet] = field(default_factory=dict)
    _n_parts: int = 0

    def plan(self, stem: str, rows: Sequence[LabelledNetwork], dataset: str, fitness: str | None) -> list[Part]:
        """Group the rows of one task by their settings, and plan a run for each group.

        Args:
            stem: beginning of the names of the runs.
            rows: rows of one task.
            dataset: data set whose images are used.
            fitness: name of the fitness; None: that of the settings.

        Raises:
            ConfigurationError, DataError: see ``neuronas.search``.
        """
        opened = self._datasets.get(dataset)
        if opened is None:
            opened = self._datasets[dataset] = open_dataset(dataset, value_at(written(self.config), "data.data_dir"))
            if self.download:
                opened.fetch()
            opened.load("train", opened.image_size)  # missing images are reported before the first run, not after it
        groups: defaultdict[tuple[tuple[str, Any], ...], list[int]] = defaultdict(list)
        for index, row in enumerate(rows):
            at = {"nodes": row.architecture.n_nodes, "cells": row.n_cells, **self._options(row)}
            groups[tuple(at.items())].append(index)
        parts = []
        for key, members in groups.items():
            options: dict[str, Any] = dict(key)
            architectures = [rows[index].architecture for index in members]
            options["space"] = _space(architectures, options.pop("nodes"), options.pop("cells"))
            if fitness is not None:
                options["fitness"] = fitness
            parts.append(Part(tuple(members), self._planned(stem, architectures, options, opened)))
        return parts

    def evaluate(self, parts: Sequence[Part], work: Work) -> RowValues:
        """Execute the runs of a table.

        Args:
            parts: result of ``plan``; together they contain all rows.
            work: reports the progress of each run.

        Raises:
            NeuronasError: see ``neuronas.search``; a row has no fitness.
        """
        n_rows = sum(len(part.rows) for part in parts)
        found = RowValues([0.0] * n_rows, [0.0] * n_rows)
        for part in parts:
            directory = part.search.directory
            begun = replace(part.search, resume=(directory / CONFIG).is_file())
            begun.run(work.within(directory.name), scan_images=False)  # it reads one batch of maybe a million
            work.advance(1, directory.name)
            with closing(HistorySnapshot(directory / HISTORY)) as history:
                by_key, failures = history.fitness(screened=False), history.failures(screened=False)
                keys, parameters = history.columns("key", "parameters")
                n_evaluated, seconds = history.evaluation_seconds()
            found.n_evaluated += n_evaluated
            found.seconds += seconds
            for index, key, own in zip(part.rows, keys, parameters, strict=True):
                if key not in by_key:
                    reason = failures.get(key, "it breaks a budget")
                    raise WorkerError(f"{directory.name}, network {index + 1} of {n_rows}: no fitness: {reason}")
                found.fitness[index], found.parameters[index] = by_key[key], own
        return found

    def _options(self, row: LabelledNetwork) -> dict[str, Any]:
        """Settings that the table states for a row and the user did not give.

        Raises:
            ConfigurationError: a value is invalid; names the line of the table.
        """
        settings, said = settings_for("search"), written(self.config)
        columns = {
            "weight_bits": row.weight_bits,
            "timesteps": row.timesteps,
            "channels": row.task.channels,
            "image_side": row.task.image_side,
        }
        used = {
            name: value
            for name, value in columns.items()
            if value is not None and value_at(said, settings[name].path) is None
        }
        given(with_options({}, "search", used), row.where)
        return used

    def _planned(
        self, stem: str, architectures: Sequence[Architecture], options: Mapping[str, Any], dataset: DataSet
    ) -> Search:
        table = TableProposals(tuple(map(format_architecture, architectures)))
        fixed = {"algorithm": table, "finalists": 0, "exact": True, "cost_model": "paper", "dataset": dataset}
        search = plan_search({**fixed, **options}, config=self.config, out=self.folder)
        self._n_parts += 1
        network, fitness = search.plan.config.network, search.plan.config.fitness.name
        short = re.sub(r"[^\w.-]+", "-", stem, flags=re.ASCII)[:_LONGEST_STEM]  # a table may name a data set by a path
        name = f"{self._n_parts:02}-{short}-{network.weight_bits}bits-T{network.timesteps}-{fitness}"
        return replace(search, directory=self.folder / name)


def n_functions(rows: Sequence[LabelledNetwork]) -> int:
    """Number of distinct functions of some rows."""
    return len({architecture_key(row.architecture) for row in rows})


def _space(architectures: Sequence[Architecture], n_nodes: int, n_cells: int) -> Space:
    """The smallest space that contains some architectures."""
    edges = {edge for one in architectures for cell in one.cells for edge in cell.edges}
    return Space(
        source="a table of trained networks",
        nodes=n_nodes,
        operations=tuple(sorted({edge.operation for edge in edges})),
        thresholds=tuple(sorted({edge.threshold for edge in edges if edge.threshold is not None})),
        cells=n_cells,
        shared_cell=all(len(one.cells) == 1 for one in architectures),
        backward=any(edge.backward for edge in edges),
    )

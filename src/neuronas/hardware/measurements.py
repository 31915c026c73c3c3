"""A device model from measured conductances: a CSV file of targets, conductances and times after programming."""

import csv
from collections.abc import Iterator
from io import StringIO
from math import isfinite
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neuronas.config import duration, read_text
from neuronas.errors import ConfigurationError
from neuronas.hardware.device_model import ConductanceDeviation, DeviceModel
from neuronas.hardware.quantity import Quantity

COLUMNS = ("target_us", "measured_us", "time_s")
"""Columns of the file: conductances in µS, time since programming in s."""
_MAX_BYTES = 200_000_000
_MOST_TIMES, _MOST_TARGETS = 50, 16
_DEGREE = 4
"""Highest degree of a polynomial, as in the published fits."""
_LEAST = 5
"""Minimum number of cells of a group for its standard deviation to be used."""
_CHECKED = 200
Array = NDArray[np.float64]


def fitted_device_model(path: Path) -> DeviceModel:
    """Fit mean and standard deviation of the difference from the target at each time, as polynomials in the target.

    Cells of the same time are grouped by target, or into 16 groups of equal size if there are many targets. Polynomials
    of at most the fourth degree are fitted to the groups' means and standard deviations by least squares, weighted by
    the inverse of their sampling variances, s^2 / n and s^2 / (2 (n - 1)). The degree is chosen by Akaike's criterion;
    a standard deviation must be positive on the measured range.

    Args:
        path: CSV file with the columns ``COLUMNS``.

    Raises:
        ConfigurationError: a value is invalid (names row and column), or there are too few data for a fit.
    """
    rows = np.array(list(_rows(path)), dtype=np.float64).reshape(-1, len(COLUMNS))
    if not len(rows):
        raise ConfigurationError(f"{path}: holds no measurement; expected rows below the line {','.join(COLUMNS)}")
    target, measured, time = rows.T
    times = np.unique(time)
    if len(times) > _MOST_TIMES:
        raise ConfigurationError(
            f"{path}: column time_s has {len(times):,} different times; expected at most {_MOST_TIMES} at which all "
            "cells were read"
        )
    reference, lowest = float(target.max()), float(target.min())
    if not lowest < reference:
        raise ConfigurationError(f"{path}: column target_us has only {reference:g}; expected at least two targets")
    found = []
    for one in times:
        chosen = time == one
        x, error = target[chosen] / reference, (measured - target)[chosen]
        mean, std = _fitted(x, error, lowest / reference, f"{path}: time_s {one:g}")
        text = f"{path.name}: {len(x):,} cells after {duration(float(one))}"
        found.append(ConductanceDeviation(after_s=float(one), mean_us=mean, std_us=std, source=text))
    text = f"highest target of {path.name}"
    return DeviceModel(
        name=path.name,
        description=f"{len(rows):,} measurements at {len(times)} times",
        reference_us=Quantity(reference, text),
        lowest_us=Quantity(lowest, f"lowest target of {path.name}"),
        deviations=tuple(found),
    )


def _rows(path: Path) -> Iterator[tuple[float, ...]]:
    try:
        text = read_text(path, _MAX_BYTES)
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); expected a CSV file") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: is not text in UTF-8; expected a CSV file") from error
    reader = csv.reader(StringIO(text.removeprefix("\ufeff")))
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        places = [_place(path, names, name) for name in COLUMNS]
        for cells in reader:
            if any(map(str.strip, cells)):
                yield _numbers(path, reader.line_num, cells, places)
    except csv.Error as error:
        raise ConfigurationError(f"{path}: row {reader.line_num}: not valid CSV ({error})") from error


def _place(path: Path, names: list[str], name: str) -> int:
    if names.count(name) == 1:
        return names.index(name)
    if name in names:
        raise ConfigurationError(f"{path}: row 1: column {name} given twice; expected it once")
    stem = name.rpartition("_")[0]
    other = next((one for one in names if one.startswith(stem)), None)
    near = f"; column {other} found, which has another unit" if other else ""
    raise ConfigurationError(f"{path}: row 1: column {name} not found{near}; expected columns {', '.join(COLUMNS)}")


def _numbers(path: Path, row: int, cells: list[str], places: list[int]) -> tuple[float, ...]:
    found = []
    for name, place in zip(COLUMNS, places, strict=True):
        given = cells[place].strip() if place < len(cells) else ""
        where = f"{path}: row {row}, column {name}: given '{given:.40}'"
        try:
            value = float(given)
        except ValueError:
            raise ConfigurationError(f"{where}; expected a number without its unit") from None
        low = name == "measured_us"  # a cell that is off may have a negative reading
        if not isfinite(value) or abs(value) > 1e9 or (value <= 0 and name == "time_s") or (value < 0 and not low):
            kind = "a number above 0" if name == "time_s" else "a number" if low else "a number of at least 0"
            raise ConfigurationError(f"{where}; expected {kind}, up to 1e9")
        found.append(value)
    return tuple(found)


def _fitted(x: Array, error: Array, lowest: float, where: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Coefficients of mean and standard deviation of ``error`` at the targets ``x``."""
    groups = _groups(x)
    enough = [group for group in groups if len(group) >= _LEAST]
    if len(enough) < 2:
        raise ConfigurationError(
            f"{where} has fewer than two targets with {_LEAST} cells each; expected more cells of the same target"
        )
    places = np.array([x[group].mean() for group in enough])
    means = np.array([error[group].mean() for group in enough])
    stds = np.array([error[group].std(ddof=1) for group in enough])
    n = np.array([len(group) for group in enough], dtype=np.float64)
    known = np.maximum(stds, max(float(stds.max()) * 1e-3, 1e-9))
    grid = np.linspace(lowest, 1, _CHECKED + 1)
    mean = _polynomial(places, means, np.sqrt(n) / known)
    std = _polynomial(places, stds, np.sqrt(2 * (n - 1)) / known, positive_on=grid)
    return tuple(map(float, mean)), tuple(map(float, std))


def _groups(x: Array) -> list[NDArray[np.intp]]:
    """Indices of the cells of each target; for many targets, of 16 groups of neighbouring targets."""
    values, inverse = np.unique(x, return_inverse=True)
    if len(values) <= _MOST_TARGETS:
        return [np.flatnonzero(inverse == number) for number in range(len(values))]
    return [group for group in np.array_split(np.argsort(x, kind="stable"), _MOST_TARGETS) if len(group)]


def _polynomial(x: Array, y: Array, weight: Array, positive_on: Array | None = None) -> Array:
    """Coefficients of the polynomial with the lowest sum of squared weighted residuals and 2 for each coefficient."""
    best: Array = np.zeros(1)
    lowest = np.inf
    for n in range(1, min(_DEGREE + 1, len(x)) + 1):
        powers = np.vander(x, n, increasing=True)
        found = np.linalg.lstsq(powers * weight[:, None], y * weight, rcond=None)[0]
        criterion = float((((powers @ found - y) * weight) ** 2).sum()) + 2 * n
        possible = positive_on is None or bool((np.polynomial.polynomial.polyval(positive_on, found) > 0).all())
        if criterion < lowest and possible:
            best, lowest = np.asarray(found), criterion
    return best

"""The experiment ``hardware``: every printed figure, from the command line."""

import json
from pathlib import Path

import pytest

from conftest import Neuronas
from neuronas.experiments import hardware
from neuronas.experiments.published import published
from neuronas.hardware.units import UNITS


def test_every_figure_agrees_to_the_printed_digits() -> None:
    rows = [*hardware.figures(), *hardware.savings()]
    assert [row for row in rows if not row.agrees] == []
    assert len(rows) == 23


def test_no_figure_is_in_the_file_twice() -> None:
    keys = [(one.paper, one.network, one.dataset, one.weight_bits, one.quantity) for one in published().figures]
    assert len(set(keys)) == len(keys)
    assert {one.name for one in published().networks} <= {one.network for one in published().figures}
    assert all(one.unit == UNITS[one.quantity] for one in published().figures if one.quantity in UNITS)


def test_parameters_by_hand() -> None:
    # stem 3*128*9, four convolutions 128*128*9, reduction 128*256*9
    headline = next(row for row in hardware.figures() if row.network == "NeuroNAS, FxP8, headline")
    assert headline.ours == 3 * 128 * 9 + 4 * 128 * 128 * 9 + 128 * 256 * 9 == 888_192


def test_the_command_keeps_its_result(neuronas: Neuronas, tmp_path: Path) -> None:
    code, out, err = neuronas("reproduce", "hardware", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["n_agree"] == document["n_figures"]
    assert json.loads((tmp_path / "results" / "hardware.json").read_text()) == document
    code, out, _ = neuronas("reproduce", "hardware")
    assert code == 0
    assert "634.63" in out
    assert "1,280,000  1,281,408  yes" in out  # a count has no decimals
    assert "hardware" in neuronas("reproduce", "--list")[1]


def test_a_figure_that_no_longer_agrees_is_a_failed_verification(
    neuronas: Neuronas, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, *rest = published().figures
    changed = published().model_copy(update={"figures": (first.model_copy(update={"value": 1.0}), *rest)})
    monkeypatch.setattr(hardware, "published", lambda: changed)
    code, _, err = neuronas("reproduce", "hardware")
    assert code == 4
    assert "no longer gives the published figures" in err

"""Display of results in an interpreter and in a notebook."""

import re
from pathlib import Path
from typing import Any

import pytest

import neuronas
from neuronas.errors import RunDirectoryError

ARCH = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
SMALL: dict[str, Any] = {"channels": 4, "timesteps": 2, "algorithm": "snasnet", "n_draws": 5, "batch_size": 16}


def test_an_estimate_is_drawn_with_its_cost_against_the_budget() -> None:
    found = neuronas.estimate(ARCH, dataset="digits", max_energy_uj=0.5)
    text, html = repr(found), found._repr_html_()
    assert text.startswith("<estimate: parameters ") and "breaks energy_uj" in text and "\n" not in text
    assert "<svg" in html and "Cost against budget" in html and "over by" in html
    assert 'class="bar"' not in html  # its size would need a style sheet
    assert "var(--" not in re.sub(r"color-scheme", "", html)  # no colours that need a style sheet


def test_every_result_says_what_comes_next(tmp_path: Path) -> None:
    run = tmp_path / "run"
    found = neuronas.search(**SMALL, out=run)
    trained = neuronas.train(run, epochs=2, batch_size=256)
    measured = neuronas.evaluate(run)
    chips = neuronas.evaluate_on_chips(run, chips=1, limit=20, diagnosis=False)
    page = neuronas.report(run)
    for result, verb in ((found, "train"), (trained, "evaluate"), (measured, "evaluate_on_chips"), (chips, "export")):
        assert f"next: neuronas.{verb}({str(run)!r}" in repr(result)
        assert "next: <code>neuronas." in result._repr_html_()
        assert len(repr(result)) < 600
    assert "<svg" in found._repr_html_()
    assert f"file {run / 'report.html'}" in repr(page) and "href" in page._repr_html_()


def test_a_cell_that_is_run_again_goes_on_or_says_how(tmp_path: Path) -> None:
    first = neuronas.search(**SMALL, out=tmp_path / "run", resume="auto")
    again = neuronas.search(**SMALL, out=tmp_path / "run", resume="auto")
    assert again.was_finished and again.text == first.text
    with pytest.raises(RunDirectoryError, match="resume=True"):
        neuronas.search(**SMALL, out=tmp_path / "run")
    trained = neuronas.train(tmp_path / "run", epochs=1, resume="auto")
    assert neuronas.train(tmp_path / "run", epochs=1, resume="auto") == trained
    with pytest.raises(RunDirectoryError, match="resume=True"):
        neuronas.train(tmp_path / "run", epochs=1)


def test_a_path_is_text_on_a_card(tmp_path: Path) -> None:
    from neuronas.runs.card import Card

    html = Card("x", {"run": "<script>"}, "f('<b>')").html()
    assert "<script>" not in html and "<b>'" not in html

"""The harness that judges a fitness by networks of known accuracy."""

import json
from math import inf, isnan
from pathlib import Path

import pytest

from neuronas.errors import ConfigurationError
from neuronas.experiments.labels import draw, read_labels
from neuronas.experiments.proxy_benchmark import agreement
from neuronas.space.notation import format_architecture

HEADER = "id,op_01,op_02,op_03,op_12,op_13,op_23,test_accuracy\n"
ROWS = "0,0,0,0,0,0,0,10.0\n1,2,0,0,0,1,0,86.0\n2,0,0,1,0,0,0,81.0\n3,3,0,1,4,0,2,88.0\n4,2,2,2,2,2,2,87.0\n"


def table(folder: Path, rows: str = ROWS, header: str = HEADER) -> Path:
    path = folder / "labels.csv"
    path.write_text(header + rows)
    return path


def test_columns_name_edges_and_unconnected_rows_are_left_out(tmp_path: Path) -> None:
    rows = read_labels(table(tmp_path))
    assert [row.row_id for row in rows] == ["1", "2", "3", "4"]
    assert (
        format_architecture(rows[2].architecture)
        == "|conv_3x3@1.0~0|+|none~0|conv_3x3@1.5~1|+|skip~0|none~1|conv_3x3@0.5~2|"
    )


@pytest.mark.parametrize(
    ("rows", "header", "names"),
    [
        ("", HEADER, "no connected network"),
        ("0,0,0,0,0,0,0,10.0\n", HEADER, "no connected network"),
        ("1,7,0,0,0,1,0,86.0\n", HEADER, "line 2: op_01 '7'"),
        ("1,x,0,0,0,1,0,86.0\n", HEADER, "op_01 'x'"),
        ("1,2,0,0\n", HEADER, "op_12 'None'"),
        ("1,2,0,0,0,1,0,good\n", HEADER, "test_accuracy 'good'"),
        ("1,2,0,0,0,1,0,nan\n", HEADER, "test_accuracy 'nan'"),
        ("1,2,0,0,0,1,0,101\n", HEADER, "expected percent"),
        (ROWS, "id,op_01\n", "no column 'op_02'"),
    ],
)
def test_a_bad_table_gives_one_line_that_names_the_place(tmp_path: Path, rows: str, header: str, names: str) -> None:
    with pytest.raises(ConfigurationError, match=names):
        read_labels(table(tmp_path, rows, header))


def test_files_that_are_no_table_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for path in (tmp_path / "missing.csv", tmp_path, tmp_path / "binary.csv"):
        with pytest.raises(ConfigurationError, match="labels"):
            read_labels(path)


def test_agreement_by_hand() -> None:
    # Ranks 1 2 3 4 against 2 1 3 4: d^2 sums to 2, rho = 1 - 6 * 2 / 60; one of six pairs is discordant.
    found = agreement([-inf, 2.0, 3.0, 9.0], [20.0, 10.0, 30.0, 40.0])
    assert found.rho == pytest.approx(0.8)
    assert found.tau == pytest.approx(4 / 6)
    assert found.regret == 0
    assert agreement([1.0, 5.0, 5.0], [90.0, 80.0, 85.0]).regret == 10.0


def test_constant_fitness_has_no_correlation() -> None:
    found = agreement([1.0, 1.0], [1.0, 2.0])
    assert isnan(found.rho)
    assert isnan(found.tau)


def test_a_draw_is_seeded_and_within_the_table(tmp_path: Path) -> None:
    rows = read_labels(table(tmp_path))
    assert draw(rows, 2, 1) == draw(rows, 2, 1)
    assert draw(rows, None, 1) == rows
    for n in (0, 5):
        with pytest.raises(ConfigurationError, match="--sample"):
            draw(rows, n, 0)


def test_command_gives_the_contract_and_resumes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from neuronas.cli.main import run

    options = [
        "reproduce", "proxy-benchmark", "--labels", str(table(tmp_path)), "--dataset", "digits", "--channels", "4",
        "--batch-size", "8", "--fitness", "hamming", "--out", str(tmp_path / "run"), "--json", "--quiet",
    ]  # fmt: skip
    assert run(options) == 0
    first = json.loads(capsys.readouterr().out)
    assert list(first) == ["fitness", "n", "rho", "tau", "regret", "seconds_per_candidate"]
    assert first["n"] == 4
    assert run([*options, "--resume"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert run(options) == 2  # it holds a run, and --resume is not given
    assert "--resume" in capsys.readouterr().err
    table(tmp_path, ROWS.replace("2,0,0,1,0,0,0,81.0\n", ""))
    assert run([*options, "--resume"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run(["reproduce", "--list"]) == 0
    assert "proxy-benchmark" in capsys.readouterr().out

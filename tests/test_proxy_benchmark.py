"""The benchmark of fitness measures on networks of known accuracy."""

import json
from math import inf, isnan
from pathlib import Path

import pytest

from neuronas.errors import ConfigurationError
from neuronas.experiments.labels import TrainingTask, draw, read_labels
from neuronas.experiments.ranking import SAMPLE, agreement, sampled_regret, within_groups
from neuronas.experiments.structure import longest_path, n_convolutions
from neuronas.space.notation import format_architecture, parse_architecture

HEADER = "id,op_01,op_02,op_03,op_12,op_13,op_23,test_accuracy\n"
ROWS = "0,0,0,0,0,0,0,10.0\n1,2,0,0,0,1,0,86.0\n2,0,0,1,0,0,0,81.0\n3,3,0,1,4,0,2,88.0\n4,2,2,2,2,2,2,87.0\n"


MIXED = "architecture,test_accuracy,weight_bits,timesteps,dataset,channels,image_side,seed\n"
CHAIN = "|conv_3x3~0|+|none~0|conv_5x5~1|+|none~0|none~1|avg_pool_3x3~2|"
ONE = "|skip~0|+|none~0|skip~1|+|conv_1x1~0|none~1|skip~2|"
BACK = "|conv_3x3~0|+|skip^0|conv_3x3~1|+|skip~0|none~1|skip~2|"


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


def test_rows_say_what_they_were_trained_at(tmp_path: Path) -> None:
    unconnected = "|none~0|+|skip~0|skip~1|+|none~0|none~1|none~2|"
    rows = f"{CHAIN},70.5,4,2,digits,8,16,1\n{CHAIN} / {ONE},60,,,,,,\n{unconnected},9,,,,,,\n"
    first, second = read_labels(table(tmp_path, rows, MIXED))
    assert (first.row_id, first.accuracy, first.weight_bits, first.timesteps, first.seed) == ("2", 70.5, 4, 2, 1)
    assert (first.task, first.n_cells) == (TrainingTask("digits", 8, 16), 2)
    assert (second.task, second.weight_bits, second.seed, second.n_cells) == (TrainingTask(), None, None, 2)
    (three,) = read_labels(table(tmp_path, f"{ONE} / {ONE} / {ONE},60,,,,,,\n", MIXED))
    assert three.n_cells == 3  # equal cells are kept once


@pytest.mark.parametrize(
    ("row", "names"),
    [
        ("|conv_9x9~0|,70,8,5,,,,", "line 2: .*conv_9x9|line 2: cell 1"),
        (f"{ONE},70,eight,5,,,,", "line 2: weight_bits 'eight' given; expected a whole number"),
        (f"{ONE},,8,5,,,,", "line 2: test_accuracy '' given"),
    ],
)
def test_a_bad_row_of_any_space_is_named(tmp_path: Path, row: str, names: str) -> None:
    with pytest.raises(ConfigurationError, match=names):
        read_labels(table(tmp_path, row + "\n", MIXED))


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


def test_agreement_within_groups_by_hand() -> None:
    # Ten in the same order, twenty in the opposite order, a group of two (too few), ten with equal fitness.
    fitness = [*range(10), *range(20), 1, 2, *[5] * 10]
    accuracy = [*range(10), *range(20, 0, -1), 1, 2, *range(10)]
    groups = [1] * 10 + [2] * 20 + [3] * 2 + [4] * 10
    assert within_groups(fitness, accuracy, groups) == pytest.approx((10 - 20) / 30)
    assert isnan(within_groups([1, 2], [1, 2], [0, 0]))


def test_regret_in_samples() -> None:
    accuracy = [float(n) for n in range(SAMPLE)]
    assert sampled_regret([-x for x in accuracy], accuracy) == (SAMPLE - 1, 0.0)  # all of them
    more = [*accuracy, float(SAMPLE)]
    # The network ranked first is the second best; the best is in 200 of 201 samples, and so is the first.
    mean, deviation = sampled_regret([*range(SAMPLE), SAMPLE - 1.5], more)
    assert mean == pytest.approx(199 / 201, abs=0.02)
    assert 0 < deviation < 0.2


def test_structure_by_hand() -> None:
    both = parse_architecture(f"{CHAIN} / {ONE}")
    assert (longest_path(both, 2), n_convolutions(both, 2)) == (3, 3)
    chain = parse_architecture(CHAIN)
    assert (longest_path(chain, 2), n_convolutions(chain, 2)) == (4, 4)
    side = parse_architecture("|conv_3x3~0|+|conv_3x3~0|skip~1|+|skip~0|conv_3x3~1|skip~2|")
    assert (longest_path(side, 1), n_convolutions(side, 1)) == (2, 3)
    # 0 -> 1 -> 2 -> 3 has two; no path continues from 2 back to 0, since it has visited 0.
    assert longest_path(parse_architecture(BACK), 1) == 2


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
    assert list(first)[:6] == ["fitness", "n", "rho", "tau", "regret", "seconds_per_candidate"]
    assert first["n"] == 4
    assert run([*options, "--resume"]) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert run(options) == 2  # it contains a run, and --resume is missing
    assert "--resume" in capsys.readouterr().err
    table(tmp_path, ROWS.replace("2,0,0,1,0,0,0,81.0\n", ""))
    assert run([*options, "--resume"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert run(["reproduce", "--list"]) == 0
    assert "proxy-benchmark" in capsys.readouterr().out


def test_missing_images_of_a_later_table_are_found_before_the_first_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from neuronas.cli.main import run

    labels, out = table(tmp_path), tmp_path / "run"
    empty = tmp_path / "empty"
    (empty / "train").mkdir(parents=True)
    tables = ["--labels", str(labels), "--labels", f"{labels}=imagefolder:{empty}"]
    options = ["--dataset", "digits", "--channels", "2", "--batch-size", "8", "--out", str(out), "--quiet"]
    assert run(["reproduce", "proxy-benchmark", *tables, *options]) == 2
    assert str(empty) in capsys.readouterr().err
    assert not out.exists() or not [path for path in out.iterdir() if path.is_dir()]


def test_tables_of_any_space_precision_and_seed_are_reported_one_by_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from neuronas.cli.main import run

    chains = "".join(f"{CHAIN},{70 + seed + bits},{bits},{steps},,,,{seed}\n" for seed, bits, steps in
                     ((0, 4, 2), (1, 4, 2), (0, 8, 3), (1, 8, 3)))  # fmt: skip
    rows = f"{chains}{ONE},50,4,2,,,,0\n{ONE},51,4,2,,,,1\n{BACK},60,8,3,,,,0\n{CHAIN} / {ONE},66,8,2,digits,,,0\n"
    mixed, plain = tmp_path / "mixed.csv", table(tmp_path)
    mixed.write_text(MIXED + rows)
    out = tmp_path / "run"
    options = [
        "reproduce", "proxy-benchmark", "--labels", str(plain), "--labels", f"{mixed}=digits", "--dataset", "digits",
        "--channels", "4", "--batch-size", "8", "--sample", "100", "--out", str(out), "--json", "--quiet",
    ]  # fmt: skip
    assert run(options) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["fitness"] == "path-and-size"
    first, second, third = found["tables"]
    assert [one["n"] for one in found["tables"]] == [4, 7, 1]
    assert (first["labels"], second["labels"], second["task"], third["task"]) == (
        "labels.csv",
        "mixed.csv",
        None,
        "digits",
    )
    names = ["path-and-size", "sahd", "longest path", "convolutions", "parameters"]
    assert [one["name"] for one in first["predictors"]] == names
    assert (found["rho"], found["n"]) == (first["predictors"][0]["rho"], 4)
    assert first["noise_ceiling"] is None
    assert second["precisions"] == [
        {"weight_bits": 4, "timesteps": 2, "n": 4},
        {"weight_bits": 8, "timesteps": 3, "n": 3},
    ]
    assert (second["n_functions"], second["noise_ceiling"]) == (3, {"n": 3, "rho": 1.0, "tau": 1.0})
    runs = [path.name for path in sorted(out.iterdir()) if path.is_dir()]
    assert len(runs) == 2 + 4 + 2
    assert runs[2] == "03-mixed-4bits-T2-path-and-size"
    assert run([*options, "--timesteps", "4", "--out", str(tmp_path / "own")]) == 0  # given settings override columns
    again = json.loads(capsys.readouterr().out)["tables"][1]
    assert {one["timesteps"] for one in again["precisions"]} == {4}
    assert run([*options[:-2], "--resume"]) == 0
    assert "one training of a function against another: rho 1.000" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("1,,,", "network.weight_bits: given 1; expected 2 to 16 (fixed point) or 32 (no quantisation)"),
        (",0,,", "network.timesteps: given 0; expected at least 1"),
        (",,0,", "network.channels: given 0; expected at least 1"),
        (",,,-5", "data.image_side: given -5; expected 4 to 1024 pixels"),
    ],
)
def test_a_row_that_cannot_be_evaluated_is_named_by_its_line(
    values: str, expected: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from neuronas.cli.main import run

    header = "architecture,test_accuracy,weight_bits,timesteps,channels,image_side\n"
    path = table(tmp_path, f"{ONE},50,,,,\n{CHAIN},51,{values}\n", header)
    options = ["reproduce", "proxy-benchmark", "--labels", str(path), "--dataset", "digits"]
    assert run([*options, "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == f"neuronas: labels {path}, line 3: {expected}\n"
    assert not (tmp_path / "run").exists()


def test_runs_stay_in_the_folder_whatever_a_table_calls_its_data_set(tmp_path: Path) -> None:
    from neuronas.cli.main import run

    name = "x/../../../../outside/" + 300 * "x"
    path = table(tmp_path, f"{ONE},50,{name}\n", "architecture,test_accuracy,dataset\n")
    options = [
        "--labels",
        str(path),
        "--dataset",
        "digits",
        "--channels",
        "4",
        "--batch-size",
        "8",
        "--fitness",
        "sahd",
    ]
    assert run(["reproduce", "proxy-benchmark", *options, "--out", str(tmp_path / "a" / "run"), "--quiet"]) == 0
    assert {one.name for one in tmp_path.iterdir()} == {"labels.csv", "a"}
    assert [one.name for one in (tmp_path / "a").iterdir()] == ["run"]
    assert len(list((tmp_path / "a" / "run").iterdir())) == 2  # a run and the result

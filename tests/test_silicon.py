"""Measured chips: the table, the model of an array, its calibration, and ``reproduce silicon``."""

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from conftest import Neuronas
from neuronas.errors import ConfigurationError
from neuronas.experiments import silicon
from neuronas.experiments.silicon_result import ENERGY, TIME, SiliconResult
from neuronas.hardware.silicon.adc_survey import ENERGY_SPREAD, conversion_fj
from neuronas.hardware.silicon.calibration import silicon_calibration
from neuronas.hardware.silicon.chips import COLUMNS, as_macros, bundled_chips, read_chips
from neuronas.hardware.silicon.fit import MeasuredChips, calibrated, energy_of, without_each_paper
from neuronas.hardware.silicon.macro import Macros, invocation_ns, invocation_pj, operation_fj, operation_parts_fj
from neuronas.hardware.silicon.spread import Spread

ENERGY_LAW = {
    "node_exponent": 1.0, "supply_exponent": 2.0, "ln_operation_fj": 0.0, "ln_digital_array": np.log(2.0),
    "ln_processor": np.log(8.0), "ln_adc": np.log(0.1), "ln_row_current_ua": 0.0,
}  # fmt: skip
TIME_LAW = {
    "node_exponent": 1.0, "supply_exponent": 1.0, "ln_time_ns": 0.0, "ln_envm": np.log(3.0), "ln_digital": 0.0,
    "ln_rows": 0.0, "ln_input_bit": np.log(0.5), "ln_mram": np.log(10.0),
}  # fmt: skip
GOOD = {
    "Paper Title": "A chip", "Architecture": "SRAM", "Cell Type": "8T", "Compute Model": "QR", "Tech (nm)": "28",
    "Supply V(V)": "0.9", "B_x": "4", "B_w": "1", "B_ADC": "5", "N": "64", "N_ADC": "32", "N_1b": "", "T_core(ns)": "5",
    "TOPS/W": "500",
}  # fmt: skip


def array(kind: str = "SRAM", **columns: float | bool) -> Macros:
    """One array of 64 rows and 64 columns at 28 nm and 0.9 V."""
    values = {
        "node_nm": 28.0, "supply_v": 0.9, "rows": 64.0, "n_adcs": 64.0, "input_bits": 1.0, "weight_bits": 1.0,
        "adc_bits": 4.0, "sums_currents": kind == "eNVM", "is_mram": False, **columns,
    }  # fmt: skip
    return Macros(kind=np.array([kind]), **{name: np.array([value]) for name, value in values.items()})


def table(path: Path, *rows: dict[str, str], columns: Iterable[str] = COLUMNS) -> Path:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def result() -> SiliconResult:
    return silicon.run()


def test_the_energy_of_an_invocation_is_what_one_computes_by_hand() -> None:
    conversion = 93.5 * 2 ** (0.65 * 4)
    assert conversion_fj(np.array([4.0]), np.array([28.0])) == pytest.approx([conversion])
    pj = 64 * (64 * 1.0 + 0.1 * conversion) * 1e-3
    assert invocation_pj(array(), ENERGY_LAW, TIME_LAW) == pytest.approx([pj])
    shrunk = 64 * (64 * 1.0 * 0.5 + 0.1 * conversion * 0.5**1.77) * 1e-3 * (1 / 0.9) ** 2
    assert invocation_pj(array(node_nm=14.0, supply_v=1.0), ENERGY_LAW, TIME_LAW) == pytest.approx([shrunk])


def test_currents_flow_for_the_time_of_an_invocation() -> None:
    one = array("eNVM", input_bits=3.0)
    assert invocation_ns(one, TIME_LAW) == pytest.approx([3 * (1 + 1) * (1 + 0.5 * 2)])
    parts = operation_parts_fj(one, ENERGY_LAW, TIME_LAW)
    assert parts["currents"] == pytest.approx([0.9 * 12 / (3 * 2)])  # 1 uA, 0.9 V, 12 ns, 3 bits, 2 operations
    assert operation_fj(one, ENERGY_LAW, TIME_LAW) == pytest.approx(sum(parts.values()))
    assert invocation_ns(array("eNVM", is_mram=True), TIME_LAW) == pytest.approx(10 * 3 * 2)


def test_a_digital_array_converts_nothing_and_needs_no_geometry() -> None:
    one = array("digital array", rows=np.nan, n_adcs=np.nan, adc_bits=np.nan, weight_bits=np.nan)
    assert operation_fj(one, ENERGY_LAW, TIME_LAW) == pytest.approx([1.0])  # 2 fJ for a multiplication and an addition
    assert operation_fj(replace(one, kind=np.array(["processor"])), ENERGY_LAW, TIME_LAW) == pytest.approx([4.0])
    assert invocation_ns(one, TIME_LAW) == pytest.approx([1.0])


@given(st.floats(5, 180), st.floats(0.4, 1.8), st.integers(1, 1024), st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_energy_and_time_grow_with_everything_that_is_read(node: float, supply: float, rows: int, bits: int) -> None:
    constants = silicon_calibration()
    for kind in ("SRAM", "eNVM"):
        one = array(kind, node_nm=node, supply_v=supply, rows=rows, adc_bits=bits)
        for more in (replace(one, rows=one.rows + 1), replace(one, adc_bits=one.adc_bits + 1)):
            assert invocation_pj(more, constants.energy, constants.time) > invocation_pj(
                one, constants.energy, constants.time
            )
        longer = replace(one, input_bits=one.input_bits + 1)
        assert invocation_ns(longer, constants.time) > invocation_ns(one, constants.time)


def test_constants_that_chips_were_made_with_are_found_again() -> None:
    chips = [chip for chip in bundled_chips() if not chip.missing]
    macros = as_macros(chips)
    law = {name: value + 0.2 for name, value in silicon_calibration().energy.items()}
    time = dict(silicon_calibration().time)
    fj, ns = operation_fj(macros, law, time), invocation_ns(macros, time)
    made = [
        replace(chip, numbers={**chip.numbers, "tops_per_w": 1e3 / energy, "time_ns": duration})
        for chip, energy, duration in zip(chips, fj, ns, strict=True)
    ]
    found = calibrated(made)
    assert operation_fj(macros, found.energy, found.time) == pytest.approx(fj, rel=0.12)
    assert invocation_ns(macros, found.time) == pytest.approx(ns, rel=0.12)


def test_the_table_of_the_package() -> None:
    chips = bundled_chips()
    assert len(chips) == 115
    su = next(chip for chip in chips if "384kb 6T-SRAM" in chip.paper)
    assert (su.kind, su.numbers["node_nm"], su.numbers["time_ns"]) == ("SRAM", 28, 3.6)
    both = next(chip for chip in chips if chip.paper.startswith("A 7nm 4-Core AI Chip"))
    assert both.numbers["supply_v"] == 0.75  # "0.75 (Digital); 0.95 (SRAM)" for a digital chip
    for chip in chips:  # the table's values per operation and per invocation are consistent
        if chip.kind in ("SRAM", "eNVM") and not chip.missing:
            assert as_macros([chip]).n_operations == pytest.approx([chip.numbers["n_operations"]], rel=0.01), chip


def test_stored_constants_are_those_of_the_table(result: SiliconResult) -> None:
    stored, found = silicon_calibration(), calibrated(bundled_chips())
    assert found.energy == pytest.approx(dict(stored.energy), abs=2e-3)
    assert found.time == pytest.approx(dict(stored.time), abs=2e-3)
    off = [abs(np.log(row.factor)) for row in result.rows if row.quantity == TIME and row.kind == "eNVM"]
    assert stored.time_residuals["eNVM"].sizes == pytest.approx(sorted(off), abs=5e-3)


def test_constants_for_a_paper_come_from_all_others() -> None:
    papers = list(dict.fromkeys(chip.paper for chip in bundled_chips() if chip.kind != "processor"))[::8]
    chips = [chip for chip in bundled_chips() if chip.paper in papers]
    changed = [
        replace(chip, numbers={**chip.numbers, "tops_per_w": 1.0}) if chip.paper == papers[0] else chip
        for chip in chips
    ]
    before, after = (dict(without_each_paper(table)) for table in (chips, changed))
    own, other = papers[0].casefold(), papers[1].casefold()
    assert operation_fj(as_macros(chips), after[own].energy, after[own].time) == pytest.approx(
        operation_fj(as_macros(chips), before[own].energy, before[own].time), rel=0.05
    )
    assert after[other].energy != pytest.approx(dict(before[other].energy), abs=0.05)


def test_estimates_beat_node_and_bits_and_intervals_hold_what_they_promise(result: SiliconResult) -> None:
    for group in ("SRAM", "eNVM"):
        for quantity in (ENERGY, TIME):
            score = result.by_group[group][quantity]
            assert score.median_factor < 0.9 * score.baseline_median_factor
            assert score.median_factor < 2.5
            assert score.coverage is not None
            assert 0.85 <= score.coverage <= 0.96
    for quantity in (ENERGY, TIME):
        assert 0.85 <= (result.coverage[quantity] or 0) <= 0.95
    for row in result.rows:
        assert row.ours - row.published == pytest.approx(row.difference)
        assert (row.verdict == "within the interval") == (row.low <= row.published <= row.high)  # type: ignore[operator]


def test_every_row_is_judged_or_named(result: SiliconResult) -> None:
    judged = {(row.row, row.quantity) for row in result.rows}
    left = {(one.row, one.quantity) for one in result.left_out}
    assert not judged & left
    assert len(judged) + len(left) == 2 * result.n_chips


@given(st.lists(st.tuples(st.floats(-3, 3), st.floats(0.1, 1)), min_size=1, max_size=40), st.floats(0.05, 0.99))
@settings(max_examples=30, deadline=None)
def test_factors_of_a_spread_are_in_order(rows: list[tuple[float, float]], confidence: float) -> None:
    spread = Spread.of(*map(np.array, zip(*rows, strict=True)))
    assert 1 <= spread.within(confidence) <= spread.within(1)
    assert spread.share_below(1e9) == pytest.approx(1)
    assert spread.share_below(0) == 0
    assert spread.share_below(3.7) + spread.share_below(1 / 3.7) == pytest.approx(1)
    assert spread.share_below(spread.within(1) * 1.001) == pytest.approx(1)


def test_quantiles_of_a_spread() -> None:
    spread = Spread.of(np.log([1.1, 1 / 1.2, 1.3, 1 / 1.5, 2, 3, 4, 5, 6]), np.ones(9))
    assert spread.within(0.9) == pytest.approx(6)  # 9 of 10: nine papers, and one that is missing
    assert spread.within(0.5) == pytest.approx(2)
    assert spread.below(0.75) == pytest.approx(2)
    assert spread.share_below(2.5) == pytest.approx(0.5 + 0.5 * 5 / 9)


def test_the_survey_holds_nine_in_ten_of_its_converters() -> None:
    assert ENERGY_SPREAD.low < 1 < ENERGY_SPREAD.high


def test_chips_of_a_file(neuronas: Neuronas, tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", GOOD, {**GOOD, "N_ADC": "", "N_1b": "16384", "Compute Model": "DIMC"})
    first, second = read_chips(path)
    assert second.numbers["n_adcs"] == first.numbers["n_adcs"] == 32
    code, out, err = neuronas("reproduce", "silicon", "--chips", str(path), "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    assert [row["published"] for row in document["rows"]] == [500, 500, 5, 5]
    stored = silicon_calibration()
    fj = operation_fj(as_macros([first]), stored.energy, stored.time)[0]
    assert document["rows"][0]["ours"] == pytest.approx(1e3 / fj, rel=2e-3)
    assert set(document["by_group"]) == {"SRAM"}


@pytest.mark.parametrize(
    ("row", "column", "given", "message"),
    [
        (2, "Tech (nm)", "28nm", "row 2, column Tech (nm): '28nm' given; expected one number above 0 in nm"),
        (1, "T_core(ns)", "5 ns / 0.005 us", "row 1, column T_core(ns): '5 ns / 0.005 us' given; expected one number"),
        (2, "N", "0", "row 2, column N: '0' given; expected one number above 0 in rows"),
        (
            1,
            "T_core(ns)",
            "1e-320",
            "row 1, column T_core(ns): '1e-320' given; expected one number above 0 in ns",
        ),
        (1, "TOPS/W", "1e308", "row 1, column TOPS/W: '1e308' given; expected one number above 0 in TOPS/W (1e-09"),
        (1, "TOPS/W", "inf", "row 1, column TOPS/W: 'inf' given"),
        (1, "Supply V(V)", "0.8 (macro); 1.1 (I/O)", "row 1, column Supply V(V): '0.8 (macro); 1.1 (I/O)' given"),
        (1, "Architecture", "FPGA", "row 1, column Architecture: 'FPGA' given; expected SRAM, DRAM, eDRAM, eNVM"),
        (2, "Paper Title", " ", "row 2, column Paper Title: nothing given"),
    ],
)
def test_a_bad_cell_is_named(
    neuronas: Neuronas, tmp_path: Path, row: int, column: str, given: str, message: str
) -> None:
    rows = [dict(GOOD), dict(GOOD)]
    rows[row - 1][column] = given
    code, _, err = neuronas("reproduce", "silicon", "--chips", str(table(tmp_path / "bad.csv", *rows)))
    assert code == 2
    assert message in err
    assert err.count("\n") == 1


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    missing = table(tmp_path / "missing.csv", GOOD, columns=[name for name in COLUMNS if name != "N_ADC"])
    with pytest.raises(ConfigurationError, match="no column 'N_ADC'; expected once each: Paper Title"):
        read_chips(missing)
    with pytest.raises(ConfigurationError, match="0 rows below the column names; expected at least 1"):
        read_chips(table(tmp_path / "empty.csv"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_chips(tmp_path / "absent.csv")
    wide = table(tmp_path / "wide.csv", GOOD)
    wide.write_text(wide.read_text().rstrip() + ",7\n")
    with pytest.raises(ConfigurationError, match="row 1: more cells than columns"):
        read_chips(wide)


def test_what_is_written(neuronas: Neuronas, tmp_path: Path) -> None:
    path = table(tmp_path / "mine.csv", GOOD)
    code, out, err = neuronas("reproduce", "silicon", "--chips", str(path), "--out", str(tmp_path / "made"))
    assert code == 0
    assert "written: " in err
    assert (tmp_path / "made" / "silicon.png").read_bytes().startswith(b"\x89PNG")
    assert SiliconResult.read(tmp_path / "made" / "silicon.json").n_chips == 1
    assert "node and bits alone" in out
    assert "median factor" in out


def test_measurements_are_as_many_as_the_rows_that_have_them() -> None:
    assert len(MeasuredChips.of(bundled_chips(), energy_of).chips) == 114

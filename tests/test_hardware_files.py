"""Accelerator files, their schema and page, sweeps, plots and floorplans, as seen by a user."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from conftest import Neuronas, chain
from neuronas.config import ACCELERATORS, validate
from neuronas.errors import ConfigurationError
from neuronas.hardware.accelerator import BUILTIN, Accelerator, load_accelerator
from neuronas.hardware.device_model import MOST_COEFFICIENTS
from neuronas.hardware.floorplan import floorplan
from neuronas.hardware.mapped.model import MappedCostModel
from neuronas.space.notation import parse_architecture
from neuronas.space.shape import NetworkShape
from neuronas.space.workload import rows

DOCS = Path(__file__).parents[1] / "docs"
PRESETS = Path(sys.modules["neuronas"].__file__ or "").parent / "hardware" / "presets"
ARCH = "|conv_3x3~0|+|skip~0|conv_3x3~1|+|avg_pool_3x3~0|skip~1|conv_3x3~2|"
COSTS = ("parameters", "area_mm2", "latency_ms", "energy_uj")


def test_the_schema_describes_the_presets() -> None:
    schema = json.loads((DOCS / "schemas" / "accelerator.schema.json").read_text(encoding="utf-8"))
    for name in ACCELERATORS:
        content = yaml.safe_load((PRESETS / f"{name}.yaml").read_text(encoding="utf-8"))
        check_schema(schema, schema, content)
        for key, section in content.items():
            if isinstance(section, dict) and "value" not in section:
                with pytest.raises(AssertionError):
                    check_schema(schema, schema, content | {key: section | {"unknown": 1}})


def test_the_schema_states_how_many_coefficients_a_polynomial_has() -> None:
    schema = json.loads((DOCS / "schemas" / "accelerator.schema.json").read_text(encoding="utf-8"))
    coefficients = schema["$defs"]["ConductanceDeviation"]["properties"]["std_us"]
    assert (coefficients["minItems"], coefficients["maxItems"]) == (1, MOST_COEFFICIENTS)


def check_schema(root: dict, schema: dict, value: object) -> None:
    """The features of JSON schema used by the file."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    if "anyOf" in schema:
        assert any(fits(root, option, value) for option in schema["anyOf"]), value
        return
    kinds = {"object": dict, "string": str, "number": (int, float), "integer": int, "null": type(None)}
    assert isinstance(value, kinds[schema["type"]]), (schema, value)
    if isinstance(value, dict):
        assert schema["additionalProperties"] is False
        assert set(value) <= set(schema["properties"])
        assert set(value) >= set(schema["required"])
        for key, item in value.items():
            check_schema(root, schema["properties"][key], item)
    elif isinstance(value, int | float):
        assert schema["minimum"] <= value <= schema["maximum"]


def fits(root: dict, schema: dict, value: object) -> bool:
    try:
        check_schema(root, schema, value)
    except AssertionError:
        return False
    return True


def test_every_model_costs_every_preset(neuronas: Neuronas) -> None:
    for model in ("paper", "mapped"):
        for name in ACCELERATORS:
            code, out, _ = neuronas("estimate", ARCH, "--hardware", name, "--cost-model", model, "--json")
            document = json.loads(out)
            assert (code, document["cost_model"], document["hardware"]) == (0, model, name)
            for quantity in ("area_mm2", "latency_ms", "energy_uj"):
                total = document[quantity]
                assert sum(document["components"][quantity].values()) == pytest.approx(total)
                assert sum(layer[quantity] for layer in document["layers"]) == pytest.approx(total)


def test_estimate_shows_both_models_and_what_they_count(neuronas: Neuronas) -> None:
    code, out, err = neuronas("estimate", ARCH, "--cost-model", "mapped")
    assert code == 0
    for text in ("paper", "mapped (chosen)", "mesh NoC, leakage", "head.pool", "A.3", "leakage"):
        assert text in out
    assert "schedule layers-in-order, one copy" in err
    code, out, err = neuronas("estimate", ARCH, "--cost-model", "paper")
    assert (code, "paper (chosen)" in out) == (0, True)


def test_options_of_the_mapped_model(neuronas: Neuronas, tmp_path: Path) -> None:
    def cost(*options: object) -> dict[str, float]:
        code, out, err = neuronas("estimate", ARCH, "--head", "linear", "--json", *options)
        assert (code, err) == (0, "")
        return {name: json.loads(out)[name] for name in COSTS}

    plain = cost()
    assert cost("--schedule", "pipelined-over-timesteps")["latency_ms"] < plain["latency_ms"]
    copies = cost("--replication", 4)
    assert copies["latency_ms"] < plain["latency_ms"]
    assert copies["area_mm2"] > plain["area_mm2"]
    sparse = cost("--activity", "rate", "--firing-rate", 0.01)
    assert sparse["energy_uj"] < plain["energy_uj"]
    names = ("A.01", "A.12", "A.23", "B.01", "B.12", "B.23", "reduction", "head.1", "head.2")
    (tmp_path / "t.yaml").write_text("".join(f"{name}: 0.01\n" for name in names))
    assert cost("--activity", "trace", "--trace", "t.yaml") == sparse


def test_search_with_the_mapped_model(neuronas: Neuronas) -> None:
    small = ("--algorithm", "snasnet", "--n-draws", 12, "--batch-size", 16, "--timesteps", 2, "--channels", 6)
    code, out, _ = neuronas("search", *small, "--cost-model", "mapped", "--max-energy-uj", 3, "--json")
    document = json.loads(out)
    assert code == 0
    assert document["cost"]["cost_model"] == "mapped"
    assert document["cost"]["energy_uj"] <= 3
    assert document["rejected"]["energy_uj"] > 0
    cost = neuronas("estimate", document["architecture"], "--cost-model", "mapped", "--timesteps", 2, "--channels", 6)
    assert f"{document['cost']['energy_uj']:.4g}" in cost[1]


MISTAKES = [
    ("clock_mhz:", "#clock_mhz:", "key 'clock_mhz' is missing"),
    ("  bits_per_cell:", "  #bits_per_cell:", "key 'crossbar.bits_per_cell' is missing"),
    ("noc:\n", "mesh:\n", "unknown key 'mesh'"),
    ("energy_pj:              {value: 2.03084", "energy_uj:              {value: 2.03084", "did you mean 'energy_pj'"),
    ("value: 250,", 'value: "250 MHz",', "clock_mhz: given"),
    ("value: 693.633", "value: -693.633", "adc.area_um2: given"),
    ("size:                   {value: 64", "size:                   {value: 0", "expected a whole number between 1"),
    ("n_sign_columns:         {value: 2", "n_sign_columns:         {value: 3", "expected 1 or 2"),
    (
        "bits_per_cell:          {value: 1",
        "bits_per_cell:          {value: 9",
        "bits_per_cell is 9 but weights have 8 bits",
    ),
    ("crossbar:\n", "crossbar: 3\nother:\n", "unknown key 'other'"),
]


@pytest.mark.parametrize(("old", "new", "message"), MISTAKES)
def test_bad_accelerator_files(neuronas: Neuronas, tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (PRESETS / "spikeflow-rram.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "mine.yaml").write_text(text.replace(old, new, 1))
    for model in ("paper", "mapped"):
        code, _, err = neuronas("estimate", ARCH, "--hardware", "mine.yaml", "--cost-model", model)
        assert (code, len(err.splitlines())) == (2, 1)
        assert "mine.yaml: " in err
        assert message in err


def test_sweep(neuronas: Neuronas, tmp_path: Path) -> None:
    command = ("estimate", ARCH, "--cost-model", "mapped", "--sweep", "crossbar_size=32,64,128")
    code, out, _ = neuronas(*command)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.strip()[:3].strip() in {"32", "64", "128"}] == [
        "32", "64", "128",
    ]  # fmt: skip
    document = json.loads(neuronas(*command, "--json")[1])
    assert document["sweep"]["key"] == "crossbar.size"
    points = document["sweep"]["points"]
    assert [point["value"] for point in points] == [32, 64, 128]
    assert {name: points[1][name] for name in COSTS} == {name: document[name] for name in COSTS}
    text = (PRESETS / "spikeflow-rram.yaml").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(text.replace("size:                   {value: 64", "size: {value: 128"))
    other = json.loads(neuronas("estimate", ARCH, "--cost-model", "mapped", "--hardware", "mine.yaml", "--json")[1])
    assert {name: points[2][name] for name in COSTS} == {name: other[name] for name in COSTS}


def test_a_sweep_without_effect_says_so(neuronas: Neuronas) -> None:
    _, _, err = neuronas("estimate", ARCH, "--cost-model", "paper", "--sweep", "adc.bits=4,8")
    assert "adc.bits is in no equation of cost model 'paper'" in err


def test_settings_that_the_cost_model_does_not_read_are_named(
    neuronas: Neuronas, caplog: pytest.LogCaptureFixture
) -> None:
    given = ("--schedule", "pipelined-over-timesteps", "--activity", "rate", "--firing-rate", "0.1", "--json")
    note = "cost model 'paper' reads no schedule or activity; --cost-model mapped does"
    for command in (("estimate", ARCH, "--cost-model", "paper"), ("search", "--dry-run", "--preset", "paper")):
        caplog.clear()
        assert neuronas(*command, *given)[0] == 0
        assert [one.getMessage() for one in caplog.records] == [note]
    caplog.clear()
    assert neuronas("estimate", ARCH, *given)[0] == 0
    assert not caplog.records


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_plot(neuronas: Neuronas, tmp_path: Path, suffix: str) -> None:
    pytest.importorskip("vl_convert", reason="plots need the extra neuronas[figures]")
    code, _, _ = neuronas("estimate", ARCH, "--sweep", "crossbar_size=32,64", "--plot", f"p.{suffix}", "--quiet")
    assert code == 0
    start = (tmp_path / f"p.{suffix}").read_bytes()[:5]
    assert start in {b"%PDF-", b"<svg ", b"\x89PNG\r"}


def test_a_plot_without_the_converter_is_explained(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['vl_convert'] = None; from neuronas.cli.main import run; sys.exit(run(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "estimate", ARCH, "--sweep", "adc_bits=4", "--plot", "p.svg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "neuronas: --plot needs vl-convert-python, which is not installed; run: pip install 'neuronas[figures]'\n"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sweep", "crossbar_size"), "expected KEY=VALUE,VALUE"),
        (("--sweep", "crossbar_sise=3"), "did you mean 'crossbar_size'"),
        (("--sweep", "crossbar_size=3,x"), "expected numbers"),
        (("--sweep", "crossbar_size=0"), "expected a whole number between 1"),
        (("--sweep", "crossbar_bits_per_cell=16"), "bits_per_cell is 16"),
        (("--sweep", "adc_energy_pj=" + "1," * 200 + "1"), "at most 100"),
        (("--plot", "p.svg"), "expected --sweep"),
        (("--plot", "p.gif", "--sweep", "adc_bits=4"), "ends in .pdf, .svg or .png"),
        (("--floorplan", "f.gif"), "ends in .json, .pdf, .svg or .png"),
        (("--activity", "rate"), "expected activity 'rate' together with firing_rate"),
        (("--firing-rate", 0.1), "expected activity 'rate' together with firing_rate"),
        (("--activity", "trace", "--trace", "none.yaml"), "none.yaml: cannot be read"),
        (("--schedule", "later"), "layers-in-order"),
        (("--replication", 0), "hardware.replication: given 0"),
    ],
)
def test_mistakes_in_options(neuronas: Neuronas, options: tuple[object, ...], message: str) -> None:
    code, out, err = neuronas("estimate", ARCH, *options)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert message in err


def test_floorplan_holds_what_the_model_counts(accelerator: Accelerator) -> None:
    work = rows(parse_architecture(ARCH), NetworkShape(3, 16, 10, 40, head_width=64))
    model = MappedCostModel(accelerator, 8, 5, replication=2)
    plan = floorplan(work, model.work(work))
    assert len({(tile.x, tile.y) for tile in plan.tiles}) == len(plan.tiles) <= plan.side**2
    for row in model.estimate(work).layers:
        tiles = [tile for tile in plan.tiles if tile.layer == row.layer.name and row.n_tiles]
        assert len(tiles) == row.n_tiles
        assert sum(len(tile.pes) for tile in tiles) == row.n_pes
        assert sum(tile.n_crossbars for tile in tiles) == row.n_crossbars
        if tiles:
            assert plan.utilisation(row.layer.name) == pytest.approx(row.utilisation)
            assert max(len(tile.pes) for tile in tiles) <= 8
    for before, after in zip(plan.tiles, plan.tiles[1:], strict=False):  # a snake: the next tile is a neighbour
        assert abs(before.x - after.x) + abs(before.y - after.y) == 1


def test_floorplan_by_hand() -> None:
    """Stem of 3 -> 16 channels at 9 bits on 64x64 crossbars: 256 columns, 4 crossbars with 3 rows per position."""
    accelerator = load_accelerator("spikeflow-rram")
    work = rows(parse_architecture(chain(0)), NetworkShape(3, 8, 2, 16))
    first = floorplan(work, MappedCostModel(accelerator, 9, 5).work(work)).tiles[0]
    assert (first.layer, first.x, first.y) == ("stem", 0, 0)
    assert first.pes == ((3 * 64 / 4096,) * 9,) * 4


def test_floorplan_files(neuronas: Neuronas, tmp_path: Path) -> None:
    for name in ("f.svg", "f.json"):
        assert neuronas("estimate", ARCH, "--floorplan", name, "--quiet")[0] == 0
    drawn = ElementTree.parse(tmp_path / "f.svg").getroot()
    titles = [element.text or "" for element in drawn.iter("{http://www.w3.org/2000/svg}title")]
    assert any(title.startswith("A.01: tile ") for title in titles)
    assert drawn.get("width") and drawn.get("height")
    document = json.loads((tmp_path / "f.json").read_text())
    assert len(titles) == 1 + len(document["tiles"])
    assert document["tiles"][0]["layer"] == "stem"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("device.write_variation", 5, "expected 0, or a number between 1e-30 and 1"),  # meant: 5 %
        ("device.read_noise", 1.5, "expected 0, or a number between 1e-30 and 1"),
        ("device.stuck_on_share", 3, "expected 0, or a number between 1e-30 and 1"),
        ("adc.bits", 128, "expected a whole number between 1 and 64"),
        ("crossbar.bits_per_cell", 256, "expected a whole number between 1 and 64"),
        ("neuron.state_bits", 1000, "expected a whole number between 1 and 64"),
        ("technology_nm", 1e-9, "expected a number between 0.1 and 100000"),  # in metres
        ("clock_mhz", 2.5e8, "expected a number between 1e-06 and 1e+06"),  # in Hz
    ],
)
def test_values_that_do_not_exist_are_refused(key: str, value: float, message: str) -> None:
    values = yaml.safe_load(BUILTIN["spikeflow-rram"].read_text())
    section, _, name = key.rpartition(".")
    (values[section] if section else values)[name] = value
    with pytest.raises(ConfigurationError) as raised:
        validate(Accelerator, values, "mine.yaml")
    assert str(raised.value).startswith(f"mine.yaml: {key}: ") and message in str(raised.value)

"""The report: content, escaping, and its handling of broken files. Browser tests are in test_report_browser.py."""

import json
import re
import sqlite3
import subprocess
import sys
from errno import ENOSPC
from html.parser import HTMLParser
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from shutil import copytree
from unittest.mock import Mock

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings, strategies as st

from conftest import Neuronas
from neuronas.api.reporting.report import report as write_page
from neuronas.api.reporting.run_facts import read_run, read_runs
from neuronas.cli.main import run as command
from neuronas.config import RECIPES
from neuronas.hardware.pareto import non_dominated
from neuronas.hardware.units import BUDGETED
from neuronas.report.accuracy_tables import neuron_titles
from neuronas.report.charts import short, span
from neuronas.report.floorplan_drawing import floorplan_svg
from neuronas.report.network_drawing import network_svg
from neuronas.report.rendering import environment, trusted
from neuronas.report.tables import Table, aligned, share
from neuronas.report.verdict import verdict
from neuronas.runs.candidates import Candidates, read_candidates
from neuronas.runs.evaluations import Evaluation
from neuronas.runs.metrics import Epoch
from neuronas.space.notation import parse_genotype
from report_runs import add_training, make_run

NO_LIMIT = {"budget": {"max_energy_uj": 1e6}}
HOSTILE = "\"'><img src=x onerror=pwned=1></script><script>pwned=1</script>&lt;"
SECTIONS = {
    "verdict", "settings", "result", "candidates", "rejected", "search", "cost", "floorplan", "training", "accuracy",
    "chips", "provenance", "reproduce",
}  # fmt: skip


class Page(HTMLParser):
    """A page as elements, visible text and scripts."""

    def __init__(self, text: str):
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self._inside = ""
        self.feed(text)
        self.text = " ".join(" ".join(self.texts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "script":
            self.scripts[-1] += data
        elif self._inside != "style":
            self.texts.append(data)

    @property
    def identifiers(self) -> set[str | None]:
        return {attributes.get("id") for _, attributes in self.elements}


def written(neuronas: Neuronas, *arguments: object) -> Page:
    code, out, err = neuronas(*arguments, "--json")
    assert (code, err) == (0, "")
    return Page(Path(json.loads(out)["file"]).read_text(encoding="utf-8"))


def test_classes_are_called_by_their_names(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for name in ("<ants>", "bees"):
        (photos / "train" / name).mkdir(parents=True)
    run = make_run(tmp_path / "run", 5, settings={"data": {"name": f"imagefolder:{photos}"}} | NO_LIMIT)
    add_training(run)
    write_page(run)
    page = Page((run / "report.html").read_text())
    assert "class 0 1 correct 0 <ants> 3 1 100.0% 1 bees" in page.text


@pytest.mark.parametrize(
    ("fitness", "algorithm", "words"),
    [
        ({"batch_size": 128}, "neuronas", "on 128 images, screened on 32"),
        ({"batch_size": 64}, "neuronas", "on 64 images"),
        ({"batch_size": 128, "exact": True}, "neuronas", "on 128 images"),
        ({"batch_size": 128}, "exhaustive", "on 128 images"),
    ],
)
def test_a_screen_is_named_where_there_was_one(tmp_path: Path, fitness: dict, algorithm: str, words: str) -> None:
    run = make_run(tmp_path / "run", 5, settings={"fitness": fitness, "search": {"algorithm": algorithm}})
    write_page(run)
    assert f"path-and-size {words}<" in (run / "report.html").read_text()


def test_report_shows_everything_of_a_trained_run(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine")
    add_training(run)
    page = written(neuronas, "report", run)
    assert (run / "report.html").exists()
    assert page.identifiers >= SECTIONS
    result = json.loads((run / "result.json").read_text())
    assert result["architecture"] in page.text
    for text in (
        "digits, 8×8 pixels, 10 classes", "spikeflow-rram", "3.5 µJ", f"{result['rejected']['energy_uj']:,} of 60",
        "head.1", "htree", "96.2%", "93.2% ± 1.0% over 20 chips", "21.5", "only adc", "Best fitness so far",
        "every convolution is costed as 3x3", "arXiv 2407.00641, Table I",
        f"neuronas search --config {run}/config.yaml --out again", "--chips 20 --seed 3",
        "max_energy_uj: 3.5",
    ):  # fmt: skip
        assert text in page.text, text


def test_report_imports_no_torch(tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=8)
    script = (
        "import sys; from neuronas.cli.main import run; "
        f"code = run(['report', {str(run)!r}, '--quiet']); "
        "sys.exit(code or int('torch' in sys.modules or 'jinja2' not in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=False).returncode == 0


def test_report_asks_the_network_for_nothing(neuronas: Neuronas, tmp_path: Path) -> None:
    page = written(neuronas, "report", make_run(tmp_path / "mine"), "--out", tmp_path / "page.html")
    assert not {tag for tag, _ in page.elements} & {"link", "img", "iframe", "object", "embed", "base", "form"}
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(a["content"] for _, a in page.elements if a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in str(policy)


def test_data_of_the_plot_is_the_history(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine")
    page = written(neuronas, "report", run)
    explorer = json.loads(page.scripts[0])["explorer"]
    (data,), cells = explorer["runs"], explorer["cells"]
    candidates = read_run(run, "mine").candidates
    assert candidates is not None
    texts = [" / ".join(cells[cell]["text"] for cell in place) for place in data["places"]]
    assert texts == list(candidates.architectures)
    assert data["values"]["energy_uj"] == pytest.approx(candidates.costs["energy_uj"].tolist(), rel=1e-6)
    assert [value is None for value in data["values"]["fitness"]] == [bool(limits) for limits in candidates.rejected]
    assert texts[data["answer"]] == json.loads((run / "result.json").read_text())["architecture"]
    first = [re.findall(r"<text[^>]*>([^<]*)<", explorer["edges"][edge]) for edge in cells[0]["edges"]]
    labels = {"skip": "skip", "conv_3x3": "conv 3×3", "avg_pool_3x3": "avg pool 3×3"}
    assert first == [[labels[edge.operation]] for edge in parse_genotype(cells[0]["text"]).edges]


def test_missing_parts_are_left_out_with_a_word(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine")
    for name in ("history.sqlite", "result.json", "environment.json", "architecture.json"):
        (run / name).unlink()
    page = written(neuronas, "report", run)
    for text in ("No architecture yet", "search history", "Not trained", "Not evaluated", "Not simulated", "not known"):
        assert text in page.text
    assert page.identifiers >= SECTIONS


def test_report_says_when_the_cost_is_no_longer_the_runs_own(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine")
    result = json.loads((run / "result.json").read_text())
    result["cost"]["area_mm2"] *= 2
    (run / "result.json").write_text(json.dumps(result))
    assert "The run's own area differs" in written(neuronas, "report", run).text


def test_compare_has_a_column_for_each_run(neuronas: Neuronas, tmp_path: Path) -> None:
    one, other = make_run(tmp_path / "a" / "run"), make_run(tmp_path / "b" / "run", seed=1)
    page = written(neuronas, "compare", one, other)
    assert (tmp_path / "compare.html").exists()
    data = json.loads(page.scripts[0])["explorer"]
    assert [run["name"] for run in data["runs"]] == [str(one), str(other)]  # equal directory names: the paths
    assert "Fitness comes from different settings" in page.text  # weights drawn with another seed
    copied = tmp_path / "same"
    copytree(one, copied)
    assert "same settings in all runs" in written(neuronas, "compare", one, copied).text
    other_bits = make_run(tmp_path / "c", settings={"network": {"weight_bits": 4}})
    assert "Cost comes from different settings" in written(neuronas, "compare", one, other_bits).text
    assert neuronas("compare", one)[0] == 2
    assert neuronas("compare", one, one)[0] == 2


def hostile_run(folder: Path) -> Path:
    """A run in which every text tries to inject code into the page."""
    chip = yaml.safe_load((Path(__file__).parents[1] / "src/neuronas/hardware/presets/spikeflow-rram.yaml").read_text())
    chip["description"] = chip["technology_nm"]["source"] = HOSTILE
    file = folder / "<img src=x onerror=pwned=1>.yaml"
    folder.mkdir(parents=True)
    file.write_text(yaml.safe_dump(chip))
    settings = {"data": {"name": f"imagefolder:{HOSTILE}", "n_classes": 3}, "hardware": {"accelerator": str(file)}}
    run = make_run(folder / HOSTILE.replace("/", "_"), settings=settings | NO_LIMIT)
    add_training(run)
    for name, changes in (
        ("environment.json", {"packages": {HOSTILE: HOSTILE}, "command": ["neuronas", HOSTILE]}),
        ("evaluation.json", {"firing_rates": {HOSTILE: 0.5}, "split": HOSTILE}),
    ):
        (run / name).write_text(json.dumps(json.loads((run / name).read_text()) | changes))
    return run


@pytest.mark.parametrize("verb", ["report", "compare"])
def test_hostile_names_stay_text(neuronas: Neuronas, tmp_path: Path, verb: str) -> None:
    run = hostile_run(tmp_path / "hostile")
    harmless = make_run(tmp_path / "mine")
    page = written(neuronas, verb, run, *([harmless] if verb == "compare" else []), "--out", tmp_path / "page.html")
    assert HOSTILE in page.text
    assert "img" not in {tag for tag, _ in page.elements}
    assert len(page.scripts) == 2
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert json.loads(page.scripts[0])["explorer"]["runs"][0]["name"] == run.name


@settings(max_examples=30)
@given(st.text())
@example(HOSTILE)
def test_text_comes_back_from_a_template_as_it_was(text: str) -> None:
    parsed: list[tuple[str, str | None]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            parsed.extend((f"{tag} {name}", value) for name, value in attrs)

        def handle_data(self, data: str) -> None:
            parsed.append(("text", data))

    reader = Reader()
    reader.feed(environment().from_string('<p title="{{ text }}">{{ text }}</p>').render(text=text))
    reader.close()
    assert parsed[0] == ("p title", text)
    assert "".join(str(value) for _, value in parsed[1:]) == text


@given(st.text())
def test_a_script_block_holds_any_text(text: str) -> None:
    inner = environment().from_string("{{ data|tojson }}").render(data={text: [text]})
    assert not set(inner) & set("<>&\u2028\u2029")
    assert json.loads(inner) == {text: [text]}


@pytest.mark.slow
def test_the_pages_vega_is_what_its_first_lines_say() -> None:
    converter = pytest.importorskip("vl_convert", reason="the bundle is made by the extra neuronas[figures]")
    head, _, bundle = (files("neuronas.report") / "resources" / "vega.js").read_text().partition("*/\n")
    if f"vl-convert-python {converter.__version__}." not in head:
        pytest.skip(f"made by another version than {converter.__version__}")
    assert bundle.strip() == converter.javascript_bundle("window.vegaEmbed=vegaEmbed;", "6.4").strip()


def test_rendered_html_is_not_escaped_twice() -> None:
    template = environment().from_string("{{ text }}{{ html }}")
    assert template.render(text="a<", html=trusted("<b>&lt;</b>")) == "a&lt;<b>&lt;</b>"


def test_compiled_templates_are_kept_and_a_cache_that_cannot_be_written_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(cache: Path) -> tuple[str, int]:
        monkeypatch.setenv("NEURONAS_CACHE", str(cache))
        environment.cache_clear()
        with monkeypatch.context() as counted:
            made = environment()
            compiling = Mock(wraps=made.compile)
            counted.setattr(made, "compile", compiling)
            text = made.get_template("card.html").render(drawing="a", table=Table("b", ("c",), ()), warnings=("d",))
            return text, compiling.call_count

    cache, not_a_folder = tmp_path / "cache", tmp_path / "file"
    not_a_folder.write_text("")
    try:
        text, n_compiled = page(cache)
        assert n_compiled > 0
        assert page(cache) == (text, 0)
        assert page(not_a_folder) == (text, n_compiled)
        for kept in (cache / "templates").iterdir():
            kept.unlink()
        with monkeypatch.context() as full:
            full.setattr("tempfile.NamedTemporaryFile", Mock(side_effect=OSError(ENOSPC, "No space left on device")))
            assert page(cache) == (text, n_compiled)
        assert not list((cache / "templates").iterdir())
    finally:
        environment.cache_clear()


def test_numbers_of_a_column_have_the_same_decimals() -> None:
    assert aligned([1.334, 0.00537, 4.9e-07, None, 0.0]) == ["1.334", "0.005", "<0.001", "", "0.000"]
    assert aligned([12345.6, 0.25]) == ["12,345.6", "0.2"]
    assert aligned([0.0]) == ["0.0"]
    assert aligned([]) == []


def test_an_accuracy_has_wilsons_interval(tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=8)
    add_training(run)
    evaluation = Evaluation.read(run / "evaluation.json")
    ten = evaluation.model_copy(update={"n_images": 10})
    assert ten.interval_95(0.8) == pytest.approx((0.4901625, 0.9433178), abs=1e-6)  # by hand: 8 of 10
    assert ten.interval_95(1.0) == pytest.approx((0.7224672, 1.0), abs=1e-6)
    assert ten.interval_95(0.0)[0] == pytest.approx(0, abs=1e-12)


def test_top_5_needs_ten_classes(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=8)
    add_training(run)
    assert "top-5" not in written(neuronas, "report", run).text  # two classes
    evaluation = json.loads((run / "evaluation.json").read_text())
    evaluation |= {"confusion": [[1] * 10] * 10, "per_class": [0.1] * 10}
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    assert "top-5 accuracy 100.0%" in written(neuronas, "report", run).text


def test_an_axis_fits_its_values_and_not_their_far_outliers() -> None:
    values = [1.0, *(7 + i / 100 for i in range(90))]
    low, high = span(values, fenced=True)
    assert 6 < low < 7 and 7.9 < high < 8
    assert span(values)[0] < 1
    assert span([2.0])[0] < 2 < span([2.0])[1]


def test_the_whole_network_is_drawn(tmp_path: Path) -> None:
    answer = read_run(make_run(tmp_path / "mine", n=8), "mine").answer
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", network_svg(answer).split('class="cell"')[0])
    for name in ("image", "1×8×8", "stem", "cell A", "reduction", "reduction.pool", "cell B", "head.1", "scores"):
        assert name in texts
    assert texts[-2:] == ["10", "cell A"]  # classes, then the first cell's title


def test_neurons_are_called_by_the_nodes_of_the_drawn_cells() -> None:
    names = [
        "A.0.lif",
        "A.2.lif@0.5",
        "A.3.lif.delayed",
        "reduction.lif",
        "B.1.lif",
        "head.lif",
        "head.1.lif",
    ]
    expected = ["A in", "A node 2 θ0.5", "A node 3 one step before", "A out", "B node 1", "B out", "head.1.lif"]
    assert list(neuron_titles(names).values()) == expected


def test_every_layer_has_its_number_on_the_floorplan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = read_run(make_run(tmp_path / "mine"), "mine").answer.floorplan
    numbers = [f">{number}</text>" for number in range(1, len(plan.layers) + 1)]
    assert all(floorplan_svg(plan, "a chip").count(number) > 1 for number in numbers)  # on tiles, and next to the layer
    monkeypatch.setattr("neuronas.report.floorplan_drawing._NUMBERED_SIDE", 1)  # no room: one tile of each layer
    assert all(floorplan_svg(plan, "a chip").count(number) == 2 for number in numbers)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("config.yaml", "seed: [", 2),
        ("result.json", "{", 4),
        ("result.json", "[1]", 4),
        ("result.json", '{"architecture": 1}', 4),
        ("architecture.json", "null", 4),
        ("history.sqlite", "no database, but long enough to be taken for one" * 50, 4),
        ("environment.json", '{"python": 3}', 4),
        ("evaluation.json", '{"top1": "<b>"}', 4),
        ("chips/spikeflow-rram.json", "{}", 4),
        ("metrics.jsonl", '{"epoch": "one"}\n', 4),
    ],
)
def test_broken_files_give_one_line(neuronas: Neuronas, tmp_path: Path, name: str, content: str, code: int) -> None:
    run = make_run(tmp_path / "mine", n=8)
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).write_text(content)
    given_code, out, err = neuronas("report", run)
    assert (given_code, out, err.count("\n")) == (code, "", 1)
    assert name in err
    assert not (run / "report.html").exists()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE candidates SET architecture = '<script>'",
        "UPDATE candidates SET energy_uj = 'much'",
        "UPDATE candidates SET energy_uj = 9e999",
        "UPDATE candidates SET rejected = 'beauty'",
        "UPDATE candidates SET architecture = x'00'",
        "UPDATE evaluations SET fitness = 'high'",
    ],
)
def test_a_changed_history_gives_one_line(neuronas: Neuronas, tmp_path: Path, change: str) -> None:
    run = make_run(tmp_path / "mine", n=8)
    database = sqlite3.connect(run / "history.sqlite")
    database.execute(change)
    database.commit()
    database.close()
    code, _, err = neuronas("report", run)
    assert (code, err.count("\n")) == (4, 1)
    assert "history.sqlite" in err


def test_out_takes_a_file_or_a_folder(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=8)
    (tmp_path / "folder").mkdir()
    for out, file in (("folder", "folder/report.html"), ("new/mine.html", "new/mine.html")):
        assert neuronas("report", run, "--out", tmp_path / out, "--quiet") == (0, "", "")
        assert (tmp_path / file).is_file()


def test_no_run_is_wrong_usage(neuronas: Neuronas, tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", Path(__file__)):
        code, _, err = neuronas("report", path)
        assert (code, err.count("\n")) == (2, 1)
        assert "expected a run directory" in err


def test_numbers_of_charts_are_short_and_whole_ones_stay_whole() -> None:
    assert [short(value) for value in (1000, 1000.0, 0.123456789012, 2.5e20)] == [1000, 1000, 0.1234568, 2.5e20]
    assert short(float("nan")) is None and short(float("inf")) is None


@given(seed=st.integers(0, 2**32), limit=st.floats(0.2, 1))
@settings(max_examples=20)
def test_a_part_of_the_candidates_has_every_front_of_all(seed: int, limit: float) -> None:
    random = np.random.default_rng(seed)
    costs = {name: random.integers(0, 12, 300) / 10 for name in BUDGETED}
    fitness, screened = (np.where(random.random(300) < 0.3, np.nan, random.integers(0, 12, 300)) for _ in range(2))
    rejected = tuple(("latency_ms",) if value > 1 else () for value in costs["latency_ms"])
    everyone = Candidates(tuple(map(str, range(300))), costs, fitness, screened, rejected)
    assert everyone.representatives(300) == list(range(300))
    part = everyone.representatives(20)
    assert 20 <= len(part) < 300 and part == sorted(part)
    # Possible views: two quantities, a limit on a third, with and without candidates over the budget.
    quantities = {"fitness": -fitness, "screened": -screened, **costs}
    fits = np.array([not limits for limits in rejected])
    for xs, ys in combinations(quantities.values(), 2):
        for group in (fits, fits | True):
            shown = group & np.isfinite(xs) & np.isfinite(ys) & (costs["area_mm2"] <= limit)
            points = np.stack([xs, ys], axis=1)
            numbers = np.flatnonzero(shown)
            wanted = {tuple(points[numbers[i]]) for i in non_dominated(points[numbers])}
            assert wanted <= {tuple(points[number]) for number in part if shown[number]}


def test_compare_costs_all_runs_by_one_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    by_paper = make_run(tmp_path / "paper")
    by_mapped = make_run(tmp_path / "mapped", settings=NO_LIMIT | {"hardware": {"cost_model": "mapped"}})
    one, other = read_runs([by_paper, by_mapped])
    assert one.answer is not None and other.answer is not None and one.candidates is not None
    assert {run.answer.summary.cost_model for run in (one, other) if run.answer} == {"mapped"}
    number = one.candidates.number_of(one.answer.text)
    assert one.candidates.costs["energy_uj"][number] == pytest.approx(one.answer.cost.energy_uj)
    (alone,) = read_runs([by_paper])
    assert alone.answer is not None and alone.answer.summary.cost_model == "paper"
    assert command(["compare", str(by_paper), str(by_mapped), "--out", str(tmp_path / "both.html"), "--quiet"]) == 0


def test_compare_reads_each_history_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_paper = make_run(tmp_path / "paper")
    by_mapped = make_run(tmp_path / "mapped", settings=NO_LIMIT | {"hardware": {"cost_model": "mapped"}})
    seen: list[Path] = []

    def read(path: Path) -> Candidates | None:
        seen.append(path.parent)
        return read_candidates(path)

    monkeypatch.setattr("neuronas.api.reporting.run_facts.read_candidates", read)
    assert len(read_runs([by_paper, by_mapped])) == 2
    assert seen == [by_paper, by_mapped]


def test_a_table_is_stacked_where_its_columns_do_not_fit_a_phone() -> None:
    words = ("a long text that may be broken between its words",) * 3
    assert not Table("text", ("a", "b", "c"), (words,), text_columns=range(3)).is_stacked
    assert Table("numbers", ("a", "b", "c"), (words,)).is_stacked
    for n, is_stacked in ((10, False), (20, True)):
        counts = ("class", *("100",) * n, "98.0%")
        assert Table("counts", counts, (counts,), is_matrix=True).is_stacked is is_stacked


def test_the_verdict_comes_first(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    add_training(run)
    page = (write_page(run), run / "report.html")[1].read_text(encoding="utf-8")
    assert page.index('id="verdict"') < page.index('id="result"')
    (facts,) = read_runs([run])
    rows = {name: finding for name, finding, _ in verdict(facts)}
    bad = {name for name, _, is_bad in verdict(facts) if is_bad}
    assert "accuracy on chips, spikeflow-rram" in bad and "test accuracy" not in bad
    assert rows["test accuracy"].startswith("96.2% (95 % interval 93.7% to 97.8%) on 359 test images")
    assert rows["accuracy on chips, spikeflow-rram"].startswith("93.2% ± 1.0%")
    assert rows["budget by model paper"].startswith("kept; closest: ")
    assert rows["budget by model mapped"].startswith("broken: energy")
    assert rows["training"].startswith(
        f"4 of {RECIPES['default']['epochs']} epochs; validation 90.0% at the best epoch, 4, 90.0% at the last, 4"
    )


def test_the_best_epoch_is_that_of_the_weights_kept(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    add_training(run)
    file = run / "metrics.jsonl"
    rows = [Epoch.model_validate_json(line) for line in file.read_text().splitlines()]
    easier = rows[0].model_copy(update={"validation_accuracy": 1.0})  # smaller images; later weights replaced its own
    worse = rows[3].model_copy(update={"validation_accuracy": 0.8, "is_best": False})
    for kept, expected in (
        ((easier, *rows[1:3], worse), "validation 90.0% at the best epoch, 3, 80.0% at the last, 4"),
        ((worse,), "validation 80.0% at the last, 4"),
    ):
        file.write_text("".join(row.model_dump_json() + "\n" for row in kept))
        assert expected in {name: finding for name, finding, _ in verdict(read_runs([run])[0])}["training"]


def test_chips_that_lose_nothing_lose_no_negative_points(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    add_training(run)
    file = run / "chips" / "spikeflow-rram.json"
    document = json.loads(file.read_text())
    for loss, expected in ((-1e-16, "; 0.0 points lost"), (0.03, "; 3.0 points lost"), (-0.02, "; 2.0 points gained")):
        file.write_text(json.dumps(document | {"quantised_network_top1": 0.9321, "top1_mean": 0.9321 - loss}))
        rows = {name: finding for name, finding, _ in verdict(read_runs([run])[0])}
        assert rows["accuracy on chips, spikeflow-rram"].endswith(expected)
    assert (share(-1e-16), share(-0.02), share(0.5)) == ("0.0%", "-2.0%", "50.0%")


def test_a_search_without_answer_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = str(tmp_path / "run")
    options = ("--algorithm", "snasnet", "--n-draws", "4", "--batch-size", "16", "--channels", "8", "--quiet")
    assert command(["search", *options, "--max-energy-uj", "0.001", "--out", run]) == 3
    assert command(["report", run, "--quiet"]) == 0
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "None of 4 candidates fits the budget" in page
    assert "impossible on this chip" in page

"""Files and texts from outside are either read or rejected in one line with the right exit code."""

import fcntl
import importlib.metadata
import io
import json
import os
import re
import sqlite3
import tarfile
import zipfile
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st
from PIL import Image
from safetensors.numpy import load_file, save_file

from conftest import Neuronas
from neuronas.api.setup.compose import plan
from neuronas.config import SETTINGS, Before, given as checked, parse_json, read_yaml, value_at, with_value, write_bytes
from neuronas.data.download import unpack
from neuronas.data.source import MAX_PIXELS, FileSource
from neuronas.errors import ConfigurationError, DataError, RunDirectoryError, VerificationError
from neuronas.experiments.labels import read_labels
from neuronas.export.integer import read_integer
from neuronas.runs.candidates import read_candidates
from neuronas.runs.config_file import read_config
from neuronas.runs.directory import log_to
from neuronas.runs.history import History
from neuronas.runs.identity import _told, identity
from neuronas.training.checkpoint import FORMAT, load_best, write_checkpoint
from report_runs import add_training, make_run
from targets import TARGETS, check, small_export
from waiting import at_most

REFUSED_SEEDS = {"configuration": 1, "tar": 10, "zip": 4}
"""Examples that must be rejected, such as archives that would write outside their folder; all others must be read."""
CHIP = "chips/spikeflow-rram.json"
SOURCE = Path(__file__).parents[1] / "src" / "neuronas"
HOSTILE = st.sampled_from([b"null", b"-1", b"1e999", b"NaN", b'""', b"[]", b"{}", b"9" * 25, b"\0", b"\xff", b"../"])


@st.composite
def damaged(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A valid example with bytes truncated, changed, removed, inserted or duplicated."""
    data = bytearray(draw(st.sampled_from(seeds)))
    if draw(st.booleans()):
        del data[draw(st.integers(0, len(data))) :]
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 8))
        data[place : place + length] = draw(st.one_of(st.binary(max_size=8), HOSTILE, st.just(bytes(data[:20]))))
    return bytes(data)


def _conv(nodes: list[Any], tensors: dict[str, Any], **changed: Any) -> None:
    """Insert a convolution before the head."""
    tensors["conv.codes"] = np.ones((1, 1, 3, 3), np.int8)
    tensors["conv.step"] = np.ones(1, np.float32)
    conv = {
        "operation": "weights", "name": "conv", "links": nodes[1]["links"], "shape": [1, 2, 2], "kernel": 3,
        "stride": 1, "padding": 1, "groups": 1, "codes": "conv.codes", "step": "conv.step",
        "gain": None, "offset": None,
    }  # fmt: skip
    nodes[1] |= {"links": [{"source": "conv", "delayed": False}]}
    nodes.insert(1, conv | changed)


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (lambda nodes, tensors: None, None),
        (lambda nodes, tensors: _conv(nodes, tensors), None),
        (lambda nodes, tensors: tensors.update({"head.codes": np.ones((2, 3), np.int8)}), r"shape \[2, 3\]"),
        (lambda nodes, tensors: tensors.update({"head.codes": np.ones((3, 4), np.int8)}), r"gives the shape \[3\]"),
        (lambda nodes, tensors: tensors.update({"head.codes": np.ones((2, 4), np.int32)}), "expected int8 or int16"),
        (lambda nodes, tensors: tensors.update({"head.codes": np.ones(4, np.int8)}), r"gives the shape \[4\]"),
        (lambda nodes, tensors: tensors.update({"head.step": np.ones(3, np.float32)}), "3 steps; expected 1 or 2"),
        (lambda nodes, tensors: tensors.update({"head.gain": np.ones(3, np.float32)}), "3 gains; expected 2"),
        (lambda nodes, tensors: tensors.update({"head.step": np.full(1, np.nan, np.float32)}), "finite"),
        (lambda nodes, tensors: tensors.update({"head.step": np.ones(1, np.int8)}), "finite floating-point"),
        (lambda nodes, tensors: tensors.update({"spikes.threshold": np.ones(3)}), "3 thresholds; expected 1 or 2"),
        (lambda nodes, tensors: tensors.pop("spikes.v_reset"), "spikes.v_reset"),
        (lambda nodes, tensors: nodes[1].update(shape=[3]), r"gives the shape \[2\], not \[3\]"),
        (lambda nodes, tensors: nodes[1].update(kernel=3), "kernel 3 and padding 0"),
        (lambda nodes, tensors: nodes[2].update(links=[]), "links or a shape"),
        (lambda nodes, tensors: nodes[2]["links"].append({"source": "image", "delayed": False}), "links bring"),
        (lambda nodes, tensors: nodes[2]["links"][0].update(source="votes"), "missing or later"),
        (lambda nodes, tensors: nodes[3].update(size=3), "expected a multiple of 3"),
        (lambda nodes, tensors: nodes[3].update(name="head"), "same name"),
        (lambda nodes, tensors: nodes.pop(0), "not the image"),
        (lambda nodes, tensors: _conv(nodes, tensors, padding=0), "kernel 3 and padding 0"),
        (lambda nodes, tensors: _conv(nodes, tensors, groups=2), "in 2 groups"),
        (lambda nodes, tensors: _conv(nodes, tensors, stride=2), r"gives the shape \[1, 1, 1\]"),
    ],
)  # fmt: skip
def test_an_exported_network_whose_parts_do_not_fit_is_refused(
    tmp_path: Path, change: Callable[[list[Any], dict[str, Any]], None], wanted: str | None
) -> None:
    small_export(tmp_path)
    document, weights = tmp_path / "network.json", tmp_path / "weights.safetensors"
    network, tensors = json.loads(document.read_bytes()), load_file(weights)
    change(network["nodes"], tensors)
    save_file(tensors, weights)
    document.write_text(json.dumps(network | {"weights_sha256": sha256(weights.read_bytes()).hexdigest()}))
    if wanted is None:
        assert len(read_integer(tmp_path).graph.nodes) == len(network["nodes"])
        return
    with pytest.raises(VerificationError, match=wanted):
        read_integer(tmp_path)


def test_a_message_does_not_repeat_all_that_a_file_holds(tmp_path: Path) -> None:
    assert not check(TARGETS["progress"], tmp_path, json.dumps({"A" * 10_000: 0}).encode())
    text = str(ConfigurationError(f"x given {'A' * 10_000}; expected y"))
    assert text.startswith("x given A") and text.endswith("A; expected y") and len(text) < 1500


@pytest.mark.filterwarnings("default")  # warnings of decoders are not errors
@pytest.mark.parametrize("name", TARGETS)
def test_a_damaged_file_is_taken_or_refused(name: str, tmp_path: Path) -> None:
    target = TARGETS[name]
    work, made = tmp_path / "work", tmp_path / "made"
    work.mkdir()
    made.mkdir()
    seeds = target.seeds(made)
    refused = sum(not check(target, work, seed) for seed in seeds)
    assert refused == REFUSED_SEEDS.get(name, 0)

    @settings(
        max_examples=settings.default.max_examples // 10,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damaged(seeds))
    def try_one(data: bytes) -> None:
        check(target, work, data)

    try_one()


def folder(place: Path, n: int = 6) -> Path:
    """An image folder of two classes."""
    for split in ("train", "test"):
        for name in ("a", "b"):
            (place / split / name).mkdir(parents=True)
            for number in range(n):
                Image.new("RGB", (8, 8), (number * 9, 0, 0)).save(place / split / name / f"{number}.png")
    return place


SMALL = ("--image-side", 8, "--channels", 4, "--timesteps", 1, "--algorithm", "snasnet", "--n-draws", 2, "--out", "o")


def test_a_pipe_a_device_and_a_link_to_nowhere_are_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    images = folder(tmp_path / "images")
    os.mkfifo(tmp_path / "pipe.yaml")
    for arguments in (("--config", "pipe.yaml"), ("--space", "pipe.yaml"), ("--config", "/dev/zero")):
        code, out, err = neuronas("search", *arguments)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "is a pipe or a device" in err
    os.mkfifo(images / "train" / "a" / "0a.png")
    with pytest.raises(DataError, match="pipe or a device"):
        FileSource([images / "train" / "a" / "0a.png"], np.zeros(1, np.int64), 3, 8).read(0)
    (images / "train" / "c").symlink_to("c")
    code, _, err = neuronas("search", "--dataset", "imagefolder:images", "--batch-size", 8, *SMALL)
    assert (code, err.count("\n")) == (2, 1)
    assert "'c' is a broken link" in err


def test_numbers_as_long_as_may_be_are_read_in_time(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"

    # This would take hours if a digit could match two parts of a number.
    path.write_text("seed: " + "1" * 900_000 + "x")
    with at_most(300, "a number of 900,000 digits"):
        read_yaml(path)
    for text in ("0x" + "f" * 900_000, "1" + ":59" * 200_000):
        path.write_text(f"seed: {text}")
        with pytest.raises(ConfigurationError, match=r"a number of \d00,00\d characters"):
            read_yaml(path)


@pytest.mark.slow
def test_as_many_settings_as_may_be_are_read_in_time(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(f"[{'a,' * 200_000}]")
    with pytest.raises(ConfigurationError, match="more than 100,000 keys and values"):
        read_yaml(path)
    path.write_text("".join(f"a{i}: 1\n" for i in range(32_000)))
    with at_most(300, "32,000 keys, each compared with all others?"):
        read_yaml(path)


@pytest.mark.parametrize("text", ["{0}: 1", "network: {{{0}: 1}}", "budget: {0}", "{0}: 1\n{0}: 2"])
def test_what_is_shown_of_long_settings_is_short(tmp_path: Path, text: str) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text.format("A" * 100_000))
    with pytest.raises(ConfigurationError) as found:
        checked(read_yaml(path), "c.yaml")
    assert len(str(found.value)) < 500 + len(str(path))


@pytest.mark.parametrize("sql", [
    "CREATE VIEW more AS SELECT * FROM candidates",
    "CREATE TRIGGER again AFTER INSERT ON candidates BEGIN DELETE FROM evaluations; END",
    "ALTER TABLE candidates ADD COLUMN more TEXT GENERATED ALWAYS AS (hex(zeroblob(400000000))) VIRTUAL",
])  # fmt: skip
def test_a_history_with_a_program_is_refused(neuronas: Neuronas, tmp_path: Path, sql: str) -> None:
    run = make_run(tmp_path / "run", n=6)
    with closing(sqlite3.connect(run / "history.sqlite")) as database:
        database.execute(sql)
    code, out, err = neuronas("report", "run")
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert "which no history has; the file was changed" in err
    with pytest.raises(VerificationError, match="which no history has"):
        History(run / "history.sqlite")


def test_an_exported_folder_with_a_device_is_refused(tmp_path: Path) -> None:
    (tmp_path / "network.json").symlink_to("/dev/zero")
    with pytest.raises(VerificationError, match="pipe or a device"):
        read_integer(tmp_path)


def test_names_of_any_bytes(neuronas: Neuronas, tmp_path: Path) -> None:
    odd = os.fsdecode(b"photos\xff \x1b[31m")
    folder(tmp_path / odd)
    options = ("--dataset", f"imagefolder:{odd}", "--batch-size", 8, *SMALL)
    assert neuronas("search", *options)[0] == 0
    assert neuronas("search", *options, "--resume")[0] == 0
    assert neuronas("report", "o")[0] == 0
    code, _, err = neuronas("search", *options)
    assert code == 2
    (tmp_path / odd / "train" / "a" / "0.png").write_bytes(b"")
    for split in ("train", "test"):
        (tmp_path / odd / split / "a").rename(tmp_path / odd / split / "\x1b[31mred")
    code, _, err = neuronas("train", "|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|", *options[:2], "--out", "t")
    assert (code, err.count("\n")) == (2, 1)
    assert "\x1b" not in err
    assert "\\x1b[31mred" in err


@pytest.mark.parametrize(
    "text",
    [
        r'data: {name: "imagefolder:a\0b"}',
        "network: {v_threshold: 1.0e+300}",
        "network: {tau: 1.0e+300}",
        "engine: {memory_limit_gib: 1.0e+300}",
        "train: {learning_rate: 1.0e+300}",
        "train: {mixup: 1.0e-300}",
        "train: {cutout: 100000000000000000000000}",
        "fitness: {n_batches: 100000000000000000000000}",
    ],
)
def test_numbers_that_nothing_can_be_computed_with(neuronas: Neuronas, tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text)
    code, out, err = neuronas("search", "--config", "c.yaml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "c.yaml" in err
    assert "expected" in err or "less than or equal" in err


def test_memory_that_is_not_there_is_one_line(neuronas: Neuronas, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(error: Exception) -> None:
        def raises(*given: object, **named: object) -> None:
            raise error

        monkeypatch.setattr("neuronas.api.setup.settings.gathered", raises)

    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9")):
        fail(error)
        code, _, err = neuronas("doctor")
        assert (code, err.count("\n")) == (2, 1)
        assert "not enough memory" in err
    fail(RuntimeError("another"))
    with pytest.raises(RuntimeError, match="another"):
        neuronas("doctor")


def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    content = io.BytesIO()
    Image.new("1", (1, 1)).save(content, "PNG")
    whole = bytearray(content.getvalue())
    from zlib import crc32

    for width, height in ((10_000, MAX_PIXELS // 10_000 + 1), (2**31 - 1, 2**31 - 1)):
        whole[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
        whole[29:33] = crc32(whole[12:29]).to_bytes(4, "big")
        path.write_bytes(whole)
        with pytest.raises(DataError, match="pixels"):
            FileSource([path], np.zeros(1, np.int64), 3, 8).read(0)


def test_content_decides_not_the_ending_and_no_program_is_started(tmp_path: Path) -> None:
    path = tmp_path / "one.jpg"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(DataError, match="expected JPEG"):
        FileSource([path], np.zeros(1, np.int64), 3, 8).read(0)
    Image.new("RGB", (8, 8), (200, 0, 0)).save(path, "PNG")
    assert FileSource([path], np.zeros(1, np.int64), 3, 8).read(0)[0].eq(200).all()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_photograph_is_turned_as_it_notes(tmp_path: Path, kind: str) -> None:
    """Orientations 1 to 8 state where row 0 and column 0 of the file are in the picture (EXIF 2.3, tag 0x0112)."""
    upright = np.zeros((16, 16, 3), np.uint8)
    upright[:8, :8], upright[:8, 8:], upright[8:, :8] = 250, 160, 80
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
        6: np.rot90(upright), 7: upright[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(upright, -1),
    }  # fmt: skip
    for orientation, pixels in stored.items():
        path, exif = tmp_path / f"{orientation}.jpg", Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(np.ascontiguousarray(pixels)).save(path, kind, exif=exif)
        found = FileSource([path], np.zeros(1, np.int64), 3, 16).read(0)
        quarters = [int(found[0, y, x]) for y, x in ((4, 4), (4, 12), (12, 4), (12, 12))]
        assert quarters == pytest.approx([250, 160, 80, 0], abs=4), orientation
    for orientation in (0, 9, 65535):  # invalid values
        exif[0x0112] = orientation
        Image.fromarray(upright).save(path, kind, exif=exif)
        assert int(FileSource([path], np.zeros(1, np.int64), 3, 16).read(0)[0, 4, 4]) == pytest.approx(250, abs=4)


@pytest.mark.filterwarnings("default")  # warnings of decoders are not errors
def test_a_picture_with_damaged_notes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.jpg"
    for notes in (
        b"Exif\0\0",
        b"Exif\0\0XX*\0\x08\0\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\x7f",
        b"Exif\0\0MM\0*" + b"\xff" * 40,
    ):
        Image.new("RGB", (8, 8), (200, 200, 200)).save(path, "JPEG", exif=notes)
        assert FileSource([path], np.zeros(1, np.int64), 3, 8).read(0).eq(200).all()


def test_the_first_picture_of_an_animation_counts(tmp_path: Path) -> None:
    path = tmp_path / "moving.gif"
    first, second = Image.new("L", (8, 8), 10), Image.new("L", (8, 8), 200)
    first.save(path, save_all=True, append_images=[second])
    assert FileSource([path], np.zeros(1, np.int64), 1, 8).read(0).eq(10).all()


@pytest.mark.parametrize("change", ["DROP TABLE evaluations", "PRAGMA user_version = 99"])
def test_a_history_that_was_changed(neuronas: Neuronas, tmp_path: Path, change: str) -> None:
    run = make_run(tmp_path / "mine", n=4)
    database = sqlite3.connect(run / "history.sqlite")
    database.execute(change)
    database.close()
    code, _, err = neuronas("report", run)
    assert (code, err.count("\n")) == (4, 1)


def test_a_history_that_was_cut_off(neuronas: Neuronas, tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", n=40) / "history.sqlite"
    whole = path.read_bytes()
    for n in (1, 100, 4095, 4096, 5000, len(whole) - 50):
        path.write_bytes(whole[:-n])
        code, out, err = neuronas("report", "run")
        assert (code, out, err.count("\n")) == (4, "", 1)
        with pytest.raises(VerificationError):
            History(path)
    path.write_bytes(whole[:-1])
    with pytest.raises(VerificationError, match=r"history.sqlite: has [\d,]+ of [\d,]+ bytes; it is cut off"):
        History(path)
    path.write_bytes(whole + bytes(100))  # harmless
    assert neuronas("report", "run")[0] == 0


def test_a_history_that_a_killed_writer_left_is_read(tmp_path: Path) -> None:
    """The newest pages, up to all of them, are in the write-ahead log, so the file's size is not significant."""
    run, killed = make_run(tmp_path / "run", n=4), tmp_path / "killed"
    killed.mkdir()
    history = History(run / "history.sqlite")
    for n in range(300):
        history.add_fitness(f"another{n}", n, 1.0, 0.1, screened=False)
        if n % 20 == 0:
            for name in ("history.sqlite", "history.sqlite-wal"):
                (killed / name).write_bytes((run / name).read_bytes())
            (killed / "history.sqlite-shm").unlink(missing_ok=True)
            found = read_candidates(killed / "history.sqlite")
            assert found is not None
            with closing(History(killed / "history.sqlite")) as again:
                assert f"another{n}" in again.fitness(screened=False)
    history.close()


def test_a_history_that_is_a_program_is_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path / "mine", n=4)
    database = sqlite3.connect(run / "history.sqlite")
    database.executescript(
        "DROP TABLE evaluations; CREATE VIEW evaluations AS WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i "
        "FROM n) SELECT i AS key, 0 AS screened, 1.0 AS fitness FROM n;"
    )
    database.close()
    with pytest.raises(VerificationError, match="'evaluations', which no history has"):
        History(run / "history.sqlite")


def test_facts_of_a_checkpoint_are_checked(tmp_path: Path) -> None:
    import torch

    from neuronas.space.notation import parse_architecture
    from neuronas.space.shape import NetworkShape
    from neuronas.training.build import load_trained, make_classifier

    architecture = parse_architecture("|skip~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|")
    shape = NetworkShape(image_channels=1, image_side=8, n_classes=3, channels=2)
    settings, device = plan(checked({}, "test")).config, torch.device("cpu")
    network = make_classifier(architecture, shape, settings.network, settings.train, device)
    path = tmp_path / "checkpoints" / "best.safetensors"
    write_checkpoint(path, dict(network.state_dict()), {"epoch": 1, "accuracy": 0.25})
    path.write_bytes(path.read_bytes().replace(b"0.25", b"0.95"))
    with pytest.raises(VerificationError, match="was changed after it was written"):
        load_trained(tmp_path, architecture, shape, settings.network, settings.train, device)
    for facts in ({}, {"epoch": "1", "accuracy": 0.5}, {"epoch": 1, "accuracy": None}):
        write_checkpoint(tmp_path / "checkpoints" / "best.safetensors", dict(network.state_dict()), facts)
        with pytest.raises(VerificationError, match="epoch and accuracy not found"):
            load_trained(tmp_path, architecture, shape, settings.network, settings.train, device)


def test_archives_that_would_grow_without_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and links that lead outside the folder are among the examples of ``targets``."""
    monkeypatch.setattr("neuronas.data.download.MAX_MEMBERS", 10)
    inside = tmp_path / "inside"
    inside.mkdir()
    with tarfile.open(tmp_path / "large.tar", "w") as archive:
        member = tarfile.TarInfo("huge")
        member.size = 10**13
        archive.addfile(member)
    with zipfile.ZipFile(tmp_path / "large.zip", "w") as zipped:
        for number in range(11):
            zipped.writestr(f"{number}", b"")
    for name in ("large.tar", "large.zip"):
        with pytest.raises(DataError, match="holds more than"):
            unpack(tmp_path / name, inside)
    assert not [*inside.iterdir()]


def test_links_where_something_is_to_be_written(tmp_path: Path) -> None:
    other, path, inside = tmp_path / "other", tmp_path / "one.json", tmp_path / "inside"
    other.write_text("mine")
    (tmp_path / "one.json.part").symlink_to(other)
    write_bytes(path, b"new")
    assert (other.read_text(), path.read_bytes(), path.is_symlink()) == ("mine", b"new", False)
    (tmp_path / "one.json.part").mkdir()
    with pytest.raises(RunDirectoryError, match="cannot be written"):
        write_bytes(path, b"newer")
    inside.mkdir()
    (tmp_path / "log.txt").symlink_to(other)
    with pytest.raises(RunDirectoryError, match="is not a regular file"), log_to(tmp_path / "log.txt"):
        pass
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as zipped:
        zipped.writestr("a/b", b"new")
    with tarfile.open(tmp_path / "a.tar", "w") as tarred:
        tarred.add(path, "a/b")
    for link, target in (("a", tmp_path), ("a", inside), ("a/b", other)):
        (inside / link).parent.mkdir(exist_ok=True)
        (inside / link).symlink_to(target)
        for name in ("a.zip", "a.tar"):
            with pytest.raises(DataError, match="is a link; expected a folder"):
                unpack(tmp_path / name, inside)
        (inside / link).unlink()
    assert other.read_text() == "mine"
    unpack(tmp_path / "a.zip", inside)
    assert (inside / "a" / "b").read_bytes() == b"new"


def test_a_checkpoint_far_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    import torch

    path, module = tmp_path / "checkpoints" / "best.safetensors", torch.nn.Linear(2, 2)
    size = 5 * 10**12
    tensor = {"dtype": "F32", "shape": [size // 4], "data_offsets": [0, size]}
    facts = json.dumps({"format": FORMAT, "digest": ""})
    header = json.dumps({"__metadata__": {"neuronas": facts}, "weight": tensor}).encode()
    path.parent.mkdir()
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        file.truncate(8 + len(header) + size)  # sparse: needs no disk space, but is too large to read
    with pytest.raises(VerificationError, match="belongs to another network"):
        load_best(module, tmp_path)
    write_checkpoint(path, dict(module.state_dict()), {})
    assert load_best(module, tmp_path) == {}


def test_crossbars_too_many_to_place_are_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    text = (SOURCE / "hardware" / "presets" / "spikeflow-rram.yaml").read_text(encoding="utf-8")
    (tmp_path / "h.yaml").write_text(re.sub(r"( +size: +)\{value: \d+", r"\1{value: 1", text, count=1))
    cell = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
    code, out, err = neuronas("estimate", cell, "--dataset", "cifar10", "--hardware", "h.yaml", "--floorplan", "f.svg")
    assert (code, out, err.splitlines()[-1].count("too many for a floorplan")) == (2, "", 1)
    assert "crossbars of 1x1 in" in err


def test_a_run_with_more_classes_than_a_chip_holds_is_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", n=4, settings={"data": {"n_classes": 10**9}, "budget": {}})
    code, out, err = neuronas("report", run)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "too many for a floorplan" in err


def test_doctor_finds_old_packages_and_a_cache_that_cannot_be_written(
    neuronas: Neuronas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    held = importlib.metadata.version
    monkeypatch.setattr("neuronas.api.doctor.version", lambda name: "2.5.1+cpu" if name == "torch" else held(name))
    listed = json.loads(neuronas("doctor", "--json")[1])["checks"]
    checks = {check["name"]: check for check in listed}
    assert len(checks) == len(listed), "a package that several extras need is checked once"
    assert checks["torch"] == {
        "name": "torch", "ok": False, "found": "2.5.1+cpu; supported <3,>=2.6",
        "advice": "pip install 'torch<3,>=2.6'",
    }  # fmt: skip
    assert checks["numpy"]["ok"]
    assert not checks["cache of kernels"]["ok"]
    assert "NEURONAS_CACHE" in checks["cache of kernels"]["advice"]


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\s*(import|from) (pickle|marshal|shelve|dill|joblib|cloudpickle)\b", r"(?<![.\w])(eval|exec|compile)\(",
        r"yaml\.(unsafe_|full_)?load(_all)?\(", r"torch\.load\(", r"np\.load\((?!.*allow_pickle=False)",
        r"shell=True", r"os\.system\(",
        r"weights_only=False", r"0\.0\.0\.0",
    ],
)  # fmt: skip
def test_the_source_executes_nothing_that_it_reads(pattern: str) -> None:
    for path in sorted(SOURCE.rglob("*.py")):
        found = re.search(pattern, path.read_text(encoding="utf-8"), re.MULTILINE)
        assert found is None, f"{path.name}: {found[0]}"


def test_archives_are_unpacked_in_one_place() -> None:
    assert [path.name for path in SOURCE.rglob("*.py") if "extractall" in path.read_text()] == ["download.py"]


@pytest.mark.parametrize("name", ["config.yaml", "architecture.json", "history.sqlite", "metrics.jsonl", CHIP])
@pytest.mark.parametrize("what", ["link", "folder", "pipe"])
def test_what_is_no_file_does_not_pass_for_one_that_was_never_written(
    neuronas: Neuronas, tmp_path: Path, name: str, what: str
) -> None:
    run = make_run(tmp_path / "run", n=4)
    add_training(run)
    path = run / name
    path.unlink()
    {"link": lambda: path.symlink_to(path.name), "folder": path.mkdir, "pipe": lambda: os.mkfifo(path)}[what]()
    code, out, err = neuronas("report", "run")
    assert (code in (2, 4), out, err.count("\n")) == (True, "", 1)
    assert f"run/{name}: cannot be read" in err
    if name == "config.yaml":  # without it, the network would be costed with the settings of another one
        assert neuronas("estimate", "run")[0] == 2


def test_the_settings_of_a_run_cut_anywhere_are_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    path = make_run(tmp_path / "run", n=4) / "config.yaml"
    whole = path.read_text()
    read_config(path)
    for end in range(0, len(whole.rstrip()), 5):
        path.write_text(whole[:end])
        with pytest.raises((VerificationError, ConfigurationError)):
            checked(read_config(path), "cut")
    lines = whole.splitlines(keepends=True)
    for n in range(len(lines)):
        path.write_text("".join(lines[:n]))
        with pytest.raises(VerificationError, match="lacks '"):
            read_config(path)
    code, out, err = neuronas("estimate", "run")
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert "lacks '...', its last line" in err


def test_settings_that_did_not_exist_yet_have_the_value_that_does_what_was_done(
    neuronas: Neuronas, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = make_run(tmp_path / "run", n=4) / "config.yaml"
    values = yaml.safe_load(path.read_text())
    values.pop("events")
    values["data"].pop("sequence")
    values["hardware"].pop("target")
    path.write_text(yaml.safe_dump(values, explicit_end=True))
    found = checked(read_config(path), "old")
    assert (found.events.window_ms, found.data.sequence, found.hardware.target) == (0.0, False, None)
    assert neuronas("estimate", str(path.parent))[0] == 0
    [note] = caplog.messages  # only once, although the file is read several times
    assert f"{path}: was written before some settings existed; taken as before: data.sequence False" in note
    values["network"].pop("n_voters")
    path.write_text(yaml.safe_dump(values, explicit_end=True))
    code, _, err = neuronas("estimate", str(path.parent))
    assert (code, "lacks 'network.n_voters'" in err, err.count("\n")) == (4, True, 1)


def test_a_new_setting_leaves_what_identifies_a_run() -> None:
    """With these values, a history of an earlier version can be resumed; other values give another identity."""
    keys = [
        identity(plan(checked(values, "test")).config) for values in ({}, {"budget": {"confidence": 0.9}}, {"seed": 1})
    ]
    assert len(set(keys)) == 3
    told = _told({"seed": 0, "budget": {"confidence": None, "max_area_mm2": 5.0}})
    assert told == {"seed": 0, "budget": {"max_area_mm2": 5.0}}


def test_what_stands_for_a_setting_before_it_existed_is_a_value_of_it() -> None:
    for setting in SETTINGS.values():
        if setting.before is not Before.UNKNOWN and setting.before is not None:
            assert type(setting.before) in (bool, int, float, str), setting.path
            assert value_at(checked(with_value({}, setting.path, setting.before), "test").model_dump(), setting.path) \
                == setting.before  # fmt: skip
        elif setting.before is None:
            assert setting.allows_none, setting.path


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", "[1e999]", "-9.7e308", '{"a": 1, "a": 1}', "[" * 100_000])
def test_json_of_which_python_would_make_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as refused:
        parse_json(text)
    assert len(str(refused.value).splitlines()) == 1
    assert parse_json("[1e308, 1e-999, -0.5]") == [1e308, 0.0, -0.5]


def test_a_key_given_twice_in_json_is_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", n=4)
    add_training(run)
    for name in ("result.json", "architecture.json", "evaluation.json", CHIP, "environment.json"):
        path = run / name
        whole = path.read_text()
        key = next(iter(json.loads(whole)))
        path.write_text(whole.replace("{", f'{{"{key}": 1, ', 1))
        code, out, err = neuronas("report", "run")
        assert (code, out, err.count("\n")) == (4, "", 1)
        assert f"{name}: is not valid JSON (key given twice: '{key}')" in err
        path.write_text(whole)
    (tmp_path / "trace.json").write_text('{"layers": {}, "layers": {}}')
    trace = ("--activity", "trace", "--trace", "trace.json", "--cost-model", "mapped")
    assert "key given twice: 'layers'" in neuronas("estimate", "run", *trace)[2]
    (tmp_path / "export").mkdir()
    (network,) = TARGETS["network.json"].seeds(tmp_path / "export")
    read_integer(tmp_path / "export")
    (tmp_path / "export" / "network.json").write_bytes(network.replace(b"{", b'{"timesteps": 3, ', 1))
    with pytest.raises(VerificationError, match="key given twice: 'timesteps'"):
        read_integer(tmp_path / "export")


def test_locks_and_logs_that_are_none(neuronas: Neuronas, tmp_path: Path) -> None:
    assert neuronas("search", "--seed", 3, *SMALL[2:])[0] == 0
    lock, other = tmp_path / "o" / ".lock", tmp_path / "other"
    resume = ("search", "--resume", "--out", "o")

    def refusal() -> str:
        code, _, err = neuronas(*resume)
        assert (code, err.count("\n")) == (2, 1)
        return err

    with lock.open("wb") as file:
        file.write(b"\xff\xfe")
        file.truncate(5 * 10**9)
        file.flush()
        fcntl.flock(file, fcntl.LOCK_EX)
        assert "another neuronas is working in it; wait" in refusal()
    lock.unlink()
    os.mkfifo(lock)
    assert "o: cannot be written" in refusal()
    lock.unlink()
    log = tmp_path / "o" / "log.txt"
    log.unlink()
    os.mkfifo(log)
    assert "log.txt: is not a regular file" in refusal()
    log.unlink()
    lock.unlink()
    other.write_text("mine")
    lock.symlink_to(other)
    assert neuronas(*resume)[0] == 2
    assert other.read_text() == "mine"


def test_labels_of_a_spreadsheet(tmp_path: Path) -> None:
    (content,) = TARGETS["labels"].seeds(tmp_path)
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    found = read_labels(path)
    path.write_bytes(b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n"))
    assert read_labels(path) == found
    path.write_bytes(content.replace(b"\n", b",99\n").replace(b"test_accuracy,99", b"test_accuracy,test_accuracy"))
    with pytest.raises(ConfigurationError, match="2 columns 'test_accuracy'"):
        read_labels(path)


def test_a_link_to_itself_in_place_of_a_run(neuronas: Neuronas, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    code, out, err = neuronas("report", "loop")
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_figures_that_cannot_be_written_leave_no_page(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", n=4)
    assert neuronas("report", "run", "--figures", "/dev/null")[0] == 2
    assert not (run / "report.html").exists()


def test_a_history_that_may_not_be_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    History(tmp_path / "history.sqlite").close()

    def refused(path: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("neuronas.runs.history_file.read_beginning", refused)
    with pytest.raises(RunDirectoryError, match="cannot be read \\(Permission denied\\)"):
        read_candidates(tmp_path / "history.sqlite")


@pytest.mark.parametrize("what", ["/dev/zero", "/proc/kmsg", "pipe", "folder"])
@pytest.mark.parametrize("name", ["metrics.jsonl", "result.json", "config.yaml", "history.sqlite"])
def test_a_device_in_place_of_a_file_of_a_run(neuronas: Neuronas, tmp_path: Path, name: str, what: str) -> None:
    if what.startswith("/") and not Path(what).exists():
        pytest.skip(f"no {what} here")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    path = make_run(tmp_path / "run", n=4) / name
    add_training(path.parent)
    path.unlink()
    path.symlink_to(what if what.startswith("/") else tmp_path / what)
    code, out, err = neuronas("report", "run")
    assert (code in (2, 4), out, err.count("\n")) == (True, "", 1)
    assert name in err


def test_an_evaluation_without_any_precision_is_refused(neuronas: Neuronas, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", n=4)
    add_training(run)
    path = run / "evaluation.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), "accuracy_by_bits": {}}))
    code, out, err = neuronas("report", "run")
    assert (code, out, err.count("\n")) == (4, "", 1)
    assert "accuracy_by_bits: given {}" in err

"""HDF5 files are read by a separate process, which a damaged file may crash."""

import os
from pathlib import Path

import h5py
import nir
import numpy as np
import pytest

from neuronas.cli.main import run
from neuronas.errors import VerificationError
from neuronas.hdf5 import reading as hdf5
from neuronas.importing.read import read_network

TEXT = b"\x19\x01\x01\x00\x10"
"""Start of the type of a text of variable length, in 16 bytes; see "Datatype Message" in HDF5's file format."""
NO_TYPE = b"\x19\x9f\x01\x00\x10"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    nodes = {
        "image": nir.Input(np.array([3, 8, 8])),
        "flat": nir.Flatten({"input": np.array([3, 8, 8])}, 0, -1),
        "matrix": nir.Linear(np.arange(384, dtype=np.float32).reshape(2, 192)),
        "out": nir.Output(np.array([2])),
    }
    graph = nir.NIRGraph(nodes, [("image", "flat"), ("flat", "matrix"), ("matrix", "out")], metadata={"step": 0.5})
    nir.write(tmp_path / "network.nir", graph)
    return tmp_path / "network.nir"


def content(path: Path) -> dict:
    with hdf5.reading_hdf5(path, "node") as pending:
        return pending.read()


def test_the_content_is_that_which_nir_reads(file: Path) -> None:
    found, expected = nir.dict2NIRNode(content(file)), nir.read(file)
    assert found.edges == expected.edges and list(found.nodes) == list(expected.nodes)
    assert found.metadata == expected.metadata and type(found.metadata["step"]) is np.float64
    matrix = found.nodes["matrix"].weight
    assert matrix.dtype == np.float32 and matrix.flags.writeable
    assert np.array_equal(matrix, expected.nodes["matrix"].weight)


def test_a_file_at_which_libhdf5_crashes_is_refused_in_one_line(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = file.read_bytes().split(TEXT)
    assert len(parts) > 3
    file.write_bytes(TEXT.join(parts[:3]) + NO_TYPE + TEXT.join(parts[3:]))
    assert run(["estimate", str(file)]) == 4
    said = capsys.readouterr().err.strip()
    assert "damaged: the HDF5 library ends by SIGSEGV" in said and "\n" not in said


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGBUS)", "is damaged: the HDF5 library ends by SIGBUS"),
        (
            "import resource; resource.setrlimit(0, (1, 2))\nwhile True: pass",
            "is damaged: reading it takes more than 10 s",
        ),
        ("import sys; sys.exit('bad object header')", r"cannot be read as a NIR graph \(bad object header\)"),
    ],
)
def test_a_program_that_ends_early_is_told_in_one_line(
    program: str, expected: str, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "reader.py").write_text(program)
    monkeypatch.setattr(hdf5, "_PROGRAM", tmp_path / "reader.py")
    with pytest.raises(VerificationError, match=expected) as caught:
        read_network(file)
    assert str(caught.value).startswith(str(file)) and "\n" not in str(caught.value)


@pytest.mark.parametrize("way", ["storage", "link", "virtual"])
def test_a_file_that_leads_to_another_one_is_refused(file: Path, way: str) -> None:
    """The target may be secret, or a pipe that blocks."""
    name, pipe = "node/nodes/matrix/weight", file.with_name("pipe")
    os.mkfifo(pipe)
    with h5py.File(file, "a") as written:
        del written[name]
        if way == "storage":
            written.create_dataset(name, (2, 192), np.float32, external=[(str(pipe), 0, 1536)])
        elif way == "link":
            written[name] = h5py.ExternalLink(str(pipe), name)
        else:
            layout = h5py.VirtualLayout((2, 192), np.float32)
            layout[:] = h5py.VirtualSource(str(pipe), name, (2, 192))
            written.create_virtual_dataset(name, layout)
    with pytest.raises(VerificationError, match="/node/nodes/matrix/weight is in another file; expected a single file"):
        read_network(file)


def test_a_file_that_holds_more_than_the_memory_is_refused(file: Path) -> None:
    with h5py.File(file, "a") as written:
        del written["node/nodes/matrix/weight"]
        written.create_dataset("node/nodes/matrix/weight", (2**24, 2**16), np.float32, fillvalue=1.0)  # 4 TiB
    with pytest.raises(VerificationError, match="GiB of memory needed"):
        read_network(file)

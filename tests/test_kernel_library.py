"""Origin of compiled kernels, and the behaviour if they cannot be compiled, stored or loaded.

A fake compiler copies the library of this machine, so that most tests compile nothing.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from neuronas.kernels import library
from neuronas.kernels.compiler import is_whole, library_name
from neuronas.kernels.folders import cache_folder
from neuronas.kernels.targets import TARGETS

ROOT = Path(__file__).parents[1]
loaded = library.native()
needs_kernels = pytest.mark.skipif(loaded.library is None, reason=loaded.reason)
pytestmark = needs_kernels

LOAD = """
import json, logging
from neuronas.kernels import library
logging.getLogger("neuronas").addHandler(logging.StreamHandler())
{before}
found = library.native()
print(json.dumps([found.origin, found.library._name if found.library else "", found.reason]))
{after}
"""


def made_library() -> Path:
    assert loaded.target is not None
    return cache_folder() / library_name(loaded.target, library._c_library())


@pytest.fixture
def compiler(tmp_path: Path) -> Path:
    """Runs in milliseconds; adds a line to the file ``calls`` for each library."""
    script = tmp_path / "bin" / "c++"
    script.parent.mkdir()
    script.write_text(
        "#!/bin/sh\n"
        'for option; do [ "$last" = -o ] && out=$option; [ $option = -shared ] && links=1; last=$option; done\n'
        f'if [ "$links" ]; then cp {made_library()} "$out"; echo "$TMPDIR" >> {tmp_path}/calls; else : > "$out"; fi\n'
    )
    script.chmod(0o755)
    return script


Run = Callable[..., tuple[str | None, str, str, str]]


@pytest.fixture
def load(compiler: Path, tmp_path: Path) -> Run:
    """Load the kernels in a separate process: (origin, path, reason, standard error)."""

    def run(before: str = "", after: str = "", **environment: object) -> tuple[str | None, str, str, str]:
        (tmp_path / "tmp").mkdir(exist_ok=True)
        changes = {"CXX": compiler, "NEURONAS_CACHE": tmp_path / "cache", "TMPDIR": tmp_path / "tmp", **environment}
        given = {**os.environ, **{name: str(value) for name, value in changes.items()}}
        script = LOAD.format(before=before, after=after)
        done = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=True)
        origin, path, reason = json.loads(done.stdout.splitlines()[0])
        return origin, path, reason, done.stderr

    return run


def n_compiled(tmp_path: Path) -> int:
    calls = tmp_path / "calls"
    return len(calls.read_text().splitlines()) if calls.exists() else 0


def test_kernels_are_compiled_once_and_then_cached(load: Run, tmp_path: Path) -> None:
    assert load()[0] == "compiled now"
    assert load()[0] == "from the cache"
    assert n_compiled(tmp_path) == 1
    (kept,) = (tmp_path / "cache").iterdir()  # and no files left from compiling
    assert is_whole(kept)
    assert not list((tmp_path / "tmp").iterdir())


def test_a_damaged_library_is_made_again_and_leftovers_are_removed(load: Run, tmp_path: Path) -> None:
    whole, kept = made_library().read_bytes(), tmp_path / "cache" / made_library().name
    kept.parent.mkdir()
    left = kept.parent / "building-1"
    left.mkdir()
    (left / "nodes.o").write_bytes(b"")
    os.utime(left, (0, 0))
    for damage in (whole[:50_000], b"", whole[:-1] + b"x"):
        kept.write_bytes(damage)
        assert not is_whole(kept)
        assert load()[0] == "compiled now"
        assert list(kept.parent.iterdir()) == [kept]
        assert is_whole(kept)


def test_a_library_that_lacks_a_function_is_made_again(load: Run, tmp_path: Path) -> None:
    lacking = "library.functions = lambda names=library.functions(): (*names, 'neuronas_new')"
    origin, _, reason, errors = load(lacking)
    assert (origin, errors.count("\n")) == (None, 1)
    assert "lacks neuronas_new" in reason
    assert reason in errors
    assert not list((tmp_path / "cache").iterdir())
    load()
    once = """
answers = iter((("neuronas_new",), library.functions()))
library.functions = lambda: next(answers)
"""
    assert load(once)[0] == "compiled now"  # the cached one lacks it, the new one does not
    assert load()[0] == "from the cache"


def test_another_processor_sources_or_c_library_get_another_file(load: Run, tmp_path: Path) -> None:
    """As with a home folder shared by several machines."""
    names = {library_name(target, c) for target in TARGETS for c in ("glibc 2.31", "glibc 2.36", "not GNU")}
    assert len(names) == 3 * len(TARGETS)
    assert {target.name for target in TARGETS} == {name.split("-")[1] for name in names}
    assert load()[0] == "compiled now"
    other_c_library = "library._c_library = lambda: 'glibc 2.17'"
    assert load(other_c_library)[0] == "compiled now"
    assert load(other_c_library)[0] == load()[0] == "from the cache"
    weaker = [target for target in TARGETS if target.is_supported][1:]
    for target in weaker:  # library of the fake compiler, file name of the target
        assert load(NEURONAS_TARGET=target.name)[0] == "compiled now"
    assert len(list((tmp_path / "cache").iterdir())) == 2 + len(weaker)


def test_without_a_compiler_one_line_says_so(load: Run, tmp_path: Path) -> None:
    origin, _, reason, errors = load(CXX="no-such-compiler", PATH="/nowhere")
    assert (origin, reason) == (None, "C++ compiler not found; install g++ for a faster search")
    assert errors.splitlines() == [f"slower with the same result, because there are no compiled kernels: {reason}"]
    assert not (tmp_path / "cache").exists()


def test_without_a_cache_nothing_is_left_behind_and_children_do_not_compile(load: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    child = (
        "import os, subprocess, sys; from pathlib import Path\n"
        "(made,) = Path(os.environ['NEURONAS_CACHE']).iterdir(); before = made.stat().st_mtime_ns\n"
        "subprocess.run([sys.executable, '-c', "
        "\"from neuronas.kernels.library import native; assert native().origin == 'from the cache'\"], check=True)\n"
        "assert [made] == list(made.parent.iterdir()) and made.stat().st_mtime_ns == before"
    )
    origin, path, _, errors = load(after=child, NEURONAS_CACHE=tmp_path / "file")
    assert (origin, errors) == ("compiled now", "")
    assert path.startswith(str(tmp_path / "tmp"))
    assert not list((tmp_path / "tmp").iterdir())
    assert n_compiled(tmp_path) == 1


@pytest.mark.parametrize("options", ["size=64k", "noexec", "ro"])
def test_a_cache_that_is_full_or_cannot_run_or_be_written_is_left_alone(
    options: str, load: Run, mount: Callable[..., Path], tmp_path: Path
) -> None:
    cache = mount("other", options)
    origin, path, _, errors = load(NEURONAS_CACHE=cache)
    assert (origin, errors) == ("compiled now", "")
    assert path.startswith(str(tmp_path / "tmp"))
    assert not list(cache.iterdir())
    assert not list((tmp_path / "tmp").iterdir())


def test_a_full_folder_of_temporary_files_does_not_matter(
    load: Run, mount: Callable[..., Path], tmp_path: Path
) -> None:
    full = mount("full", "size=64k")
    with pytest.raises(OSError, match="No space"):
        (full / "file").write_bytes(bytes(2**17))
    assert load(TMPDIR=full)[0] == "compiled now"
    assert (tmp_path / "calls").read_text().startswith(f"{tmp_path}/cache/building-")  # also the compiler's files


def test_where_no_folder_serves_one_line_says_why(load: Run, mount: Callable[..., Path], tmp_path: Path) -> None:
    cache, temporary = mount("cache", "noexec"), mount("full", "size=64k")
    none_else = "from neuronas.kernels import folders; folders._TEMPORARY = ()"
    origin, _, reason, errors = load(none_else, NEURONAS_CACHE=cache, TMPDIR=temporary)
    assert (origin, errors.count("\n")) == (None, 1)
    assert "noexec" in reason
    assert "No space left" in reason
    assert "set NEURONAS_CACHE" in reason
    assert not [*cache.iterdir(), *temporary.iterdir()]


def test_a_cache_that_was_mounted_noexec_later_is_left_alone(
    load: Run, mount: Callable[..., Path], tmp_path: Path
) -> None:
    cache = mount("other", "size=64m")
    assert load(NEURONAS_CACHE=cache)[0] == "compiled now"
    subprocess.run(["mount", "-o", "remount,noexec", str(cache)], check=True)
    origin, path, _, errors = load(NEURONAS_CACHE=cache)
    assert (origin, errors) == ("compiled now", "")
    assert path.startswith(str(tmp_path / "tmp"))


def test_a_read_only_cache_that_another_processor_filled_does_not_matter(
    load: Run, mount: Callable[..., Path], tmp_path: Path
) -> None:
    """As on a cluster node with a read-only home folder; the folder of temporary files may be mounted noexec."""
    strongest, *weaker = [target.name for target in TARGETS if target.is_supported]
    if not weaker:
        pytest.skip(f"this processor has {strongest} only")
    cache, noexec = mount("home", "size=64m"), mount("noexec", "noexec")
    assert load(NEURONAS_TARGET=strongest, NEURONAS_CACHE=cache)[0] == "compiled now"
    (kept,) = cache.iterdir()
    subprocess.run(["mount", "-o", "remount,ro", str(cache)], check=True)
    for temporary in (tmp_path / "tmp", noexec):
        origin, path, _, errors = load(NEURONAS_TARGET=weaker[0], NEURONAS_CACHE=cache, TMPDIR=temporary)
        assert (origin, errors) == ("compiled now", "")
        assert not path.startswith(str(cache))
        assert path.startswith(str(temporary)) == (temporary != noexec)
        assert not list(temporary.iterdir())
    assert load(NEURONAS_TARGET=strongest, NEURONAS_CACHE=cache)[0] == "from the cache"
    assert list(cache.iterdir()) == [kept]


def test_two_processes_may_compile_at_once(compiler: Path, tmp_path: Path) -> None:
    with compiler.open("a") as script:
        script.write('if [ "$links" ]; then sleep 0.5; fi\n')
    given = {**os.environ, "CXX": str(compiler), "NEURONAS_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", LOAD.format(before="", after="")]
    both = [subprocess.Popen(command, env=given, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert {reason for _, _, reason in answers} == {""}
    (kept,) = (tmp_path / "cache").iterdir()
    assert is_whole(kept)


SEARCH = (
    "search", "--channels", "4", "--batch-size", "8", "--image-side", "8", "--algorithm", "snasnet", "--n-draws", "4",
)  # fmt: skip


@pytest.mark.slow
def test_a_search_without_kernels_gives_the_same_numbers_and_one_line(tmp_path: Path) -> None:
    def search(**environment: str) -> tuple[dict[str, object], str]:
        command = [sys.executable, "-m", "neuronas", *SEARCH, "--json", "--quiet"]
        given = {**os.environ, **environment}
        done = subprocess.run(command, env=given, cwd=tmp_path, capture_output=True, text=True, check=True)
        return json.loads(done.stdout), done.stderr

    (found, _), (slower, errors) = search(), search(CXX="none", PATH="/nowhere", NEURONAS_CACHE=str(tmp_path / "cache"))
    same = ("architecture", "fitness", "n_evaluated", "cost")
    assert [found[name] for name in same] == [slower[name] for name in same]
    assert [line for line in errors.splitlines() if "kernels" in line] == [
        "slower with the same result, because there are no compiled kernels: C++ compiler not found; "
        "install g++ for a faster search"
    ]

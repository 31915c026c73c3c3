"""Runs commands with hostile input: bad values for each option, and runs with each file damaged in turn.

    python tests/fuzz/hostile.py [--verbs search estimate …] [--seconds 20] [--out FILE.json]

The options are read from the command, so that none is missed; ``search`` and ``train`` get ``--dry-run``. Each command
must end with an exit code of the contract, within a limit of CPU time, without a traceback; if it is rejected, with one
line on standard error and without new files or folders. Exit code 1 if one does not.
"""

import argparse
import contextlib
import io
import json
import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from neuronas.cli.main import app, run

CELL = "|conv_3x3~0|+|skip~0|skip~1|+|skip~0|skip~1|conv_3x3~2|"
BASE = {
    "search": ("--dry-run",), "train": (CELL, "--dry-run"), "estimate": (CELL,), "report": ("run",), "doctor": (),
    "compare": ("run", "other"), "evaluate": ("run",), "export": ("run", "--format", "integer"),
}  # fmt: skip
"""Arguments that each command needs before its options are checked."""
SMALL = ("--algorithm", "snasnet", "--n-draws", "4", "--channels", "2", "--quiet")
MADE_BY = (
    ("search", *SMALL, "--seed", "1", "--out", "other"), ("search", *SMALL, "--out", "run"),
    ("train", "run", "--epochs", "1", "--quiet"), ("evaluate", "run", "--chip", "--chips", "2", "--quiet"),
    ("evaluate", "run", "--quiet"),
)  # fmt: skip
"""The two runs."""
NO_VALUE = {"--help", "--version"}
VALUES = (
    "", " ", "-1", "0", "1e999", "nan", "-inf", "0x10", "9" * 400, "\udcff", "\x1b[31mred", "[red]", "é😀", "A" * 5000,
    "|", "imagefolder:", "imagefolder:missing", "imagefolder:folder", "missing/file.yaml", "folder", "pipe", "loop",
    "nowhere", "/dev/null", "/dev/full", "/proc/self/mem", "binary", "run", "deep.yaml", "link.yaml",
)  # fmt: skip
CODES = {0, 2, 3, 4}
_HANGS_S = 120
"""Wall-clock limit, for commands that wait without computing."""


class _TooLong(BaseException):
    """A command that takes too long."""


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Case:
    """A command, what was damaged for it, and how to restore that."""

    command: list[str]
    spoilt: str = ""
    restore: Callable[[], None] = _nothing


def main() -> int:
    """Try all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verbs", nargs="*", default=list(BASE))
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    out = given.out.resolve() if given.out else None
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, _too_long)
    counts: dict[str, Counter[int]] = {}
    faults = []
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        _fill(Path())
        for verb in given.verbs:
            counts[verb] = Counter()
            for case in _cases(verb):
                code, fault = _try(case.command, given.seconds)
                case.restore()
                counts[verb][code] += 1
                if fault:
                    faults.append({"command": case.command, "spoilt": case.spoilt, "code": code, "fault": fault})
                    print(
                        f"{[word[:60] for word in case.command]}, {case.spoilt or 'nothing'} spoilt: {fault}",
                        flush=True,
                    )
            print(f"{verb}: {sum(counts[verb].values())} commands, exit codes {dict(counts[verb])}", flush=True)
        os.chdir("/")
    n = sum(sum(one.values()) for one in counts.values())
    print(f"{n} commands, {len(faults)} faults")
    if out:
        codes = {verb: {str(code): one[code] for code in sorted(one)} for verb, one in counts.items()}
        out.write_text(json.dumps({"commands": n, "faults": faults, "exit_codes": codes}, indent=2) + "\n")
    return int(bool(faults))


def _cases(verb: str) -> Iterator[Case]:
    whole = [verb, *BASE[verb]]
    command: Any = typer.main.get_command(app)
    for parameter in command.commands[verb].params:
        name = parameter.opts[0]
        if getattr(parameter, "is_flag", False) or name in NO_VALUE:
            continue
        for value in VALUES:
            if parameter.param_type_name == "option":
                yield Case([*whole, f"{name}={value}"])
            else:
                yield Case([verb, value, *BASE[verb][1:]])
    if "run" in BASE[verb] or verb == "estimate":
        yield from _on_spoilt_runs(["estimate", "run"] if verb == "estimate" else whole)


def _on_spoilt_runs(command: list[str]) -> Iterator[Case]:
    for path in sorted(path for path in Path("run").rglob("*") if path.is_file()):
        kept = path.read_bytes()

        def restore(path: Path = path, kept: bytes = kept) -> None:
            _remove(path)
            path.write_bytes(kept)

        for content in (b"", b"null", b"[]", b"{}", b"\xff\xfe\0", b"[" * 100_000, kept[: len(kept) // 2], kept[:-1]):
            path.write_bytes(content)
            yield Case(command, f"{path} ({content[:10]!r}, {len(content)} bytes)", restore)
        for what, spoil in (
            ("a folder", path.mkdir), ("a pipe", lambda path=path: os.mkfifo(path)),
            *((f"a link to {to}", lambda path=path, to=to: path.symlink_to(to))
              for to in (path.name, "/dev/zero", "/proc/kmsg")),
        ):  # fmt: skip
            _remove(path)
            spoil()
            yield Case(command, f"{path} ({what})", restore)


def _try(command: list[str], seconds: float) -> tuple[int, str]:
    """Run one case; return the exit code, and the fault, if any."""
    before = _listing()
    out, err = io.StringIO(), io.StringIO()
    code = -1
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(_HANGS_S)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(command)
    except _TooLong:
        return code, f"more than {seconds:g} s"
    except BaseException:  # noqa: BLE001 - whatever comes is what is looked for
        return code, traceback.format_exc()[-1500:]
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
    new = _listing() - before
    for path in sorted(new, reverse=True):
        _remove(Path(path))
    said = err.getvalue()
    if code not in CODES:
        return code, f"exit code {code}"
    if "Traceback" in said + out.getvalue():
        return code, "a traceback"
    if code and (said.count("\n") != 1 or len(said) > 7000 or "\x1b" in said):
        return code, f"refused in {said.count(chr(10))} lines of {len(said)} characters: {said[:300]!r}"
    if code and new:
        return code, f"refused, and left {sorted(new)}"
    return code, ""


def _fill(place: Path) -> None:
    """Files of the wrong kind, and a run."""
    (place / "folder").mkdir()
    os.mkfifo(place / "pipe")
    (place / "loop").symlink_to("loop")
    (place / "nowhere").symlink_to("missing")
    (place / "link.yaml").symlink_to("/dev/zero")
    (place / "binary").write_bytes(bytes(range(256)) * 8)
    (place / "deep.yaml").write_text("[" * 100_000)
    for command in MADE_BY:
        with contextlib.redirect_stdout(sys.stderr):
            if run(list(command)):
                raise SystemExit(f"{' '.join(command)}: failed, so there is no run to spoil")


def _listing() -> set[str]:
    return {str(path) for path in Path().rglob("*")}


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _too_long(*_: object) -> None:
    raise _TooLong


if __name__ == "__main__":
    sys.exit(main())

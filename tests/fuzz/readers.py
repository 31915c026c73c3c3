"""Fuzzes the readers, guided by coverage, until a time limit; needs atheris (``pip install atheris``).

    python tests/fuzz/readers.py [READER …] [--seconds 60] [--out FILE.json] [--findings DIR]

Each reader runs in a separate process, with limits on memory and on the time per input. Times are CPU times, so that
other programs can run at the same time. A fault (a traceback, a hang, memory beyond the limit, a wrong exit code) ends
its run, and the input is stored in DIR. Exit code 1 if there is any.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random

_ONE_INPUT_S, _MEMORY_MB, _LONGEST = 20, 3000, 20_000
_HANGS_S = 3600
"""Wall-clock limit, for hangs without computation."""


def main() -> int:
    """Fuzz the readers one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--findings", type=Path, default=Path("findings"))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        _fuzz(given.readers[0], given.seconds, given.seed, given.findings)
    from targets import TARGETS

    readers, failed = {}, False
    for name in given.readers or TARGETS:
        command = [sys.executable, __file__, name, "--inside", "--seconds", str(given.seconds), "--seed",
                   str(given.seed), "--findings", str(given.findings)]  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
        counted = re.findall(r"^#(\d+)", done.stderr, re.M)
        n_inputs = int(counted[-1]) if counted else 0
        readers[name] = {"inputs": n_inputs, "found": done.returncode != 0}
        print(f"{name}: {n_inputs:,} inputs, {'FOUND' if done.returncode else 'nothing found'}", flush=True)
        if done.returncode:
            failed = True
            print(done.stderr[-3000:])
        if given.out:
            given.out.write_text(json.dumps({"seconds_each": given.seconds, "readers": readers}, indent=2) + "\n")
    return int(failed)


class _TooLong(BaseException):
    """An input that takes too long."""


def _fuzz(name: str, seconds: int, seed: int, findings: Path) -> None:
    import atheris

    # Tracing the YAML parser takes most of the time; one reader that does so is enough.
    parsers = ["yaml"] if name == "configuration" else []
    with atheris.instrument_imports(include=["neuronas", "PIL", "tarfile", "zipfile", *parsers]):
        from targets import TARGETS, check
    target = TARGETS[name]

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        found = target.change(data, random) if target.change and random.random() < 0.7 else None
        return atheris.Mutate(data, longest) if found is None else found[:longest]

    n_inputs, started = 0, time.process_time()

    def one(data: bytes) -> None:
        nonlocal n_inputs
        if time.process_time() - started > seconds:
            shutil.rmtree(place, ignore_errors=True)
            print(f"#{n_inputs}", file=sys.stderr, flush=True)
            os._exit(0)
        n_inputs += 1
        signal.setitimer(signal.ITIMER_PROF, _ONE_INPUT_S)
        check(target, work, data)
        signal.setitimer(signal.ITIMER_PROF, 0)

    signal.signal(signal.SIGPROF, _too_long)
    findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / part for part in ("work", "corpus", "seeds")]
        for folder in folders:
            folder.mkdir()
        work, corpus, seeds = folders
        for number, content in enumerate(target.seeds(seeds)):
            (corpus / f"seed{number}").write_bytes(content)
        arguments = [
            sys.argv[0], f"-timeout={_HANGS_S}", f"-rss_limit_mb={_MEMORY_MB}",
            f"-max_len={_LONGEST}", f"-seed={seed}", f"-artifact_prefix={findings}/{name}-", str(corpus),
        ]  # fmt: skip
        atheris.Setup(arguments, one, **({"custom_mutator": mutate} if target.change else {}))
        atheris.Fuzz()


def _too_long(*_: object) -> None:
    raise _TooLong(f"one input took more than {_ONE_INPUT_S} s of the processor")


if __name__ == "__main__":
    sys.exit(main())

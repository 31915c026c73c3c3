"""Feeds the readers with changed examples, led by coverage, until time is up; needs atheris (``pip install atheris``).

    python tests/fuzz/readers.py [READER …] [--seconds 60] [--one-input 20] [--out FILE.json] [--findings DIR]

Each reader runs in a process of its own, with limits on memory and on the time for one input. What it should not do
(a traceback, a hang, memory beyond the limit, a wrong exit code) ends its run; the input is kept in DIR. Exit code 1
where there is any.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from random import Random

_MEMORY_MB, _LONGEST = 3000, 20_000


def main() -> int:
    """Fuzz the readers one after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--one-input", type=int, default=20, metavar="SECONDS", help="by the clock; more when busy")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--findings", type=Path, default=Path("findings"))
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        _fuzz(given.readers[0], given.seconds, given.one_input, given.seed, given.findings)
    from targets import TARGETS

    readers, failed = {}, False
    for name in given.readers or TARGETS:
        command = [sys.executable, __file__, name, "--inside", "--seconds", str(given.seconds), "--seed",
                   str(given.seed), "--one-input", str(given.one_input), "--findings", str(given.findings)]  # fmt: skip
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


def _fuzz(name: str, seconds: int, one_input: int, seed: int, findings: Path) -> None:
    import atheris

    # Following paths through the parser of YAML costs most of the time; one reader that does so is enough.
    parsers = ["yaml"] if name == "configuration" else []
    with atheris.instrument_imports(include=["neuronas", "PIL", "tarfile", "zipfile", *parsers]):
        from targets import TARGETS, check
    target = TARGETS[name]

    def mutate(data: bytes, longest: int, seed: int) -> bytes:
        random = Random(seed)
        found = target.change(data, random) if target.change and random.random() < 0.7 else None
        return atheris.Mutate(data, longest) if found is None else found[:longest]

    findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        folders = [Path(place) / part for part in ("work", "corpus", "seeds")]
        for folder in folders:
            folder.mkdir()
        work, corpus, seeds = folders
        for number, content in enumerate(target.seeds(seeds)):
            (corpus / f"seed{number}").write_bytes(content)
        arguments = [
            sys.argv[0], f"-max_total_time={seconds}", f"-timeout={one_input}", f"-rss_limit_mb={_MEMORY_MB}",
            f"-max_len={_LONGEST}", f"-seed={seed}", f"-artifact_prefix={findings}/{name}-", str(corpus),
        ]  # fmt: skip
        atheris.Setup(arguments, partial(check, target, work), **({"custom_mutator": mutate} if target.change else {}))
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())

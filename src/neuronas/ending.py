"""End of the process, always with the exit code of the command."""

import gc
import signal
import sys
from collections import namedtuple
from typing import NoReturn

INTERRUPTED = 130


def end(code: int) -> NoReturn:
    """Exit. All output must have been written before."""
    # Ctrl-C while the interpreter shuts down must not change the exit code.
    for late in (signal.SIGINT, signal.SIGTERM):
        signal.signal(late, signal.SIG_IGN)
    # After Ctrl-C during a compilation of source text, as for a dataclass, `python -m` would end by SIGINT instead of
    # with the exit code; another compilation resets that (CPython 3.11 to 3.13, run_eval_code_obj, pythonrun.c).
    namedtuple("Forget", ())
    # Skip the last garbage collection, which takes a fifth of the time of torch's import. Triton, which SpikingJelly
    # imports, would report objects that are not collected as leaks, in some forty lines.
    if "triton._C.libtriton" not in sys.modules:
        gc.freeze()
    sys.exit(code)

"""How the command ends: with its exit code, whatever happens last."""

import gc
import signal
import sys
from collections import namedtuple
from typing import NoReturn

INTERRUPTED = 130


def end(code: int) -> NoReturn:
    """Exit; everything has been written."""
    # Ctrl-C while the interpreter takes itself down must not change the answer.
    for late in (signal.SIGINT, signal.SIGTERM):
        signal.signal(late, signal.SIG_IGN)
    # Where Ctrl-C came while Python compiled a text, as for a dataclass, `python -m` would end by SIGINT instead of
    # with the exit code; compiling another one makes it forget (CPython 3.11 to 3.13, run_eval_code_obj, pythonrun.c).
    namedtuple("Forget", ())
    # Nothing is searched for garbage once more, which takes as long as a fifth of torch's import. Triton, which
    # SpikingJelly imports, would call what is not collected a leak, in some forty lines.
    if "triton._C.libtriton" not in sys.modules:
        gc.freeze()
    sys.exit(code)

"""Build step of the wheel: compiles the kernels into it, so that an installation needs no compiler.

The kernels are compiled for every instruction set of this processor's kind, or only for ``NEURONAS_TARGET``. Without a
compiler, with ``NEURONAS_NATIVE=0`` or on systems other than Linux, the wheel contains only the sources, as do editable
installations; the kernels are then compiled on first use.
"""

import os
import platform
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_OLDEST = (2, 17)
"""The oldest version of glibc that platform tags support on every processor (PEP 600)."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Build hook called by hatchling."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile the kernels and add them to the wheel."""
        if version != "standard" or platform.system() != "Linux" or os.environ.get("NEURONAS_NATIVE") == "0":
            return
        sys.path.insert(0, str(Path(self.root) / "src"))
        try:
            from neuronas.kernels.compiler import PREBUILT, compile_libraries, find_compiler, library_name
            from neuronas.kernels.targets import TARGETS
        finally:
            sys.path.pop(0)
        targets = {target.name: target for target in TARGETS if target.machine == platform.machine()}
        if only := os.environ.get("NEURONAS_TARGET"):
            if only not in targets:
                raise ValueError(f"NEURONAS_TARGET={only} given; expected one of {', '.join(targets)}")
            targets = {only: targets[only]}
        n_processes = len(os.sched_getaffinity(0))
        self._folder = tempfile.TemporaryDirectory(prefix="neuronas-wheel-")
        try:
            made = compile_libraries(
                find_compiler("C++"), [*targets.values()], Path(self._folder.name), n_processes, portable=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            self.app.display_warning(f"the wheel holds no compiled kernels: {' '.join(str(error).split())[:200]}")
            return
        if not made:
            return
        c_library, tag = _c_library(made.values())
        place = Path("neuronas") / PREBUILT.relative_to(PREBUILT.parents[1])
        for target, library in made.items():
            build_data["force_include"][str(library)] = str(place / library_name(target, c_library))
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}_{platform.machine()}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the compiled files."""
        if folder := getattr(self, "_folder", None):
            folder.cleanup()


def _c_library(libraries: Iterable[Path]) -> tuple[str, str]:
    """The C library needed by compiled libraries, and the platform tag, from the newest symbol version they require."""
    needed = [
        (int(major), int(minor))
        for library in libraries
        for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", library.read_bytes())
    ]
    if not needed:
        return "not GNU", "linux"
    return "glibc", "manylinux_{}_{}".format(*max(*needed, _OLDEST))

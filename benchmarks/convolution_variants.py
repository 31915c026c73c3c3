"""Dense and event-driven ways to convolve spikes, on one core (see convolution_variants.cpp).

python benchmarks/convolution_variants.py
"""

import json
import subprocess
import tempfile
from pathlib import Path

from common import write

SOURCE = Path(__file__).with_suffix(".cpp")
IMAGES, SIDE = 16, 32


def main() -> None:
    """Compile and run; print and write the result."""
    has_avxvnni = " avx_vnni " in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "variants"
        options = ["-O3", "-std=c++17", "-Wno-psabi", f"-DHAS_AVXVNNI={int(has_avxvnni)}"]
        subprocess.run(["c++", *options, "-o", program, SOURCE], check=True)
        lines = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    for row in rows:
        print(f"{row['channels']:4} channels, {row['spikes']:4.0%} spikes: {row['gmacs_per_s']:6} GMAC/s  {row['way']}")
    write(
        "convolution_variants",
        {"what": "3x3 convolutions of an image of 32x32, one core, processor time", "rows": rows},
    )


if __name__ == "__main__":
    main()

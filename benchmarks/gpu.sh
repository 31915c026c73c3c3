#!/usr/bin/env bash
# Installs, tests and measures everything on a machine with a CUDA device.
#
#     benchmarks/gpu.sh OUT IMAGES [WHEELS]
#
# OUT: folder for the results. IMAGES: CIFAR-10 as train/CLASS/* and test/CLASS/*. WHEELS: folder of wheels, for a machine
# without a package index; torch must be installed there already.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$1 images=$2 wheels=${3:-}
mkdir -p "$out"
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv > "$out/gpu.txt"

venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
python3 -m venv --system-site-packages "$venv"
"$venv/bin/pip" install -q ${wheels:+--no-index --find-links "$wheels"} -e '.[dev]'

# Failures are reported at the end, so that the remaining steps still run.
failed=()
"$venv/bin/pytest" tests/test_cuda.py tests/test_lif_cuda.py 2>&1 | tee "$out/tests.txt" || failed+=(tests)
"$venv/bin/python" benchmarks/full_scale.py "imagefolder:$images" --exact --device cuda --memory-limit 64 2>&1 | tee "$out/search.txt" \
    || failed+=(search)
cp benchmarks/results/full_scale-*-cuda*.json "$out" || failed+=("search's result")
# Four convolutions per cell, full scale, one epoch by default: metrics.jsonl and the log contain the time of an epoch.
arch='|conv_3x3~0|+|skip~0|conv_3x3~1|+|conv_3x3~0|skip~1|conv_3x3~2|'
time "$venv/bin/neuronas" train "$arch" --dataset "imagefolder:$images" --head gap --epochs "${EPOCHS:-1}" --batch-size 128 \
    --device cuda --out "$out/run" 2>&1 | tee "$out/train.txt" || failed+=(training)
"$venv/bin/neuronas" evaluate "$out/run" --device cuda --json > "$out/evaluation.json" || failed+=(evaluation)
"$venv/bin/pytest" tests/test_engine.py tests/test_training.py 2>&1 | tee "$out/other-tests.txt" || failed+=("other tests")
[ "${#failed[@]}" -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }

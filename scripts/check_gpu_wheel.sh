#!/usr/bin/env bash
# By hand: does sweep work with paddlepaddle-gpu 2.6.2, which the extra `gpu` installs from PyPI? Installs it into a
# temporary environment (about 6 GB) and runs the main job in both start modes. Needs no GPU. Prints the verdicts of the
# ranking; exit code 1 if they are not those of conf/task/digits_cnn_overregularised.yaml.
#
#   scripts/check_gpu_wheel.sh [VERSION]
set -uo pipefail
cd "$(dirname "$0")/.."
version=${1:-2.6.2}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$work/venv/bin

python3 -m venv "$work/venv" || exit 1
"$bin/pip" install --quiet --no-cache-dir "paddlepaddle-gpu==$version" -e ".[gpu,examples]" || exit 1
"$bin/python" -c 'import paddle, numpy; print("paddle", paddle.__version__, "numpy", numpy.__version__)'

failed=0
for start in warm cold; do
  results=$work/$start
  if ! "$bin/python" -m sweep +ablation=regularization launcher.start=$start results="$results" \
    store.url="sqlite:///$results/sweep.db" >"$work/log" 2>&1; then
    tail -n 40 "$work/log"
    echo "FAILED: main job, launcher.start=$start"
    failed=1
    continue
  fi
  "$bin/python" - "$start" "$results/digits_cnn_overregularised-regularization/summary.json" <<'PY' || failed=1
import json
import sys

start, file = sys.argv[1:]
summary = json.load(open(file))
found = {toggle["toggle"]: toggle["status"] for toggle in summary["toggles"]}
expected = {"dropout=off": "restores", "augmentation=off": "restores", "weight_decay=off": "no_effect"}
word = "passed" if found == expected else "FAILED"
print(f"{word}: main job, launcher.start={start}, in {summary['cost']['wall_s']:.0f} s: {found}")
sys.exit(found != expected)
PY
done
exit "$failed"

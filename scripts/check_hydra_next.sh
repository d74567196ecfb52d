#!/usr/bin/env bash
# By hand: does sweep work with the next Hydra? Installs sweep into a temporary environment, then hydra-core 1.4.0rc3 and
# omegaconf 2.4.1rc1 (or the given versions), ignoring the bounds of pyproject.toml. Runs the unit and property tests, the
# integration tests of configs and searches, and the main job, with warnings as errors. Prints what passed; exit code 1 if
# anything failed.
#
#   scripts/check_hydra_next.sh [HYDRA_VERSION OMEGACONF_VERSION]
set -uo pipefail
cd "$(dirname "$0")/.."
hydra=${1:-1.4.0rc3}
omegaconf=${2:-2.4.1rc1}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bin=$work/venv/bin

python3 -m venv "$work/venv" || exit 1
"$bin/pip" install --quiet -e ".[cpu,examples,test]" || exit 1
# pip warns about the bounds that this ignores, as intended.
"$bin/pip" install --quiet --pre "hydra-core==$hydra" "omegaconf==$omegaconf" || exit 1
"$bin/python" -c 'import hydra, omegaconf; print("hydra-core", hydra.__version__, "omegaconf", omegaconf.__version__)'

export HYDRA_DEPRECATION_WARNINGS_AS_ERRORS=1
failed=0
check() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    echo "passed: $name ($(tail -n 1 "$work/log"))"
  else
    tail -n 40 "$work/log"
    echo "FAILED: $name"
    failed=1
  fi
}

check "unit and property tests" "$bin/python" -m pytest -n 2 -q tests/unit tests/property
check "integration tests of configs and searches" "$bin/python" -m pytest -n 2 -q tests/integration/test_config_*.py \
  tests/integration/test_{lr_range_config,regression_config,names_on_record,driver_optuna,stage_plan}.py
check "main job" "$bin/python" -W error -m sweep +ablation=regularization results="$work/results" \
  store.url="sqlite:///$work/results/sweep.db"
exit "$failed"

#!/usr/bin/env bash
# One night of a regression, for cron:  15 2 * * *  /path/to/scripts/nightly.sh
# On a good night it prints nothing and ends with 0; else it prints the end of its log and returns the exit code of sweep
# (3 a regression was found, 1 it could not be completed or another night is running, 2 usage or config error).
set -euo pipefail

usage() {
  cat <<'TEXT'
usage: nightly.sh [-C DIR] [-p PYTHON] [-l LOGS] [-k KEEP] [--] [OPTIONS AND OVERRIDES OF python -m sweep]

  -C DIR     the project, with tasks, configs and results (default: the folder above this script)
  -p PYTHON  the Python with sweep installed (default: $PYTHON, DIR/.venv, the active environment, python3)
  -l LOGS    the folder of the logs (default: DIR/results/nightly-logs)
  -k KEEP    the number of logs to keep (default: 30)
  -v         print the whole log while it is written, whatever the outcome
  -h         print this text

Without +regression=NAME among the overrides, it runs +regression=nightly. LOGS/latest.log is the last night's log.
TEXT
}

fail() {
  echo "nightly.sh: $*" >&2
  exit "${code:-2}"
}

here=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
folder=$here/..
python=${PYTHON:-}
logs=
keep=30
verbose=no
while getopts ':C:p:l:k:vh' option; do
  case $option in
    C) folder=$OPTARG ;;
    p) python=$OPTARG ;;
    l) logs=$OPTARG ;;
    k) keep=$OPTARG ;;
    v) verbose=yes ;;
    h) usage; exit 0 ;;
    :) fail "-$OPTARG needs a value (nightly.sh -h explains)" ;;
    *) fail "unknown option -$OPTARG (nightly.sh -h explains)" ;;
  esac
done
shift $((OPTIND - 1))

[[ $keep =~ ^[1-9][0-9]*$ ]] || fail "-k must be a whole number, 1 or more: $keep"
[[ -d $folder ]] || fail "there is no folder $folder"
[[ -z $logs || $logs = /* ]] || logs=$PWD/$logs # relative to the current folder, not to the project
if [[ $python = */* && $python != /* ]]; then python=$PWD/$python; fi
cd -- "$folder"
folder=$PWD
logs=${logs:-$folder/results/nightly-logs}

if [[ -z $python ]]; then
  for python in "$folder/.venv/bin/python" "${VIRTUAL_ENV:+$VIRTUAL_ENV/bin/python}" python3 python; do
    if [[ -n $python ]] && command -v -- "$python" >/dev/null; then break; fi
  done
fi
command -v -- "$python" >/dev/null || fail "there is no Python $python; -p names another"
"$python" -c 'import sweep' 2>/dev/null || fail "$python has no sweep; -p names another Python"

regression=+regression=nightly
for word in "$@"; do
  if [[ $word = +regression=* ]]; then regression=; fi
done

mkdir -p -- "$logs"
exec 9>>"$logs/nightly.lock"
flock --nonblock 9 || code=1 fail "another night is running ($logs/nightly.lock is held)"

log=$logs/$(date -u +%Y%m%dT%H%M%SZ).$$.log
ln -sfn -- "${log##*/}" "$logs/latest.log"
code=0
# 9>&-: processes that sweep leaves running must not hold the lock.
if [[ $verbose = yes ]]; then
  "$python" -m sweep ${regression:+"$regression"} "$@" 9>&- 2>&1 </dev/null | tee -- "$log" || code=${PIPESTATUS[0]}
else
  "$python" -m sweep ${regression:+"$regression"} "$@" >"$log" 2>&1 9>&- </dev/null || code=$?
  if ((code != 0)); then
    echo "nightly.sh: exit code $code; the end of $log:"
    tail -n 40 -- "$log"
  fi
fi

# Names begin with the time, so sorting them by name sorts them by night.
find "$logs" -maxdepth 1 -type f -name '*T*Z.*.log' | sort -r | tail -n "+$((keep + 1))" | while IFS= read -r old; do
  rm -f -- "$old"
done
exit "$code"

#!/usr/bin/env bash
# hydra-core 1.3.8: a float range in a sweep override sometimes contains its stop.
#
# Expected: range(start,stop,step) excludes the stop, as documented and as in Python: range(0.1,0.4,0.1) gives 0.1, 0.2, 0.3.
# Happens:  the values are sums with a rounding error that grows, and one more job starts if a sum lies just below the stop:
#           range(0.1,0.4,0.1) and range(0.1,0.5,0.1) give the same 4 jobs, so the first one contains its stop, the second does not.
# Workaround: list the values (lr=0.1,0.2,0.3), or put the stop half a step before the first unwanted value: range(0.1,0.35,0.1).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq hydra-core==1.3.8 omegaconf==2.3.1

cat > app.py <<'PY'
import hydra


@hydra.main(version_base=None, config_path=None)
def main(cfg):
    print("value", cfg.lr)


main()
PY

swept() { venv/bin/python app.py -m "+lr=$1" hydra.sweep.dir=out 2>/dev/null | sed -n 's/^value //p' | tr '\n' ' '; }
venv/bin/python -c 'import hydra; print("hydra-core", hydra.__version__)'
with_stop=$(swept 'range(0.1,0.4,0.1)')
without_stop=$(swept 'range(0.1,0.5,0.1)')
half_step=$(swept 'range(0.1,0.35,0.1)')
echo "range(0.1,0.4,0.1):   $with_stop"
echo "range(0.1,0.5,0.1):   $without_stop"
echo "range(0.1,0.35,0.1):  $half_step"
four="0.1 0.2 0.30000000000000004 0.4 "
if [ "$with_stop" = "$four" ] && [ "$without_stop" = "$four" ] && [ "$half_step" = "0.1 0.2 0.30000000000000004 " ]; then
  echo "as described: range(0.1,0.4,0.1) contains its stop 0.4"
else
  echo "CHANGED: the behaviour is no longer as described"
  exit 1
fi

#!/usr/bin/env bash
# omegaconf 2.3.1: OmegaConf.missing_keys raises because of an interpolation that is unrelated to a missing key.
#
# Expected: missing_keys(cfg) lists the keys whose value is "???"; an interpolation is a given value, whatever it resolves to.
# Happens:  it resolves every interpolation. One that cannot be resolved yet (an unset environment variable, a key that is merged
#           in later) raises, so missing keys cannot be listed. So does one that refers to a missing key: as soon as a key with "???" is
#           referred to, missing_keys fails at the very key that it should report.
# Workaround: look for "???" in OmegaConf.to_container(cfg, resolve=False), or call missing_keys after everything has been merged.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq omegaconf==2.3.1

cat > show.py <<'PY'
import sys
from importlib.metadata import version

from omegaconf import OmegaConf

print("omegaconf", version("omegaconf"))


def outcome(values):
    try:
        result = str(sorted(OmegaConf.missing_keys(OmegaConf.create(values))))
    except Exception as error:
        result = type(error).__name__
    print(f"{values}: {result}")
    return result


seen = [
    outcome({"data": "???", "log": "out"}),
    outcome({"data": "???", "log": "${later}"}),
    outcome({"data": "???", "log": "${oc.env:A_VARIABLE_THAT_IS_NOT_SET}"}),
    outcome({"data": "???", "log": "${data}"}),
]
expected = ["['data']", "InterpolationKeyError", "InterpolationResolutionError", "InterpolationToMissingValueError"]
if seen != expected:
    sys.exit("CHANGED: the behaviour is no longer as described")
print("as described: an interpolation elsewhere makes missing_keys raise")
PY
venv/bin/python show.py

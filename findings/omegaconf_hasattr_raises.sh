#!/usr/bin/env bash
# omegaconf 2.3.1: four ways to ask whether a key with the value "???" exists give four answers, one of them an exception.
#
# Expected: a DictConfig that lists a key has it: key in cfg is True, hasattr(cfg, key) is True, getattr(cfg, key, default) gives a value.
# Happens:  cfg.keys() contains the key and len(cfg) counts it, but key in cfg is False, cfg.get(key, default) gives the default, and
#           hasattr and getattr with a default raise MissingMandatoryValue, which is not an AttributeError.
#           So a check for unknown keys that uses `in` rejects the keys that the user must set.
# Workaround: use key in cfg.keys() for "is it declared", OmegaConf.is_missing(cfg, key) for "must it be set", cfg.get(key, default)
#           for a value. Do not use hasattr or getattr on a config.
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
from omegaconf.errors import MissingMandatoryValue

print("omegaconf", version("omegaconf"))
cfg = OmegaConf.create({"data": "???", "log": "out"})


def attempt(ask):
    try:
        return ask()
    except MissingMandatoryValue as error:
        return type(error).__name__


answers = {
    "'data' in list(cfg)": "data" in list(cfg),
    "len(cfg)": len(cfg),
    "'data' in cfg": "data" in cfg,
    "'data' in cfg.keys()": "data" in cfg.keys(),
    "cfg.get('data', 'default')": cfg.get("data", "default"),
    "hasattr(cfg, 'data')": attempt(lambda: hasattr(cfg, "data")),
    "getattr(cfg, 'data', 'default')": attempt(lambda: getattr(cfg, "data", "default")),
    "OmegaConf.is_missing(cfg, 'data')": OmegaConf.is_missing(cfg, "data"),
}
for question, answer in answers.items():
    print(f"{question}: {answer}")
raised = "MissingMandatoryValue"
if list(answers.values()) != [True, 2, False, True, "default", raised, raised, True]:
    sys.exit("CHANGED: the behaviour is no longer as described")
print("as described: listed and counted, not `in`, and hasattr raises")
PY
venv/bin/python show.py

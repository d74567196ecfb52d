#!/usr/bin/env bash
# optuna 5.0.0: a TPE sampler accepts a setting of the wrong type, and fails only after its random start-up trials have run.
#
# Expected: TPESampler(n_ei_candidates=24.0), say from a YAML file, raises in the constructor, or 24.0 is treated as 24.
# Happens:  the constructor accepts it, and the first n_startup_trials trials run, because they are drawn at random. The first suggestion
#           by TPE itself raises a TypeError from inside a numerical routine that does not name the argument. With real training runs that is hours later.
# Workaround: convert and check the sampler's settings before the study, or ask for n_startup_trials + 1 suggestions of a throw-away study.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq optuna==5.0.0

cat > show.py <<'PY'
import sys

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
print("optuna", optuna.__version__)


def trials_until_error(**settings):
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(n_startup_trials=3, seed=0, **settings))
    for done in range(6):
        trial = study.ask()
        try:
            x = trial.suggest_float("x", 0.0, 1.0)
        except TypeError as error:
            print(f"{settings}: {done} trials run, then TypeError: {error}")
            return done
        study.tell(trial, x)
    print(f"{settings}: 6 trials run, no error")
    return None


seen = [trials_until_error(n_ei_candidates=value) for value in (24, 24.0, "24")]
if seen != [None, 3, 3]:
    sys.exit("CHANGED: the behaviour is no longer as described")
print("as described: accepted when made, TypeError at the first suggestion after the 3 random ones")
PY
venv/bin/python -W ignore show.py

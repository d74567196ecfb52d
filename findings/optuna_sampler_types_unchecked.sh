#!/usr/bin/env bash
# optuna 5.0.0: a TPE sampler with a setting of the wrong type is made, and fails only after the trials at the start have been paid for.
#
# Guess:    TPESampler(n_ei_candidates=24.0), say from a YAML file, is refused when it is made, or 24.0 is taken as 24.
# Happens:  it is made, and the first n_startup_trials trials run, as they are drawn at random. The first suggestion by TPE itself
#           raises a TypeError from inside a numerical routine, and it does not name the argument. With real trainings that is hours later.
# Live with it: convert and check the sampler's settings before the study, or ask for n_startup_trials + 1 suggestions of a throw-away study.
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

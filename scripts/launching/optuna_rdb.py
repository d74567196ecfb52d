"""Rival: two processes that share an Optuna study in a SQLite file. `python -m launching.optuna_rdb TRIALS KIND`.

Each process runs its trials itself, one after the other, which is how Optuna is used with several processes.
"""

import subprocess
import sys

import optuna

STORAGE, NAME = "sqlite:///optuna.db", "launch"


def work(trials: int, kind: str) -> None:
    from launching.training import trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.load_study(study_name=NAME, storage=STORAGE)
    study.optimize(lambda each: trial(kind, each.number)[-1][1], n_trials=trials)


def main(trials: int, kind: str) -> None:
    optuna.create_study(study_name=NAME, storage=STORAGE)
    halves = (trials - trials // 2, trials // 2)
    workers = [
        subprocess.Popen([sys.executable, "-m", "launching.optuna_rdb", str(n), kind, "work"]) for n in halves if n
    ]
    sys.exit(max(worker.wait() for worker in workers))


if __name__ == "__main__":
    (work if "work" in sys.argv else main)(int(sys.argv[1]), sys.argv[2])

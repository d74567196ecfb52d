"""Measure how the tasks behave over many seeds: the ground truth that conf/task/*.yaml states.

    python scripts/calibrate_default_task.py                        # default task, all 8 cells of `regularization`
    python scripts/calibrate_default_task.py --task digits_mlp diabetes --output results/benchmarks/healthy_tasks.json

Every trial runs its whole budget with this machine's paddle and is judged by sweep's target tracker, so the table also
shows how many runs reached the target and lost it again. Of the default task it trains the eight cells of dropout,
weight decay and augmentation; of any other task, its base.
"""

import argparse
import importlib
import json
import multiprocessing
import os
import platform
import statistics
import time
from dataclasses import replace
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from sweep.domain.target import Mode, Target
from sweep.domain.tracker import TargetTracker
from sweep.seeds import stream_seed
from sweep.study.regression.environment import processor
from sweep.task import TaskConfig

ROOT = Path(__file__).resolve().parent.parent
DEFAULT_TASK = "digits_cnn_overregularised"
AXES = ("dropout", "weight_decay", "augmentation")  # those of conf/ablation/regularization.yaml
Trial = tuple[str, tuple[str, ...], int]  # task, toggles, seed


class JudgedRun:
    """A Run (sweep.task) that writes nothing and passes each log to the target tracker."""

    def __init__(self, seed: int, target: Target) -> None:
        self.seed = seed
        self.dir = Path(os.devnull)
        self.tracker = TargetTracker(target)

    def stream(self, name: str) -> int:
        return stream_seed(self.seed, name)

    def watch(self, model: Any, optimizer: Any) -> None:
        pass

    def log(self, step: int, **metrics: float) -> None:
        self.tracker.update(step, metrics)

    def describe(self, **facts: float | str) -> None:
        self.tracker.learn(facts)

    def artifact(self, name: str) -> Path:
        return self.dir / name


def load(task: str, toggles: tuple[str, ...] = ()) -> tuple[dict[str, Any], Target]:
    """Return the resolved task section, with these toggles applied, and the target of a task's config."""
    conf = ROOT / "conf"
    merged: Any = OmegaConf.load(conf / "task" / f"{task}.yaml")
    for toggle in toggles:
        axis, _, level = toggle.partition("=")
        axes: Any = OmegaConf.load(conf / "axis" / f"{axis}.yaml")
        merged = OmegaConf.merge(merged, OmegaConf.from_dotlist(list(axes[axis].levels[level])))
    config: Any = OmegaConf.to_container(merged, resolve=True)
    wanted = config["converge"]
    target = Target(
        metric=wanted["metric"],
        mode=Mode(wanted["mode"]),
        threshold=wanted["target"],
        hold=wanted["hold"],
        budget_steps=wanted["budget_steps"],
        stop_early=wanted["stop_early"],
    )
    return config["task"], target


def run_trial(trial: Trial) -> dict[str, Any]:
    """Train one trial over its whole budget and return the judgement."""
    task, toggles, seed = trial
    section, target = load(task, toggles)
    module, _, function = section["_target_"].rpartition(".")
    run = JudgedRun(seed, replace(target, stop_early=False))
    started = time.process_time()
    getattr(importlib.import_module(module), function)(TaskConfig(section), run)
    state = run.tracker.state()
    return {
        "task": task,
        "toggles": toggles,
        "seed": seed,
        "tau": state.tau if state.divergence is None else None,
        "lost": state.lost_at is not None,
        "diverged": state.divergence is not None,
        "best": state.best,
        "cpu_s": time.process_time() - started,
    }


def summarise(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row per task and cell: how many seeds converged, when, and how far the best value was from it."""
    rows = []
    for task, toggles in dict.fromkeys((t["task"], t["toggles"]) for t in trials):
        cell = [t for t in trials if (t["task"], t["toggles"]) == (task, toggles)]
        taus = [t["tau"] for t in cell if t["tau"] is not None]
        best = [t["best"] for t in cell]
        rows.append(
            {
                "task": task,
                "toggles": list(toggles),
                "seeds": len(cell),
                "converged": len(taus),
                "lost_again": sum(t["lost"] for t in cell),
                "diverged": sum(t["diverged"] for t in cell),
                "median_tau": statistics.median(taus) if taus else None,
                "max_tau": max(taus, default=None),
                "best_min": round(min(best), 4),
                "best_max": round(max(best), 4),
                "median_cpu_s": round(statistics.median(t["cpu_s"] for t in cell), 2),
            }
        )
    return rows


def machine() -> dict[str, Any]:
    """Return the machine and versions that the figures were measured with."""
    packages = {name: version(name) for name in ("paddlepaddle", "numpy", "scikit-learn")}
    return {"cpu": processor(), "python": platform.python_version(), "packages": packages}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", nargs="+", default=[DEFAULT_TASK])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--output", type=Path, default=ROOT / "results" / "benchmarks" / "default_task.json")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"  # inherited by the pool, as in a trial's process
    trials: list[Trial] = []
    for task in options.task:
        sizes = range(len(AXES) + 1) if task == DEFAULT_TASK else [0]
        cells = [cell for size in sizes for cell in combinations([f"{axis}=off" for axis in AXES], size)]
        trials += [(task, cell, seed) for cell in cells for seed in range(options.seeds)]
    with multiprocessing.get_context("spawn").Pool(options.processes) as pool:
        rows = summarise(list(pool.imap(run_trial, trials)))
        pool.close()  # and wait: leaving the block would kill the workers by a signal, which Paddle reports as a crash
        pool.join()
    targets = {task: load(task)[1].to_mapping() for task in options.task}
    document = {
        "schema": 1,
        "seeds": list(range(options.seeds)),
        "targets": targets,
        "machine": machine(),
        "cells": rows,
    }
    options.output.write_text(json.dumps(document, indent=1) + "\n")
    for row in rows:
        cell = " + ".join(row["toggles"]) or "base"
        print(
            f"{row['task']:28} {cell:48} {row['converged']:2}/{row['seeds']}  lost again {row['lost_again']}  "
            f"tau median {row['median_tau']} max {row['max_tau']}  best {row['best_min']}-{row['best_max']}  "
            f"{row['median_cpu_s']} s"
        )


if __name__ == "__main__":
    main()

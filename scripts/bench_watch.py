"""Measure what `run.watch` costs: whole short trainings, watched and not, in pairs, in one process.

One training is 400 steps of a native task's network and optimizer, at its batch size, on batches made beforehand:
no evaluation, no augmentation, nothing logged, so that nothing but the step itself is what the monitor is compared
with. The watched one includes `run.watch` and the first step, which it watches most closely. Within a pair the order
alternates; the figure is the median of the pairs' ratios, with a bootstrap interval.

    python scripts/bench_watch.py              prints the table (some minutes)
    python scripts/bench_watch.py --write      also writes results/benchmarks/watch.md
"""

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # as trials run: one thread each

import numpy as np
import paddle
from omegaconf import OmegaConf
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses

from sweep.domain.target import Mode, Target
from sweep.rundir import EventWriter, RunDir
from sweep.task import TaskConfig
from sweep.worker.run import WorkerRun
from tasks import digits_cnn, digits_mlp
from tasks.components import batches, make_optimizer, make_schedule

ROOT = Path(__file__).parent.parent
WRITTEN = ROOT / "results" / "benchmarks" / "watch.md"
TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=400, stop_early=False)
TASKS: dict[str, Any] = {"digits_cnn": digits_cnn, "digits_mlp": digits_mlp}
LIMITS = {("digits_cnn", "light"): 0.05, ("digits_mlp", "light"): 0.08}  # issue 4
STEPS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row: seconds of each training, [pairs, (unwatched, watched)], by the clock and by the processor."""

    task: str
    watch: str
    wall_s: Any
    cpu_s: Any


def training(task: str, watch: str, folder: Path) -> tuple[float, float]:
    """Run one training; return its seconds by the clock and of the processor."""
    section: Any = OmegaConf.load(ROOT / "conf" / "task" / f"{task}.yaml")
    settings: Any = OmegaConf.to_container(OmegaConf.merge(section.task, {"steps": STEPS}), resolve=True)
    cfg = TaskConfig(settings)
    train_set, _ = TASKS[task].data(cfg)
    order = batches(len(train_set), cfg.batch_size, shuffle=True, rng=np.random.default_rng(0))
    rows = [next(order) for _ in range(STEPS)]
    data = [(paddle.to_tensor(train_set.x[r]), paddle.to_tensor(train_set.y[r])) for r in rows]
    paddle.seed(0)
    network = TASKS[task].model(cfg)
    network.train()
    schedule = make_schedule(cfg)
    optimizer = make_optimizer(cfg, network.parameters(), schedule)
    events = EventWriter(folder / "events.jsonl")
    run = WorkerRun(RunDir(folder), seed=0, target=TARGET, events=events, watch=watch)
    wall, cpu = time.perf_counter(), time.process_time()
    run.watch(network, optimizer)
    for x, y in data:
        F.cross_entropy(network(x), y).backward()
        optimizer.step()
        optimizer.clear_grad()
        schedule.step()
    taken = time.perf_counter() - wall, time.process_time() - cpu
    run.unwatch()
    events.close()
    return taken


def measure(task: str, watch: str, pairs: int) -> Measured:
    """Return the times of so many pairs of trainings, the first of each pair watched every other time."""
    found = np.empty((pairs, 2, 2))
    with tempfile.TemporaryDirectory() as folder:
        for how in ("off", watch):  # what the first training of a process pays for
            training(task, how, Path(folder))
        for pair in range(pairs):
            for which in (0, 1) if pair % 2 else (1, 0):
                found[pair, which] = training(task, (watch if which else "off"), Path(folder))
    return Measured(task=task, watch=watch, wall_s=found[:, :, 0], cpu_s=found[:, :, 1])


def overhead(seconds: Any) -> tuple[float, float, float]:
    """Return the median over pairs of watched / unwatched - 1, and its 95 % bootstrap interval."""
    ratios = seconds[:, 1] / seconds[:, 0] - 1
    rng = np.random.default_rng(0)
    medians = np.median(ratios[rng.integers(0, len(ratios), (9999, len(ratios)))], axis=1)
    low, high = np.quantile(medians, [0.025, 0.975])
    return float(np.median(ratios)), float(low), float(high)


def table(rows: list[Measured]) -> list[str]:
    """Return the table's lines, as Markdown."""
    lines = [
        "| task | `watch` | pairs | step, unwatched | overhead, clock | 95 % | overhead, processor | 95 % | target |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        (wall, *wall_ci), (cpu, *cpu_ci) = overhead(row.wall_s), overhead(row.cpu_s)
        limit = LIMITS.get((row.task, row.watch))
        verdict = "" if limit is None else f"≤ {limit:.0%}: {'met' if wall <= limit and cpu <= limit else 'not met'}"
        lines.append(
            f"| {row.task} | {row.watch} | {len(row.wall_s)} | {1e3 * np.median(row.wall_s[:, 0]) / STEPS:.2f} ms "
            f"| {wall:+.1%} | {wall_ci[0]:+.1%} to {wall_ci[1]:+.1%} "
            f"| {cpu:+.1%} | {cpu_ci[0]:+.1%} to {cpu_ci[1]:+.1%} | {verdict} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=40, help="pairs of trainings at `light`; a quarter at `deep`")
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.relative_to(ROOT)}")
    options = parser.parse_args()
    rows = []
    for watch, pairs in (("light", options.pairs), ("deep", max(1, options.pairs // 4))):
        for task in TASKS:
            rows.append(measure(task, watch, pairs))
            print("\n".join(table(rows[-1:])[-1:]), flush=True)
    if options.write:
        command = f"python scripts/bench_watch.py --pairs {options.pairs} --write"
        text = [
            "# What watching costs",
            "",
            f"Whole trainings of {STEPS} steps, watched and not, in pairs whose order alternates, in one process; no",
            "evaluation, no augmentation, no logging, so that the step itself is what the monitor is compared with.",
            "`run.watch` and the closely watched first step are included. Overhead is the median of the pairs' ratios,",
            "with a bootstrap interval (9,999 resamples).",
            "",
            *table(rows),
            "",
            f"Machine: {platform.machine()}, {os.cpu_count()} cores, one thread; Python {platform.python_version()}, "
            f"Paddle {paddle.__version__}, NumPy {np.__version__}.",
            f"Command: `{command}`",
            "",
        ]
        WRITTEN.write_text("\n".join(text), encoding="utf-8")


if __name__ == "__main__":
    main()

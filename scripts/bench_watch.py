"""Measure what `run.watch` costs: two trainings of the same network take turns step by step, one of them watched.
The rows `script` have what observing an unmodified script costs: losses at each step, steps, output, and the monitor.

A training is 400 steps of a native task's network and optimizer, at its batch size, on batches prepared beforehand. It
has no evaluation, no augmentation and no logging, so that the monitor is compared with the bare step. The watched
training includes `run.watch` and the first step, which is watched most closely. The two take turns in going first.
Other load on the machine disturbs single steps, so the median over the repeats is taken for each of the 400 steps; the
overhead is the ratio of the sums of these medians, with a bootstrap interval over the repeats.

    python scripts/bench_watch.py              prints the table
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
from sweep.worker.callsite import CallSites
from sweep.worker.run import WorkerRun
from sweep.worker.script.observer import Observer
from sweep.worker.surgery.book import Book
from tasks import digits_cnn, digits_mlp
from tasks.components import batches, make_optimizer, make_schedule

ROOT = Path(__file__).parent.parent
WRITTEN = ROOT / "results" / "benchmarks" / "watch.md"
TARGET = Target(metric="val/acc", mode=Mode.MAX, threshold=0.9, hold=3, budget_steps=400, stop_early=False)
TASKS: dict[str, Any] = {"digits_cnn": digits_cnn, "digits_mlp": digits_mlp}
LIMITS = {
    (task, how): limit for task, limit in (("digits_cnn", 0.05), ("digits_mlp", 0.08)) for how in ("light", "script")
}
STEPS = 400
RESAMPLES = 999
BACKWARD = paddle.Tensor.backward


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One row: seconds of each step, [repeats, steps, (unwatched, watched)], by the clock and by the processor."""

    task: str
    watch: str
    wall_s: Any
    cpu_s: Any


class Training:
    """One training, ready to start; `step` makes one step and returns its wall and CPU seconds."""

    def __init__(self, task: str, watch: str, folder: Path) -> None:
        section: Any = OmegaConf.load(ROOT / "conf" / "task" / f"{task}.yaml")
        settings: Any = OmegaConf.to_container(OmegaConf.merge(section.task, {"steps": STEPS}), resolve=True)
        cfg = TaskConfig(settings)
        train_set, _ = TASKS[task].data(cfg)
        order = batches(len(train_set), cfg.batch_size, shuffle=True, rng=np.random.default_rng(0))
        rows = [next(order) for _ in range(STEPS)]
        self._data = [(paddle.to_tensor(train_set.x[r]), paddle.to_tensor(train_set.y[r])) for r in rows]
        self._events = EventWriter(folder / "events.jsonl")
        level = "light" if watch == "script" else watch
        self._run = WorkerRun(RunDir(folder), seed=0, target=TARGET, events=self._events, watch=level)
        self._observer: Observer | None = None
        if watch == "script":
            self._observer = Observer(self._run, Book(CallSites(ROOT))).__enter__()
        paddle.seed(0)
        self._network = TASKS[task].model(cfg)
        self._network.train()
        self._schedule = make_schedule(cfg)
        self._optimizer = make_optimizer(cfg, self._network.parameters(), self._schedule)
        # The hooks of the watched training are on the classes: the other training must not call them.
        self._is_watched = watch != "off"
        self._plain_step, self._plain_clear = self._optimizer.step, self._optimizer.clear_grad

    def step(self, index: int) -> tuple[float, float]:
        wall, cpu = time.perf_counter(), time.process_time()
        if index == 0 and self._observer is None:
            self._run.watch(self._network, self._optimizer)
        x, y = self._data[index]
        loss = F.cross_entropy(self._network(x), y)
        if self._is_watched:
            loss.backward()
            self._optimizer.step()
            self._optimizer.clear_grad()
        else:
            BACKWARD(loss)
            self._plain_step()
            self._plain_clear()
        self._schedule.step()
        return time.perf_counter() - wall, time.process_time() - cpu

    def close(self) -> None:
        self._run.unwatch()
        if self._observer is not None:
            self._observer.__exit__(None, None, None)
        self._events.close()


def measure(task: str, watch: str, repeats: int) -> Measured:
    """Return the times of `repeats` pairs of trainings, after one more pair that is not counted."""
    found = np.empty((repeats + 1, STEPS, 2, 2))
    with tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats + 1):
            pair = [Training(task, how, Path(folder)) for how in ("off", watch)]
            for index in range(STEPS):
                for which in (0, 1) if (repeat + index) % 2 else (1, 0):
                    found[repeat, index, which] = pair[which].step(index)
            for training in pair:
                training.close()
    return Measured(task=task, watch=watch, wall_s=found[1:, :, :, 0], cpu_s=found[1:, :, :, 1])


def overhead(seconds: Any) -> tuple[float, float, float]:
    """Return watched / unwatched - 1 over whole trainings, from medians per step, and its 95 % bootstrap interval."""

    def ratio(of: Any) -> float:
        unwatched, watched = np.median(of, axis=0).sum(axis=0)
        return float(watched / unwatched - 1)

    rng = np.random.default_rng(0)
    drawn = [ratio(seconds[rng.integers(0, len(seconds), len(seconds))]) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return ratio(seconds), float(low), float(high)


def table(rows: list[Measured]) -> list[str]:
    """Return the table's lines, as Markdown."""
    lines = [
        "| task | `watch` | repeats | step, unwatched | overhead, clock | 95 % | overhead, processor | 95 % | target |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        (wall, *wall_ci), (cpu, *cpu_ci) = overhead(row.wall_s), overhead(row.cpu_s)
        limit = LIMITS.get((row.task, row.watch))
        verdict = "" if limit is None else f"≤ {limit:.0%}: {'met' if wall <= limit and cpu <= limit else 'not met'}"
        lines.append(
            f"| {row.task} | {row.watch} | {len(row.wall_s)} | {1e3 * np.median(row.wall_s[:, :, 0]):.2f} ms "
            f"| {wall:+.1%} | {wall_ci[0]:+.1%} to {wall_ci[1]:+.1%} "
            f"| {cpu:+.1%} | {cpu_ci[0]:+.1%} to {cpu_ci[1]:+.1%} | {verdict} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, help="pairs of trainings at `light`; a quarter at `deep`")
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.relative_to(ROOT)}")
    options = parser.parse_args()
    rows = []
    for watch, repeats in (
        ("light", options.repeats),
        ("script", options.repeats),
        ("deep", max(1, options.repeats // 4)),
    ):
        for task in TASKS:
            rows.append(measure(task, watch, repeats))
            print("\n".join(table(rows[-1:])[-1:]), flush=True)
    if options.write:
        command = f"python scripts/bench_watch.py --repeats {options.repeats} --write"
        text = [
            "# What watching costs",
            "",
            f"Two trainings of {STEPS} steps side by side, one watched, step by step in turn; no evaluation, no",
            "augmentation, no logging, so that the step itself is what the monitor is compared with; `run.watch` and",
            "the closely watched first step are included. Each step has the median of its times over the repeats; the",
            "overhead is the ratio of the sums of these medians, with a bootstrap interval over the repeats",
            f"({RESAMPLES} resamples).",
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

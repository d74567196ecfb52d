"""Small real trainings under `run.watch`, and what the monitor recorded of them."""

import json
from pathlib import Path

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses

from sweep.domain.target import Mode, Target
from sweep.rundir import EventWriter, RunDir, facts_of, points_of, read_events
from sweep.worker.run import WorkerRun


def make_run(path: Path, watch: str = "deep", budget: int = 10**6) -> WorkerRun:
    folder = RunDir(path)
    path.mkdir(parents=True, exist_ok=True)
    target = Target(metric="val/acc", mode=Mode.MAX, threshold=2.0, hold=1, budget_steps=budget, stop_early=True)
    return WorkerRun(folder, seed=0, target=target, events=EventWriter(folder.events), watch=watch)


def series(run: WorkerRun) -> dict[str, dict[int, float]]:
    points = points_of(read_events(RunDir(run.dir).events, 0)[0])
    return {name: dict(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for name, s in points.items()}


def facts(run: WorkerRun) -> dict[str, float | str]:
    return facts_of(read_events(RunDir(run.dir).events, 0)[0])


def fact(run: WorkerRun, name: str) -> object:
    return json.loads(str(facts(run)[name]))


def mlp(seed: int = 0) -> nn.Sequential:
    paddle.seed(seed)
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 3))


def batch(seed: int = 0, n: int = 32) -> tuple[paddle.Tensor, paddle.Tensor]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 8), dtype=np.float32)
    return paddle.to_tensor(x), paddle.to_tensor((x[:, 0] > 0).astype(np.int64))


def train(model: nn.Layer, optimizer: object, steps: int, loss=F.cross_entropy) -> list[float]:
    losses = []
    for step in range(steps):
        x, y = batch(step)
        value = loss(model(x), y)
        value.backward()
        optimizer.step()
        optimizer.clear_grad()
        losses.append(float(value))
    return losses

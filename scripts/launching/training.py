"""The trial that every candidate runs; one seed gives one result. It writes a line to the file of marks."""

import time

import numpy as np
import paddle

from launching.marks import mark

STEPS = 50
LOG_EVERY = 10
BATCH, FEATURES, HIDDEN, CLASSES, ROWS = 32, 64, 64, 10, 1024
SHORT_S, SLEEP_S = 1.0, 20.0


def trial(kind: str, seed: int) -> list[tuple[int, float]]:
    """Run one trial and return the points it would log, [(step, loss)], at least one.

    `train`: 50 steps; `noop`: nothing; `second`: as many steps as fit into 1 s; `sleep`: 20 s without work.
    """
    begin_s = time.monotonic()
    points = [(STEPS, 0.0)]
    if kind == "train":
        points = train(seed, steps=STEPS)
    elif kind == "second":
        points = train(seed, steps=STEPS, until_s=begin_s + SHORT_S)
    elif kind == "sleep":
        time.sleep(SLEEP_S)
    mark(seed, begin_s, points[-1][1])
    return points


def train(seed: int, *, steps: int, until_s: float = 0.0) -> list[tuple[int, float]]:
    """Train an MLP on random data for `steps` steps, and on until `until_s`; return (step, loss) of every 10th step."""
    paddle.seed(seed)
    draw = np.random.default_rng(0)
    features = draw.normal(size=(ROWS, FEATURES)).astype(np.float32)
    labels = features[:, :CLASSES].argmax(axis=1).astype(np.int64)
    model = paddle.nn.Sequential(
        paddle.nn.Linear(FEATURES, HIDDEN), paddle.nn.ReLU(), paddle.nn.Linear(HIDDEN, CLASSES)
    )
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters())
    points = []
    step = 0
    while step < steps or time.monotonic() < until_s:
        at = step * BATCH % ROWS
        batch, truth = (paddle.to_tensor(part[at : at + BATCH]) for part in (features, labels))
        loss = paddle.nn.functional.cross_entropy(model(batch), truth)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        step += 1
        if step % LOG_EVERY == 0 and step <= steps:
            points.append((step, float(loss)))
    return points

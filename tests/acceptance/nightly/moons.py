"""A real small task: a network of one hidden layer learns two moons. numpy only, so that a night takes a second."""

import os
import time

import numpy as np

INIT = 1.0
DTYPE = np.float64


def train(cfg, run):
    if cfg.crash and run.seed % cfg.crash:
        raise RuntimeError("planted crash")
    data = np.random.default_rng(7)
    angle, label = data.uniform(0, np.pi, 256), data.integers(0, 2, 256)
    points = np.stack([np.cos(angle) + label, np.sin(angle) * (1 - 2 * label) + 0.3 * label], 1)
    points = (points + 0.12 * data.normal(size=points.shape)).astype(DTYPE)
    init, order = np.random.default_rng(run.stream("init")), np.random.default_rng(run.stream("order"))
    hidden, hidden_bias = (INIT * init.normal(size=(2, 16))).astype(DTYPE), np.zeros(16, DTYPE)
    head, head_bias = (INIT * init.normal(size=16) / 4).astype(DTYPE), DTYPE(0)
    # What a flag of a package does: its value is read where it computes, far from any config.
    scale = DTYPE(0.4 if os.environ.get("FLAGS_moons_fast_math") == "1" else 1.0)  # noqa: SIM112 - as paddle writes them
    for step in range(1, cfg.steps + 1):
        at = order.integers(0, 256, 32)
        x, y = points[at], label[at]
        h = np.tanh(x @ hidden + hidden_bias)
        z = h @ head + head_bias
        g = (scale * (1 / (1 + np.exp(-z)) - y) / 32).astype(DTYPE)
        gh = np.outer(g, head) * (1 - h * h)
        head, head_bias = head - DTYPE(cfg.lr) * (h.T @ g), head_bias - DTYPE(cfg.lr) * g.sum()
        hidden, hidden_bias = hidden - DTYPE(cfg.lr) * (x.T @ gh), hidden_bias - DTYPE(cfg.lr) * gh.sum(0)
        metrics = {"train/loss": float(np.mean(np.logaddexp(0, z) - y * z))}
        if step % 5 == 0:
            guess = np.tanh(points @ hidden + hidden_bias) @ head + head_bias > 0
            metrics["val/acc"] = float(np.mean(guess == label))
        run.log(step, **metrics)
        if cfg.pause_s:
            time.sleep(cfg.pause_s)

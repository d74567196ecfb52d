"""A user's own task, framework-free: logistic regression by gradient descent on two overlapping clouds."""

import time

import numpy as np


def train(cfg, run):
    rng = np.random.default_rng(run.stream("data"))
    labels = rng.integers(0, 2, 200)
    points = rng.normal(size=(200, 2)) + 3.0 * labels[:, None]
    points *= cfg.input_scale
    weights = np.zeros(3)
    inputs = np.hstack([points, np.ones((200, 1))])
    run.describe(label_entropy=float(np.log(2)))
    for step in range(1, cfg.steps + 1):
        if cfg.crash_at == step:
            raise RuntimeError(f"planted crash at step {step}")
        with np.errstate(all="ignore"):
            logits = inputs @ weights
            prob = 1.0 / (1.0 + np.exp(-logits))
            loss = float(np.mean(np.logaddexp(0.0, logits) - labels * logits))
            grad = inputs.T @ (prob - labels) / 200 + cfg.weight_decay * weights
            weights = weights - cfg.lr * cfg.lr_scale * grad
        if cfg.poison:
            weights = weights * np.nan
        accuracy = float(np.mean((prob > 0.5) == labels))
        run.log(step, **{"train/loss": loss, "val/acc": accuracy})
        if cfg.pause_s:
            time.sleep(cfg.pause_s)

"""A regression: disease progression of diabetes patients from ten measurements (342 training, 100 validation cases)."""

from functools import lru_cache
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses

from sweep.task import Run, TaskConfig
from tasks.components import Evaluate, fit, initialise, input_norm_of, make_activation, probability, require
from tasks.datasets import Samples, load_diabetes, split_indices, standardise


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: measurements [n, 10], disease progression [n, 1] in its own units.

    `input_norm: standardize` makes every measurement zero mean and unit variance over the training set.
    """
    return _patients(input_norm_of(cfg) is not None)


def model(cfg: TaskConfig) -> Any:
    """Return the network: one hidden layer of `hidden` units with dropout, one output."""
    network = nn.Sequential(
        nn.Linear(10, cfg.hidden),
        make_activation(cfg.activation),
        nn.Dropout(probability("dropout", cfg.dropout)),
        nn.Linear(cfg.hidden, 1),
    )
    initialise(network, cfg.init)
    return network


def train(cfg: TaskConfig, run: Run) -> None:
    """Train one trial.

    With `target_norm: standardize` the network predicts standardised targets. All metrics are in original units.
    """
    require("target_norm", cfg.target_norm, ("standardize", None))
    train_set, val_set = data(cfg)
    mean, scale = (float(train_set.y.mean()), float(train_set.y.std())) if cfg.target_norm is not None else (0.0, 1.0)
    run.describe(target_variance=float(train_set.y.var()))
    paddle.seed(run.stream("init"))
    network = model(cfg)

    def loss(prediction: Any, target: Any) -> Any:
        return F.mse_loss(prediction, (target - mean) / scale)

    fit(cfg, run, network, train_set, loss=loss, evaluate=_regression(val_set, mean, scale), loss_unit=scale**2)


def _regression(val_set: Samples, mean: float, scale: float) -> Evaluate:
    """Return the evaluation on a validation set: `val/loss` (MSE) and `val/r2` (1 is perfect, 0 the mean's)."""
    x, variance = paddle.to_tensor(val_set.x), float(val_set.y.var())

    def evaluate(network: Any) -> dict[str, float]:
        network.eval()
        with paddle.no_grad():
            prediction = network(x).numpy() * scale + mean
        network.train()
        mse = float(np.mean((prediction - val_set.y) ** 2))
        return {"val/loss": mse, "val/r2": 1 - mse / variance}

    return evaluate


@lru_cache(maxsize=2)
def _patients(standardised: bool) -> tuple[Samples, Samples]:
    measurements, progression = load_diabetes()
    train_rows, val_rows = split_indices(len(measurements), 100)
    if standardised:
        measurements = standardise(measurements, train_rows)
    x, y = measurements.astype(np.float32), progression.astype(np.float32)[:, None]
    return Samples(x[train_rows], y[train_rows]), Samples(x[val_rows], y[val_rows])

"""A multilayer perceptron on scikit-learn's 8x8 digits (1,397 training and 400 validation images)."""

from functools import lru_cache
from typing import Any

import numpy as np
from paddle import nn

from sweep.task import Run, TaskConfig
from tasks.components import fit_classifier, initialise, make_activation, probability, require
from tasks.datasets import Floats, Samples, load_digits, split_indices
from tasks.images import add_noise


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:  # noqa: ARG001 - the contract passes it
    """Return the training and the validation set: pixels [n, 64] with values 0 to 1, classes [n]."""
    return _digits()


def model(cfg: TaskConfig) -> Any:
    """Return the network: two hidden layers of `hidden` units, each followed by dropout."""
    p = probability("dropout", cfg.dropout)
    network = nn.Sequential(
        nn.Linear(64, cfg.hidden),
        make_activation(cfg.activation),
        nn.Dropout(p),
        nn.Linear(cfg.hidden, cfg.hidden),
        make_activation(cfg.activation),
        nn.Dropout(p),
        nn.Linear(cfg.hidden, 10),
    )
    initialise(network, cfg.init)
    return network


def train(cfg: TaskConfig, run: Run) -> None:
    """Train one trial. `augmentation` adds Gaussian noise of standard deviation `noise` to the pixels."""
    require("augmentation", cfg.augmentation, (True, False))

    def augment(pixels: Floats, rng: np.random.Generator) -> Floats:
        return add_noise(pixels, rng, std=cfg.noise)

    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=augment if cfg.augmentation else None)


@lru_cache(maxsize=1)
def _digits() -> tuple[Samples, Samples]:
    images, classes = load_digits()
    x = (images / 16).astype(np.float32).reshape(-1, 64)
    train_rows, val_rows = split_indices(len(x), 400)
    return Samples(x[train_rows], classes[train_rows]), Samples(x[val_rows], classes[val_rows])

"""A multilayer perceptron on scikit-learn's 8x8 digits (1,397 training and 400 validation images)."""

from functools import lru_cache
from typing import Any

import numpy as np
from paddle import nn

from sweep.task import Run, TaskConfig
from tasks.components import (
    fit_classifier,
    in_own_units,
    initialise,
    input_norm_of,
    make_activation,
    probability,
    require,
)
from tasks.datasets import Floats, Samples, Scaling, load_digits, split_indices, standardise_sets
from tasks.images import add_noise


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: pixels [n, 64] with values 0 to 1, classes [n].

    `input_norm: standardize` makes the pixels zero mean and unit variance over all training images instead; pixel by
    pixel, those that are hardly ever written to would carry the noise alone.
    """
    return _sets(cfg)[:2]


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

    changed = in_own_units(augment, _sets(cfg)[2]) if cfg.augmentation else None
    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=changed)


def _sets(cfg: TaskConfig) -> tuple[Samples, Samples, Scaling | None]:
    return _digits(input_norm_of(cfg))


@lru_cache(maxsize=2)
def _digits(input_norm: str | None) -> tuple[Samples, Samples, Scaling | None]:
    images, classes = load_digits()
    x = (images / 16).astype(np.float32).reshape(-1, 64)
    train_rows, val_rows = split_indices(len(x), 400)
    train_set, val_set = (Samples(x[rows], classes[rows]) for rows in (train_rows, val_rows))
    return standardise_sets(train_set, val_set, input_norm, axes=(0, 1))

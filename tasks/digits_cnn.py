"""A small convolutional network on scikit-learn's 8x8 digits (1,397 training and 400 validation images)."""

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
from tasks.images import add_noise, shift_and_rotate


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: images [n, 1, 8, 8] with values 0 to 1, classes [n].

    `input_norm: standardize` makes every channel zero mean and unit variance over the training set instead.
    """
    return _sets(cfg)[:2]


def model(cfg: TaskConfig) -> Any:
    """Return the network: two convolutions and two linear layers, with dropout before each linear one."""
    p = probability("dropout", cfg.dropout)
    network = nn.Sequential(
        nn.Conv2D(1, 8, 3, padding=1),
        make_activation(cfg.activation),
        nn.Conv2D(8, 16, 3, stride=2, padding=1),
        make_activation(cfg.activation),
        nn.Flatten(),
        nn.Dropout(p),
        nn.Linear(16 * 4 * 4, 64),
        make_activation(cfg.activation),
        nn.Dropout(p),
        nn.Linear(64, 10),
    )
    initialise(network, cfg.init)
    return network


def train(cfg: TaskConfig, run: Run) -> None:
    """Train one trial."""
    require("augmentation", cfg.augmentation, (True, False))

    def augment(images: Floats, rng: np.random.Generator) -> Floats:
        moved = shift_and_rotate(images, rng, max_shift=cfg.max_shift, max_rotation=cfg.max_rotation)
        return add_noise(moved, rng, std=cfg.noise)

    changed = in_own_units(augment, _sets(cfg)[2]) if cfg.augmentation else None
    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=changed)


def _sets(cfg: TaskConfig) -> tuple[Samples, Samples, Scaling | None]:
    return _digits(input_norm_of(cfg))


@lru_cache(maxsize=2)
def _digits(input_norm: str | None) -> tuple[Samples, Samples, Scaling | None]:
    images, classes = load_digits()
    x = (images / 16).astype(np.float32)[:, None]
    train_rows, val_rows = split_indices(len(x), 400)
    train_set, val_set = (Samples(x[rows], classes[rows]) for rows in (train_rows, val_rows))
    return standardise_sets(train_set, val_set, input_norm, axes=(0, 2, 3))

"""A small convolutional network on scikit-learn's 8x8 digits (1,397 training and 400 validation images)."""

from functools import lru_cache
from typing import Any

import numpy as np
from paddle import nn

from sweep.task import Run, TaskConfig
from tasks.components import fit_classifier, initialise, make_activation, probability, require
from tasks.datasets import Floats, Samples, load_digits, split_indices
from tasks.images import add_noise, shift_and_rotate


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:  # noqa: ARG001 - the contract passes it
    """Return the training and the validation set: images [n, 1, 8, 8] with values 0 to 1, classes [n]."""
    return _digits()


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

    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=augment if cfg.augmentation else None)


@lru_cache(maxsize=1)
def _digits() -> tuple[Samples, Samples]:
    images, classes = load_digits()
    x = (images / 16).astype(np.float32)[:, None]
    train_rows, val_rows = split_indices(len(x), 400)
    return Samples(x[train_rows], classes[train_rows]), Samples(x[val_rows], classes[val_rows])

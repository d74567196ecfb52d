"""A small convolutional network on CIFAR-10, read from its original archive (a tar.gz of pickled batches)."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from paddle import nn
from paddle.vision.datasets import Cifar10

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
from tasks.datasets import Floats, Samples, Scaling, local_files, standardise_sets
from tasks.images import flip_and_crop

ARCHIVE = "cifar-10-python.tar.gz"


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: images [n, 3, 32, 32] with values -1 to 1, classes [n].

    `input_norm: standardize` makes every channel zero mean and unit variance over the training set instead.
    The archive lies in the folder `data_dir`. Raises FileNotFoundError, naming it, if it is missing.
    """
    return _sets(cfg)[:2]


def model(cfg: TaskConfig) -> Any:
    """Return the network: three convolutions, each halving the sides, and two linear layers with dropout."""
    p = probability("dropout", cfg.dropout)
    network = nn.Sequential(
        nn.Conv2D(3, 16, 3, stride=2, padding=1),
        make_activation(cfg.activation),
        nn.Conv2D(16, 32, 3, stride=2, padding=1),
        make_activation(cfg.activation),
        nn.Conv2D(32, 64, 3, stride=2, padding=1),
        make_activation(cfg.activation),
        nn.Flatten(),
        nn.Dropout(p),
        nn.Linear(64 * 4 * 4, 128),
        make_activation(cfg.activation),
        nn.Dropout(p),
        nn.Linear(128, 10),
    )
    initialise(network, cfg.init)
    return network


def train(cfg: TaskConfig, run: Run) -> None:
    """Train one trial. `augmentation` mirrors half of the images and crops them from a padded frame."""
    require("augmentation", cfg.augmentation, (True, False))

    def augment(images: Floats, rng: np.random.Generator) -> Floats:
        return flip_and_crop(images, rng, padding=cfg.padding)

    changed = in_own_units(augment, _sets(cfg)[2]) if cfg.augmentation else None
    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=changed)


def _sets(cfg: TaskConfig) -> tuple[Samples, Samples, Scaling | None]:
    return _cifar10(cfg.data_dir, input_norm_of(cfg))


@lru_cache(maxsize=2)
def _cifar10(data_dir: str, input_norm: str | None) -> tuple[Samples, Samples, Scaling | None]:
    local_files("CIFAR-10", data_dir, [ARCHIVE])
    train_set, val_set = _part(Path(data_dir, ARCHIVE), "train"), _part(Path(data_dir, ARCHIVE), "test")
    return standardise_sets(train_set, val_set, input_norm, axes=(0, 2, 3))


def _part(archive: Path, mode: str) -> Samples:
    part = Cifar10(str(archive), mode=mode, download=False, backend="cv2")
    pixels = np.stack([image for image, _ in part.data]).reshape(-1, 3, 32, 32)
    classes = np.array([label for _, label in part.data], dtype=np.int64)
    return Samples(pixels.astype(np.float32) / 127.5 - 1, classes)

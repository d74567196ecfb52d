"""A small convolutional network on MNIST, read from local files in their original format (idx, gzip)."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from paddle import nn
from paddle.vision.datasets import MNIST

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
from tasks.images import shift_and_rotate

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: images [n, 1, 28, 28] with values 0 to 1, classes [n].

    `input_norm: standardize` makes every channel zero mean and unit variance over the training set instead.
    The files lie in the folder `data_dir`. Raises FileNotFoundError, naming those that are missing.
    """
    return _sets(cfg)[:2]


def model(cfg: TaskConfig) -> Any:
    """Return the network: two convolutions, each halving the sides, and two linear layers with dropout."""
    p = probability("dropout", cfg.dropout)
    network = nn.Sequential(
        nn.Conv2D(1, 8, 3, stride=2, padding=1),
        make_activation(cfg.activation),
        nn.Conv2D(8, 16, 3, stride=2, padding=1),
        make_activation(cfg.activation),
        nn.Flatten(),
        nn.Dropout(p),
        nn.Linear(16 * 7 * 7, 64),
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
        return shift_and_rotate(images, rng, max_shift=cfg.max_shift, max_rotation=cfg.max_rotation)

    changed = in_own_units(augment, _sets(cfg)[2]) if cfg.augmentation else None
    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=changed)


def _sets(cfg: TaskConfig) -> tuple[Samples, Samples, Scaling | None]:
    return _mnist(cfg.data_dir, input_norm_of(cfg))


@lru_cache(maxsize=2)
def _mnist(data_dir: str, input_norm: str | None) -> tuple[Samples, Samples, Scaling | None]:
    local_files("MNIST", data_dir, [*FILES["train"], *FILES["test"]])
    train_set, val_set = _part(Path(data_dir), "train"), _part(Path(data_dir), "test")
    return standardise_sets(train_set, val_set, input_norm, axes=(0, 2, 3))


def _part(folder: Path, mode: str) -> Samples:
    images, labels = FILES[mode]
    # "cv2" is only the name of the array backend: MNIST's own reader hands out its arrays, OpenCV is not used.
    part = MNIST(str(folder / images), str(folder / labels), mode=mode, download=False, backend="cv2")
    x = np.stack(part.images).reshape(-1, 1, 28, 28) / 255
    return Samples(x.astype(np.float32), np.concatenate(part.labels))

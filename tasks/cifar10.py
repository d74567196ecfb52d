"""A small convolutional network on CIFAR-10, read from its original archive (a tar.gz of pickled batches)."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from paddle import nn
from paddle.vision.datasets import Cifar10

from sweep.task import Run, TaskConfig
from tasks.components import fit_classifier, initialise, make_activation, probability, require
from tasks.datasets import Floats, Samples, local_files
from tasks.images import flip_and_crop

ARCHIVE = "cifar-10-python.tar.gz"


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: images [n, 3, 32, 32] with values -1 to 1, classes [n].

    The archive lies in the folder `data_dir`. Raises FileNotFoundError, naming it, if it is missing.
    """
    return _cifar10(cfg.data_dir)


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

    fit_classifier(cfg, run, lambda: model(cfg), data(cfg), augment=augment if cfg.augmentation else None)


@lru_cache(maxsize=1)
def _cifar10(data_dir: str) -> tuple[Samples, Samples]:
    local_files("CIFAR-10", data_dir, [ARCHIVE])
    return _part(Path(data_dir, ARCHIVE), "train"), _part(Path(data_dir, ARCHIVE), "test")


def _part(archive: Path, mode: str) -> Samples:
    part = Cifar10(str(archive), mode=mode, download=False, backend="cv2")
    pixels = np.stack([image for image, _ in part.data]).reshape(-1, 3, 32, 32)
    classes = np.array([label for _, label in part.data], dtype=np.int64)
    return Samples(pixels.astype(np.float32) / 127.5 - 1, classes)

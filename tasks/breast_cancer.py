"""A multilayer perceptron that classifies tumours as malignant or benign (469 training and 100 validation cases)."""

from functools import lru_cache
from typing import Any

import numpy as np
from paddle import nn

from sweep.task import Run, TaskConfig
from tasks.components import fit_classifier, initialise, input_norm_of, make_activation, probability
from tasks.datasets import Samples, load_breast_cancer, split_indices, standardise


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    data(cfg)


def data(cfg: TaskConfig) -> tuple[Samples, Samples]:
    """Return the training and the validation set: features [n, 30], classes [n] (0 malignant, 1 benign).

    `input_norm: standardize` makes every feature zero mean and unit variance over the training set; null leaves the
    raw units, which differ by a factor of 10,000.
    """
    return _tumours(input_norm_of(cfg) is not None)


def model(cfg: TaskConfig) -> Any:
    """Return the network: one hidden layer of `hidden` units with dropout."""
    network = nn.Sequential(
        nn.Linear(30, cfg.hidden),
        make_activation(cfg.activation),
        nn.Dropout(probability("dropout", cfg.dropout)),
        nn.Linear(cfg.hidden, 2),
    )
    initialise(network, cfg.init)
    return network


def train(cfg: TaskConfig, run: Run) -> None:
    """Train one trial."""
    fit_classifier(cfg, run, lambda: model(cfg), data(cfg))


@lru_cache(maxsize=2)
def _tumours(standardised: bool) -> tuple[Samples, Samples]:
    features, classes = load_breast_cancer()
    train_rows, val_rows = split_indices(len(features), 100)
    if standardised:
        features = standardise(features, train_rows)
    x = features.astype(np.float32)
    return Samples(x[train_rows], classes[train_rows]), Samples(x[val_rows], classes[val_rows])

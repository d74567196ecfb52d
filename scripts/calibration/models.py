"""Typical models: each takes the number of features of a sample and the number of outputs."""

from collections.abc import Callable
from typing import Any

import paddle
from paddle import nn

from sweep.task import TaskConfig

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "gelu": nn.GELU}


def mlp(cfg: TaskConfig, features: int, outputs: int) -> Any:
    """Return `depth` hidden layers of `width` units; depth 0 is a linear model."""
    layers: list[Any] = []
    size = features
    for _ in range(cfg.depth):
        layers += [nn.Linear(size, cfg.width), ACTIVATIONS[cfg.activation]()]
        if cfg.dropout:
            layers.append(nn.Dropout(cfg.dropout))
        size = cfg.width
    return nn.Sequential(*layers, nn.Linear(size, outputs))


class Residual(nn.Layer):  # type: ignore[misc]
    """Blocks of norm, linear, GELU, linear around a skip connection, as in a transformer without attention."""

    def __init__(self, cfg: TaskConfig, features: int, outputs: int) -> None:
        super().__init__()
        self.stem = nn.Linear(features, cfg.width)
        self.norms = nn.LayerList([nn.LayerNorm(cfg.width) for _ in range(cfg.depth)])
        self.wide = nn.LayerList([nn.Linear(cfg.width, 2 * cfg.width) for _ in range(cfg.depth)])
        self.narrow = nn.LayerList([nn.Linear(2 * cfg.width, cfg.width) for _ in range(cfg.depth)])
        self.head = nn.Linear(cfg.width, outputs)

    def forward(self, x: Any) -> Any:
        x = self.stem(x)
        for norm, wide, narrow in zip(self.norms, self.wide, self.narrow, strict=True):
            x = x + narrow(nn.functional.gelu(wide(norm(x))))
        return self.head(x)


class Convolutions(nn.Layer):  # type: ignore[misc]
    """Two convolutions with batch norm over the 8x8 image, then its mean."""

    def __init__(self, cfg: TaskConfig, features: int, outputs: int) -> None:  # noqa: ARG002 - the common signature
        super().__init__()
        self.first, self.second = nn.Conv2D(1, 16, 3, padding=1), nn.Conv2D(16, 32, 3, padding=1, stride=2)
        self.norms = nn.LayerList([nn.BatchNorm2D(16), nn.BatchNorm2D(32)])
        self.head = nn.Linear(32, outputs)

    def forward(self, x: Any) -> Any:
        x = x.reshape([-1, 1, 8, 8])
        x = nn.functional.relu(self.norms[0](self.first(x)))
        x = nn.functional.relu(self.norms[1](self.second(x)))
        return self.head(x.mean(axis=[2, 3]))


class Recurrent(nn.Layer):  # type: ignore[misc]
    """A GRU that reads the image row by row."""

    def __init__(self, cfg: TaskConfig, features: int, outputs: int) -> None:  # noqa: ARG002 - the common signature
        super().__init__()
        self.gru = nn.GRU(8, cfg.width)
        self.head = nn.Linear(cfg.width, outputs)

    def forward(self, x: Any) -> Any:
        return self.head(self.gru(x.reshape([-1, 8, 8]))[1][-1])


class Attention(nn.Layer):  # type: ignore[misc]
    """A transformer encoder over the 64 pixels as tokens of 17 grey levels."""

    def __init__(self, cfg: TaskConfig, features: int, outputs: int) -> None:
        super().__init__()
        self.tokens, self.places = nn.Embedding(17, cfg.width), nn.Embedding(features, cfg.width)
        layer = nn.TransformerEncoderLayer(cfg.width, 2, 2 * cfg.width, dropout=cfg.dropout, normalize_before=True)
        self.encoder = nn.TransformerEncoder(layer, cfg.depth)
        self.head = nn.Linear(cfg.width, outputs)

    def forward(self, x: Any) -> Any:
        places = paddle.arange(x.shape[1])
        return self.head(self.encoder(self.tokens(x) + self.places(places)).mean(axis=1))


MODELS: dict[str, Callable[[TaskConfig, int, int], Any]] = {
    "mlp": mlp,
    "residual": Residual,
    "convolutions": Convolutions,
    "recurrent": Recurrent,
    "attention": Attention,
}

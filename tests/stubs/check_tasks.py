"""Tasks on real data with a fault of the user's choosing (`fault`), for the checks to find."""

from types import SimpleNamespace

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F  # noqa: N812

from sweep.task import TaskConfig
from tasks.breast_cancer import data as tumours
from tasks.diabetes import data as patients
from tasks.digits_cnn import data as digits

SOURCES = {"digits": digits, "tumours": tumours, "patients": patients}


def permuted(labels):
    return labels[np.random.default_rng(3).permutation(len(labels))]


def column(x, value):
    x = x.copy()
    x[:, 3] = value
    return x


def with_nan(x):
    x = x.copy()
    x.reshape(len(x), -1)[17, 5] = np.nan
    return x


def last_as(labels, value):
    labels = labels.copy()
    labels[-3:] = value
    return labels


def some_as(labels, value):
    labels = labels.copy()
    labels[::20] = value
    return labels


def pixel(x):
    x = x.copy()
    x[:, :, 3, 4] = 0.5
    return x


INPUTS = {
    "bytes": lambda x: x * 255,
    "zeroed": np.zeros_like,
    "nan": with_nan,
    "constant": lambda x: column(x, 1.5),
    "pixel": pixel,
    "double": lambda x: x.astype(np.float64),
    "three_channels": lambda x: np.repeat(x, 3, axis=1),
    "channels_last": lambda x: np.repeat(x, 3, axis=1).transpose(0, 2, 3, 1),
    "spread": lambda x: x * np.where(np.arange(x.shape[1]) == 0, 1e4, 1.0).astype(np.float32),
}
LABELS = {
    "out_of_range": lambda y: last_as(y, 37),
    "negative": lambda y: last_as(y, -4),
    "shifted_up": lambda y: y + 1,
    "shifted_down": lambda y: y - 1,
    "permuted": permuted,
    "rows": lambda y: np.roll(y, 1, axis=0),
    "half_rows": lambda y: np.concatenate([np.roll(y[: len(y) // 2], 1, axis=0), y[len(y) // 2 :]]),
    "half_permuted": lambda y: np.concatenate([permuted(y[: len(y) // 2]), y[len(y) // 2 :]]),
    "fractional": lambda y: y + np.where(np.arange(len(y)) % 50 == 0, 0.5, 0.0),
    "ignored_255": lambda y: some_as(y, 255),
    "ignored_minus": lambda y: some_as(y, -100),
    "one_too_many": lambda y: some_as(y, 10),
    "rare": lambda y: np.where((y == 4) & (np.arange(len(y)) % 20 > 0), 5, y),
}


class Pairs(paddle.io.Dataset):
    """What a user's map-style dataset looks like."""

    def __init__(self, x, y, bad_row=None):
        super().__init__()
        self.samples, self.labels, self.bad_row = x, y, bad_row

    def __getitem__(self, i):
        if i == self.bad_row:
            raise OSError(f"cannot read image_{i}.png")
        return self.samples[i], self.labels[i]

    def __len__(self):
        return len(self.samples)


class Stream(paddle.io.IterableDataset):
    """What a user's iterable dataset looks like."""

    def __init__(self, x, y):
        super().__init__()
        self.samples, self.labels = x, y

    def __iter__(self):
        yield from zip(self.samples, self.labels, strict=True)


def loader(x, y):
    return paddle.io.DataLoader(Pairs(x, y), batch_size=50)


FORMS = {
    "object": lambda x, y: SimpleNamespace(x=x, y=y),
    "tuple": lambda x, y: (x, y),
    "dataset": Pairs,
    "iterable": Stream,
    "loader": loader,
    "unreadable": lambda x, y: Pairs(x, y, bad_row=40),
}


def data(cfg):
    if cfg.fault == "missing":
        raise FileNotFoundError("no such file: 'train.npz'")
    train, val = SOURCES[cfg.source](TaskConfig({"input_norm": None if cfg.source == "digits" else "standardize"}))
    x, y = train.x, train.y
    if cfg.fault == "val_is_train":
        val = train
    val_x, val_y = val.x, val.y
    if cfg.fault in INPUTS:
        x, val_x = INPUTS[cfg.fault](x), INPUTS[cfg.fault](val_x)
    if cfg.fault in LABELS:
        y, val_y = LABELS[cfg.fault](y), LABELS[cfg.fault](val_y)
    if cfg.fault == "sorted":
        order = np.argsort(y, kind="stable")
        x, y = x[order], y[order]
    if cfg.fault == "val_shifted":
        val_y = (val_y + 1) % 10
    if cfg.fault == "val_bytes":
        val_x = val_x * 255
    if cfg.fault == "flat_targets":
        y, val_y = y[:, 0], val_y[:, 0]
    make = FORMS[cfg.form]
    return make(x, y), make(val_x, val_y)


class Blind(nn.Layer):
    """A model that does not read its input."""

    def __init__(self):
        super().__init__()
        self.logits = self.create_parameter([1, 10])

    def forward(self, x):
        return self.logits.expand([x.shape[0], 10])


def model(cfg):
    if cfg.fault == "blind":
        return Blind()
    features, units = {"digits": (64, 10), "tumours": (30, 2), "patients": (10, 1)}[cfg.source]
    if cfg.source == "digits" and cfg.fault in ("one_channel", "three_channels", "channels_last"):
        channels = 1 if cfg.fault == "three_channels" else 3
        return nn.Sequential(nn.Conv2D(channels, 4, 3, padding=1), nn.Flatten(), nn.Linear(256, 10))
    return nn.Sequential(nn.Flatten(), nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, units))


def train(cfg, run):
    """A loop of the user's own, with its own DataLoader where the set is a dataset."""
    if cfg.fault == "own_data":
        train_set, val_set = digits(cfg)
    else:
        train_set, val_set = data(cfg)
    paddle.seed(run.stream("init"))
    network = model(cfg)
    is_regression = cfg.source == "patients"
    if cfg.fault == "frozen":
        for parameter in network.parameters():
            parameter.stop_gradient = True
        network[-1].weight.stop_gradient = False
    if cfg.fault == "zero_head":
        network = nn.Sequential(network, ZeroGradient())
    rate = {"no_rate": 0.0, "huge_rate": 1e30}.get(cfg.fault, 0.02)
    optimizer = paddle.optimizer.Momentum(rate, parameters=network.parameters())
    rng = np.random.default_rng(run.stream("labels"))
    for step, (x, y) in enumerate(batches_of(train_set, cfg), start=1):
        if step > cfg.steps:
            return
        if cfg.fault == "random_labels":
            y = paddle.to_tensor(rng.integers(0, 2 if cfg.source == "tumours" else 10, len(y)))
        output = network(x)
        if is_regression:
            loss = F.mse_loss(output, (y - 150.0) / 75.0)
        elif cfg.fault == "hot_softmax":
            loss = F.cross_entropy(F.softmax(output / 1e4), y)
        elif cfg.fault == "softmax":
            loss = F.cross_entropy(F.softmax(output), y)
        else:
            loss = F.cross_entropy(output, y)
        if cfg.fault == "sign":
            loss = -loss
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        metrics = {"train/loss": float(loss)}
        if step % 5 == 0 and not is_regression:
            with paddle.no_grad():
                hits = [float((network(bx).argmax(1) == by).astype("float32").mean()) for bx, by in one_pass(val_set)]
            metrics["val/acc"] = sum(hits) / len(hits)
        run.log(step, **metrics)


class ZeroGradient(nn.Layer):
    """A head that lets nothing back: its output is constant."""

    def forward(self, x):
        return x * 0.0


def one_pass(part):
    if isinstance(part, paddle.io.DataLoader):
        yield from part
    elif isinstance(part, paddle.io.Dataset):
        yield from paddle.io.DataLoader(part, batch_size=10)
    else:
        x, y = part if isinstance(part, tuple) else (part.x, part.y)
        yield paddle.to_tensor(x), paddle.to_tensor(y)


def batches_of(part, cfg):
    while True:
        if isinstance(part, paddle.io.DataLoader):
            yield from part
        elif isinstance(part, paddle.io.IterableDataset):
            yield from paddle.io.DataLoader(part, batch_size=cfg.batch_size)
        elif isinstance(part, paddle.io.Dataset):
            yield from paddle.io.DataLoader(part, batch_size=cfg.batch_size, shuffle=True, drop_last=True)
        else:
            x, y = part if isinstance(part, tuple) else (part.x, part.y)
            for start in range(0, len(x) - cfg.batch_size + 1, cfg.batch_size):
                rows = slice(start, start + cfg.batch_size)
                yield paddle.to_tensor(x[rows]), paddle.to_tensor(y[rows])

"""Shared parts of the native tasks: the standard knobs (docs/tasks.md) as functions, and the training loop.

A task of your own needs none of this: `train(cfg, run)` may do whatever it likes (docs/tasks.md).
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import paddle
from numpy.typing import NDArray
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses

from sweep.task import Run, TaskConfig
from tasks.datasets import Floats, Samples, Scaling

INITS = ("default", "xavier", "kaiming")
SCHEDULERS = ("constant", "cosine", "warmup")
OPTIMIZERS = ("sgd", "momentum", "adam")
ACTIVATIONS = {"relu": nn.ReLU, "leaky_relu": nn.LeakyReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}

Augment = Callable[[Floats, np.random.Generator], Floats]
Loss = Callable[[Any, Any], Any]
Evaluate = Callable[[Any], dict[str, float]]


def require(key: str, value: object, allowed: tuple[object, ...]) -> None:
    """Raise ValueError, naming what is allowed, if a knob has an unknown value."""
    if value not in allowed:
        raise ValueError(f"task.{key}: {value!r} is not allowed; allowed: {', '.join(map(str, allowed))}")


def probability(key: str, value: float) -> float:
    """Return the value of a knob that is a probability below 1. Raises ValueError."""
    if not 0.0 <= value < 1.0:
        raise ValueError(f"task.{key}: {value!r} is not allowed; allowed: 0.0 <= p < 1.0")
    return float(value)


def make_activation(name: str) -> Any:
    """Return a new activation layer for a hidden layer. Raises ValueError."""
    require("activation", name, tuple(ACTIVATIONS))
    return ACTIVATIONS[name]()


def input_norm_of(cfg: TaskConfig) -> str | None:
    """Return the knob `input_norm`: `standardize`, or None for unchanged inputs. Raises ValueError."""
    value = cfg.get("input_norm")  # a task that was copied earlier has no such key
    require("input_norm", value, ("standardize", None))
    return None if value is None else str(value)


def in_own_units(augment: Augment, scaling: Scaling | None) -> Augment:
    """Return an augmentation of standardised inputs with the same effect as `augment` in the inputs' own units."""
    if scaling is None:
        return augment
    return lambda x, rng: scaling.apply(augment(scaling.undo(x), rng))


def initialise(network: Any, init: str) -> None:
    """Redraw the weights of every Linear and Conv2D and set biases to 0; `default` keeps Paddle's own."""
    require("init", init, INITS)
    if init == "default":
        return
    draw = nn.initializer.XavierNormal() if init == "xavier" else nn.initializer.KaimingNormal()
    for layer in network.sublayers():
        if isinstance(layer, nn.Linear | nn.Conv2D):
            draw(layer.weight)
            nn.initializer.Constant(0.0)(layer.bias)


def make_schedule(cfg: TaskConfig) -> Any:
    """Return the learning rate as an LRScheduler over `cfg.steps` steps.

    The base rate is `lr * lr_scale`; with `optimizer=adam` it is `1e-3 * lr_scale`, because a rate that suits SGD
    says nothing about Adam. `cosine` falls to 0 at the last step, `warmup` rises linearly over the first tenth.
    """
    require("scheduler", cfg.scheduler, SCHEDULERS)
    base = (1e-3 if cfg.optimizer == "adam" else cfg.lr) * cfg.lr_scale
    if cfg.scheduler == "cosine":
        return paddle.optimizer.lr.CosineAnnealingDecay(base, T_max=cfg.steps)
    rise = max(1, cfg.steps // 10) if cfg.scheduler == "warmup" else 1
    return paddle.optimizer.lr.LambdaDecay(base, lambda step: min(1.0, (step + 1) / rise))


def make_optimizer(cfg: TaskConfig, parameters: list[Any], learning_rate: Any) -> Any:
    """Return the optimizer over these parameters: `weight_decay` is L2 on all of them, `clip` a global norm or None.

    The learning rate is a number or an LRScheduler (`make_schedule`). `adam_eps` is read for Adam alone.
    """
    require("optimizer", cfg.optimizer, OPTIMIZERS)
    make = {"sgd": paddle.optimizer.SGD, "momentum": paddle.optimizer.Momentum, "adam": paddle.optimizer.Adam}
    epsilon = cfg.get("adam_eps")  # a task that was copied earlier has no such key
    return make[cfg.optimizer](
        learning_rate=learning_rate,
        parameters=parameters,
        weight_decay=cfg.weight_decay or None,
        grad_clip=None if cfg.clip is None else nn.ClipGradByGlobalNorm(cfg.clip),
        **({"epsilon": epsilon} if cfg.optimizer == "adam" and epsilon is not None else {}),
    )


def batches(n: int, size: int, *, shuffle: bool, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Yield the row numbers of one batch after another, forever: epoch by epoch, without an incomplete last batch."""
    size = min(size, n)
    while True:
        order = rng.permutation(n) if shuffle else np.arange(n)
        for start in range(0, n - size + 1, size):
            yield order[start : start + size]


def fit(
    cfg: TaskConfig,
    run: Run,
    network: Any,
    train_set: Samples,
    *,
    loss: Loss,
    evaluate: Evaluate,
    augment: Augment | None = None,
    loss_unit: float = 1.0,
) -> None:
    """Train for `cfg.steps` optimizer steps, logging `train/loss` and, every `cfg.eval_every` steps, `evaluate`.

    Order, augmentation and dropout each draw from their own stream, so trials with the same seed see the same
    batches in the same order whatever is switched on or off. `loss_unit` is the value of a loss of 1 in original units.
    """
    schedule = make_schedule(cfg)
    optimizer = make_optimizer(cfg, network.parameters(), schedule)
    size = max(1, round(cfg.batch_size * cfg.batch_scale))
    run.watch(network, optimizer)
    order = batches(len(train_set), size, shuffle=cfg.shuffle, rng=np.random.default_rng(run.stream("order")))
    augmentation = np.random.default_rng(run.stream("augmentation"))
    paddle.seed(run.stream("dropout"))
    network.train()
    for step in range(1, cfg.steps + 1):
        rows = next(order)
        x = train_set.x[rows] if augment is None else augment(train_set.x[rows], augmentation)
        batch_loss = loss(network(paddle.to_tensor(x)), paddle.to_tensor(train_set.y[rows]))
        batch_loss.backward()
        optimizer.step()
        optimizer.clear_grad()
        schedule.step()
        metrics = evaluate(network) if step % cfg.eval_every == 0 else {}
        if metrics or step == 1 or step % cfg.log_every == 0:
            run.log(step, **{"train/loss": float(batch_loss) * loss_unit, **metrics})


def fit_classifier(
    cfg: TaskConfig,
    run: Run,
    make_network: Callable[[], Any],
    sets: tuple[Samples, Samples],
    *,
    augment: Augment | None = None,
) -> None:
    """Train a classifier on the first of the sets with cross entropy, as `fit` does, and evaluate it on the second."""
    train_set, val_set = sets
    run.describe(label_entropy=label_entropy(train_set.y))
    paddle.seed(run.stream("init"))
    network = make_network()
    fit(cfg, run, network, train_set, loss=F.cross_entropy, evaluate=classification(val_set), augment=augment)


def classification(val_set: Samples, *, chunk: int = 1000) -> Evaluate:
    """Return the evaluation of a classifier on a validation set: `val/loss` (cross entropy, nats) and `val/acc`."""
    parts = [
        (paddle.to_tensor(val_set.x[i : i + chunk]), paddle.to_tensor(val_set.y[i : i + chunk]))
        for i in range(0, len(val_set), chunk)
    ]

    def evaluate(network: Any) -> dict[str, float]:
        network.eval()
        with paddle.no_grad():
            outputs = [(network(x), y) for x, y in parts]
            loss = sum(float(F.cross_entropy(logits, y, reduction="sum")) for logits, y in outputs)
            hits = sum(int((logits.argmax(axis=1) == y).sum()) for logits, y in outputs)
        network.train()
        return {"val/loss": loss / len(val_set), "val/acc": hits / len(val_set)}

    return evaluate


def label_entropy(labels: NDArray[np.int64]) -> float:
    """Return the entropy of the label prior in nats: the loss of the best guess that ignores the input."""
    p = np.unique(labels, return_counts=True)[1] / len(labels)
    return float(-(p * np.log(p)).sum())

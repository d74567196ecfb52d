"""An ordinary training program: load, standardise, model, optimizer, loop. Only one line is for sweep: `run.watch`."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from sklearn import datasets

from calibration.faults import FAULTS, Program
from calibration.models import MODELS
from sweep.task import Run, TaskConfig

LOADERS = {
    "digits": datasets.load_digits,
    "wine": datasets.load_wine,
    "breast_cancer": datasets.load_breast_cancer,
    "diabetes": datasets.load_diabetes,
}
REGRESSION = ("diabetes",)


@lru_cache(maxsize=4)
def load(name: str) -> tuple[Any, Any]:
    """Return features [n, f] and targets [n] of a scikit-learn data set, shuffled."""
    found = LOADERS[name]()
    order = np.random.default_rng(0).permutation(len(found.target))
    return found.data[order].astype(np.float32), found.target[order]


def prepare(cfg: TaskConfig) -> None:
    """Load the data once, before trials fork."""
    load(cfg.data)


def make_program(cfg: TaskConfig) -> Program:
    """Return data, model and loss of a healthy program."""
    x, y = load(cfg.data)
    count = max(len(x) // 4, 1)
    is_regression = cfg.data in REGRESSION
    if cfg.inputs == "standardize":
        std = x[count:].std(axis=0)
        x = (x - x[count:].mean(axis=0)) / np.where(std > 0, std, 1.0)
    elif cfg.inputs == "tokens":
        x = x.astype(np.int64)
    elif cfg.inputs == "unit":
        x = x / 16.0
    if is_regression:
        y = ((y - y[count:].mean()) / y[count:].std()).astype(np.float32).reshape(-1, 1)
    outputs = 1 if is_regression or cfg.loss == "bce" else int(y.max()) + 1
    if cfg.loss == "bce":
        y = y.astype(np.float32).reshape(-1, 1)
    losses = {"ce": nn.CrossEntropyLoss(), "mse": nn.MSELoss(), "bce": F.binary_cross_entropy_with_logits}
    return Program(
        train=(x[count:], y[count:]), val=(x[:count], y[:count]), model=MODELS[cfg.model](cfg, x.shape[1], outputs),
        loss=losses[cfg.loss], outputs=outputs,
    )  # fmt: skip


def make_optimizer(cfg: TaskConfig, model: Any) -> tuple[Any, Any]:
    """Return the optimizer, and its scheduler or None."""
    lr = paddle.optimizer.lr
    schedulers: dict[str, Callable[[], Any]] = {
        "none": lambda: None,
        "cosine": lambda: lr.CosineAnnealingDecay(cfg.lr, T_max=cfg.steps),
        "warmup": lambda: lr.LinearWarmup(cfg.lr, cfg.steps // 10, 0.0, cfg.lr),
        "plateau": lambda: lr.ReduceOnPlateau(cfg.lr, patience=2),
        "steps": lambda: lr.StepDecay(cfg.lr, step_size=cfg.steps // 4, gamma=0.1),
        "collapse": lambda: lr.ExponentialDecay(cfg.lr, gamma=0.9),
    }
    scheduler = schedulers[cfg.scheduler]()
    make = {
        "sgd": paddle.optimizer.SGD,
        "momentum": paddle.optimizer.Momentum,
        "adam": paddle.optimizer.Adam,
        "adamw": paddle.optimizer.AdamW,
        "rmsprop": paddle.optimizer.RMSProp,
    }[cfg.optimizer]
    settings: dict[str, Any] = {"weight_decay": cfg.weight_decay} if cfg.weight_decay else {}
    clip = nn.ClipGradByGlobalNorm(cfg.clip) if cfg.clip else None
    rate = cfg.lr if scheduler is None else scheduler
    given = list(model.parameters())[-2:] if cfg.head_only else model.parameters()
    return make(learning_rate=rate, parameters=given, grad_clip=clip, **settings), scheduler


def evaluate(program: Program) -> dict[str, float]:
    """Return the loss on the validation set, and the accuracy, or the explained variance."""
    x, y = program.val
    program.model.eval()
    with paddle.no_grad():
        out = program.model(paddle.to_tensor(x))
        loss = float(program.loss(out, paddle.to_tensor(y)))
    program.model.train()
    guess = program.predicts(out.numpy())
    if y.ndim == 1 or program.outputs > 1:
        return {"val/loss": loss, "val/acc": float((guess.argmax(axis=1) == y.ravel()).mean())}
    if set(np.unique(y)) <= {0.0, 1.0}:
        return {"val/loss": loss, "val/acc": float(((guess > 0) == (y > 0.5)).mean())}
    return {"val/loss": loss, "val/r2": float(1 - ((guess - y) ** 2).mean() / y.var())}


def freeze(model: Any) -> None:
    """Freeze all layers except the last: a head on fixed features."""
    for parameter in list(model.parameters())[:-2]:
        parameter.stop_gradient = True


def train(cfg: TaskConfig, run: Run) -> None:
    """Train one trial, with a planted fault if the config names one."""
    paddle.seed(run.stream("init"))
    program = make_program(cfg)
    if cfg.fault:
        FAULTS[cfg.fault](program)
    if cfg.frozen:
        freeze(program.model)
    optimizer, scheduler = make_optimizer(cfg, program.model)
    run.watch(program.model, optimizer)
    order, (x, y) = np.random.default_rng(run.stream("order")), program.train
    for step in range(1, cfg.steps + 1):
        for _ in range(cfg.accumulate):
            rows = order.choice(len(x), size=min(cfg.batch_size, len(x)), replace=False)
            loss = program.loss(program.model(paddle.to_tensor(x[rows])), paddle.to_tensor(y[rows]))
            (loss / cfg.accumulate if cfg.accumulate > 1 else loss).backward()
        optimizer.step()
        if program.clears:
            optimizer.clear_grad()
        metrics = evaluate(program) if step % 10 == 0 else {}
        if scheduler is not None and program.steps_scheduler:
            scheduler.step(loss) if cfg.scheduler == "plateau" else scheduler.step()
        if step == 1 or step % 5 == 0:
            run.log(step, **{"train/loss": float(loss), **metrics})

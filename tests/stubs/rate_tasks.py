"""Tasks of the learning-rate range test: one parameter whose gradient is 1, so that an update tells its rate.

`WEIGHTS` holds the parameter after each optimizer step of the last training.
"""

import numpy as np
import paddle

from sweep.task import Run, TaskConfig

WEIGHTS: list[float] = []


def _weight():
    WEIGHTS.clear()
    return paddle.create_parameter([1], "float64", default_initializer=paddle.nn.initializer.Constant(0.0))


def _rate(cfg):
    schedules = {
        "constant": lambda: 0.3,
        "warmup": lambda: paddle.optimizer.lr.LinearWarmup(0.3, warmup_steps=20, start_lr=0.0, end_lr=0.3),
        "noam": lambda: paddle.optimizer.lr.NoamDecay(d_model=64, warmup_steps=100),
        "plateau": lambda: paddle.optimizer.lr.ReduceOnPlateau(0.3),
    }
    return schedules[cfg.get("scheduler", "constant")]()


def train(cfg: TaskConfig, run: Run) -> None:
    """Train with any optimizer and schedule: the loss is the weight plus 10."""
    weight, rate = _weight(), _rate(cfg)
    optimizer = getattr(paddle.optimizer, cfg.get("optimizer", "SGD"))(learning_rate=rate, parameters=[weight])
    for step in range(1, cfg.steps + 1):
        loss = weight.sum() + 10.0
        loss.backward()
        if cfg.get("minimize"):
            optimizer.minimize(loss)
        else:
            optimizer.step()
        optimizer.clear_grad()
        if hasattr(rate, "step"):
            rate.step(*([loss.item()] if cfg.scheduler == "plateau" else []))
        WEIGHTS.append(weight.item())
        run.log(step, **{"train/loss": loss.item()})


def accumulates(cfg: TaskConfig, run: Run) -> None:
    """Make one step of every two backward passes, of losses 1 and 3."""
    weight = _weight()
    optimizer = paddle.optimizer.SGD(0.1, parameters=[weight])
    for step in range(1, cfg.steps + 1):
        (0.5 * weight.sum() + 1.0 - 0.5 * weight.item()).backward()
        (0.5 * weight.sum() + 3.0 - 0.5 * weight.item()).backward()
        optimizer.step()
        optimizer.clear_grad()
        run.log(step, **{"train/loss": 2.0})


def scales(cfg: TaskConfig, run: Run) -> None:
    """Scale the loss, 5, for mixed precision."""
    weight = _weight()
    optimizer = paddle.optimizer.SGD(0.1, parameters=[weight])
    scaler = paddle.amp.GradScaler(init_loss_scaling=1024.0, use_dynamic_loss_scaling=False)
    scaler._enable, scaler._scale = True, paddle.to_tensor([1024.0], "float64")  # it enables itself on a GPU only
    for step in range(1, cfg.steps + 1):
        scaled = scaler.scale(weight.sum() + 5.0 - weight.item())
        scaled.backward()
        optimizer.step()
        optimizer.clear_grad()
        run.log(step, **{"train/loss": 5.0})


def closes(cfg: TaskConfig, run: Run) -> None:
    """Give LBFGS its closure: the loss is evaluated within the step."""
    weight = _weight()
    optimizer = paddle.optimizer.LBFGS(0.1, max_iter=1, parameters=[weight])

    def closure():
        optimizer.clear_grad()
        loss = ((weight - 3.0) ** 2).sum() + 1.0
        loss.backward()
        return loss

    for step in range(1, cfg.steps + 1):
        loss = optimizer.step(closure)
        run.log(step, **{"train/loss": loss.item()})


def looks_ahead(cfg: TaskConfig, run: Run) -> None:
    """Wrap the optimizer in LookAhead, whose own rate is none."""
    weight = _weight()
    inner = paddle.optimizer.SGD(0.1, parameters=[weight])
    optimizer = paddle.incubate.LookAhead(inner, alpha=1.0, k=5)
    for step in range(1, cfg.steps + 1):
        (weight.sum() + 10.0).backward()
        optimizer.step()
        optimizer.clear_grad()
        WEIGHTS.append(weight.item())
        run.log(step, **{"train/loss": weight.item() + 10.0})


def logs_only(cfg: TaskConfig, run: Run) -> None:
    """Go backward by a way of its own, and log the loss of every second step."""
    weight = _weight()
    optimizer = paddle.optimizer.SGD(0.1, parameters=[weight])
    for step in range(1, cfg.steps + 1):
        loss = weight.sum() + 10.0
        [weight.grad] = paddle.grad(loss, weight)
        optimizer.step()
        optimizer.clear_grad()
        if step % 2 == 0:
            run.log(step, **{"val/loss": -1.0, "train/loss": loss.item()})


def two(cfg: TaskConfig, run: Run) -> None:
    """Train two parameters by optimizers of their own; only the first is searched."""
    first, second = _weight(), paddle.create_parameter([1], "float64")
    one, other = (paddle.optimizer.SGD(0.1, parameters=[w]) for w in (first, second))
    for step in range(1, cfg.steps + 1):
        (first.sum() + second.sum() + 10.0).backward()
        before = second.item()
        one.step()
        other.step()
        WEIGHTS.append(before - second.item())
        one.clear_grad()
        other.clear_grad()
        run.log(step, **{"train/loss": 1.0})


def fits(cfg: TaskConfig, run: Run) -> None:
    """Leave the loop to paddle.Model."""
    x = np.random.default_rng(0).normal(size=(cfg.steps * 4, 3)).astype("float32")
    data = paddle.io.TensorDataset([paddle.to_tensor(x), paddle.to_tensor(x.sum(axis=1, keepdims=True))])
    network = paddle.nn.Linear(3, 1)
    model = paddle.Model(network)
    schedule = paddle.optimizer.lr.CosineAnnealingDecay(0.5, T_max=cfg.steps)
    model.prepare(paddle.optimizer.Adam(schedule, parameters=network.parameters()), paddle.nn.MSELoss())
    model.fit(data, batch_size=4, epochs=1, verbose=0, callbacks=[run.hapi_callback()])


def numpy_only(cfg: TaskConfig, run: Run) -> None:
    """Train without an optimizer of Paddle's."""
    weight = np.ones(3)
    for step in range(1, cfg.steps + 1):
        weight *= 1 - cfg.get("lr", 0.1)
        run.log(step, **{"train/loss": float((weight**2).sum())})


def explodes(cfg: TaskConfig, run: Run) -> None:
    """Have a loss that is no number."""
    weight = _weight()
    optimizer = paddle.optimizer.SGD(0.1, parameters=[weight])
    for step in range(1, cfg.steps + 1):
        loss = weight.sum() * float("nan")
        loss.backward()
        optimizer.step()
        run.log(step, **{"train/loss": loss.item()})

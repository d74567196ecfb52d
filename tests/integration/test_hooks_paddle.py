"""Hooks on Paddle itself: what reaches them, their order, and that nothing of Paddle's is left changed."""

import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from watched_training import batch, make_run, mlp, series

from sweep.domain.lr_range import LOSSES, RATES, Ramp
from sweep.domain.target import Mode, Target
from sweep.rundir import EventWriter, RunDir, points_of, read_events
from sweep.worker.checks.lr_range import RangeTest
from sweep.worker.hooks import Hooks, Role, around_function, installed
from sweep.worker.hooks.points import STEPS, around_optimizers, around_train_batch, on_backward, on_call
from sweep.worker.run import WorkerRun

Attributes = dict[tuple[str, str], Any]


def owners_in_paddle() -> dict[str, Any]:
    """Every module of paddle, and every class that is in one, by name."""
    modules = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "paddle"}
    owners: dict[str, Any] = {**modules, "Tensor": paddle.Tensor}  # Tensor's class says that it is from elsewhere
    for module in modules.values():
        for value in list(vars(module).values()):
            if isinstance(value, type) and str(getattr(value, "__module__", "")).startswith("paddle."):
                owners[f"{value.__module__}:{value.__qualname__}"] = value
    return owners


def attributes_of_paddle() -> Attributes:
    return {(at, name): value for at, owner in owners_in_paddle().items() for name, value in list(vars(owner).items())}


def changed(before: Attributes, after: Attributes) -> set[tuple[str, str]]:
    """The functions that are not the same object, or there in one only, of what was loaded before."""
    known = {at for at, _ in before}
    keys = {key for key in before.keys() | after.keys() if key[0] in known}
    pairs = {key: (before.get(key), after.get(key)) for key in keys}
    return {key for key, pair in pairs.items() if pair[0] is not pair[1] and any(map(_is_function, pair))}


def _is_function(value: Any) -> bool:
    return callable(value) or isinstance(value, staticmethod | classmethod | property)


def hooked() -> set[tuple[str, str]]:
    """The functions of paddle that the room says are hooked."""
    owners = owners_in_paddle().items()
    return {(at, name) for owner, name in installed() for at, known in owners if known is owner}


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    before = attributes_of_paddle()
    yield
    assert installed() == ()
    assert changed(before, attributes_of_paddle()) == set()


@pytest.fixture
def run(nothing_is_left: None, tmp_path: Path) -> Iterator[WorkerRun]:
    made = make_run(tmp_path / "run")
    yield made
    made.unwatch()


def range_test(folder: Path) -> RangeTest:
    target = Target(metric=None, mode=Mode.MIN, threshold=None, hold=None, budget_steps=40, stop_early=True)
    folder.mkdir()
    run_dir = RunDir(folder)
    run = WorkerRun(run_dir, seed=0, target=target, events=EventWriter(run_dir.events), is_check=True)
    return RangeTest(run, Ramp(lr_min=1e-3, lr_max=1e-1, steps=40))


def install(test: RangeTest, hooks: Hooks) -> None:
    around_optimizers(hooks, STEPS, test.around_step)
    on_backward(hooks, test.take_loss)


def one_step(model: Any, optimizer: Any) -> None:
    x, y = batch()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    optimizer.clear_grad()


def test_with_everything_on_nothing_of_paddle_is_patched_that_the_room_does_not_know(run, tmp_path):
    before = attributes_of_paddle()
    test, model = range_test(tmp_path / "test"), mlp()
    with Hooks(Role.CHANGES) as hooks:
        install(test, hooks)
        around_function(hooks, F.dropout, lambda below: lambda *args, **kwargs: below(*args, **kwargs))
        around_train_batch(hooks, lambda below: lambda *args, **kwargs: below(*args, **kwargs))
        for kind in (paddle.optimizer.SGD, paddle.optimizer.Adam, paddle.optimizer.AdamW):
            optimizer = kind(0.1, parameters=model.parameters())
            run.watch(model, optimizer)
            one_step(model, optimizer)
        assert changed(before, attributes_of_paddle()) == hooked()
        names = {name for _, name in hooked()}
        assert {"step", "minimize", "backward", "scale", "__call__", "clear_grad", "dropout", "train_batch"} <= names


def test_a_monitor_inside_a_range_test_records_the_rate_that_each_step_really_has(run, tmp_path):
    test = range_test(tmp_path / "test")
    model = mlp()
    optimizer = paddle.optimizer.Adam(0.5, parameters=model.parameters())
    run.watch(model, optimizer)
    with Hooks(Role.CHANGES) as hooks:
        install(test, hooks)
        for _ in range(5):
            one_step(model, optimizer)
    assert optimizer.get_lr() == 0.5
    rates = points_of(read_events(RunDir(tmp_path / "test").events, 0)[0])[RATES].values.tolist()
    assert rates == [test.ramp.rate(index) for index in range(5)]
    assert series(run)["watch/lr"] == pytest.approx(dict(enumerate(rates, start=1)))
    losses = points_of(read_events(RunDir(tmp_path / "test").events, 0)[0])[LOSSES].values.tolist()
    assert list(series(run)["watch/loss"].values()) == pytest.approx(losses)
    one_step(model, optimizer)
    assert series(run)["watch/lr"][6] == 0.5


def test_all_optimizers_are_reached_once_a_step_however_their_class_makes_it():
    steps = []

    def make(below: Any) -> Any:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            steps.append(type(optimizer).__name__)
            return below(optimizer, *args, **kwargs)

        return step

    model = mlp()
    with Hooks(Role.CHANGES) as hooks:
        around_optimizers(hooks, ("step",), make)

        class Own(paddle.optimizer.SGD):  # defined when the hooks are there already
            def step(self) -> None:
                self._own = True

        for kind in (paddle.optimizer.SGD, paddle.optimizer.Momentum, paddle.optimizer.AdamW, Own):
            one_step(model, kind(learning_rate=0.1, parameters=model.parameters()))
    assert steps == ["SGD", "Momentum", "AdamW", "Own"]
    own = vars(Own)["step"]
    assert not hasattr(own, "__wrapped__")


def test_a_training_that_fails_within_a_step_leaves_paddle_as_it_was():
    def make(below: Any) -> Any:
        def step(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            below(optimizer, *args, **kwargs)
            raise FloatingPointError

        return step

    def train() -> None:
        model = mlp()
        with Hooks(Role.CHANGES) as hooks:
            around_optimizers(hooks, STEPS, make)
            one_step(model, paddle.optimizer.SGD(0.1, parameters=model.parameters()))

    with pytest.raises(FloatingPointError):
        train()


def test_two_listeners_see_the_loss_unscaled_and_one_may_leave_before_the_other():
    first: list[float] = []
    second: list[float] = []
    model = nn.Linear(2, 1)
    scaler = paddle.amp.AmpScaler(init_loss_scaling=1024.0)
    hooks = Hooks(Role.WATCHES)
    on_backward(hooks, lambda loss: first.append(float(loss)))
    with Hooks(Role.CHANGES) as others:
        on_backward(others, lambda loss: second.append(float(loss)))
        loss = model(paddle.ones([3, 2])).mean()
        scaler.scale(loss).backward()
        hooks.close()
        again = model(paddle.ones([3, 2])).mean()
        again.backward()
    assert first == [float(loss)]
    assert second == [float(loss), float(again)]


def test_the_calls_of_one_model_are_seen_and_those_of_its_class_are_not():
    seen: list[Any] = []
    model, other = nn.Linear(2, 1), nn.Linear(2, 1)
    with Hooks(Role.WATCHES) as hooks:
        on_call(hooks, model, lambda _, inputs, named: seen.append((len(inputs), sorted(named))))
        model(paddle.ones([1, 2]))
        other(paddle.ones([1, 2]))
        model(input=paddle.ones([1, 2]))
    assert seen == [(1, []), (0, ["input"])]


def test_the_batches_of_model_fit_are_reached_by_train_batch_and_their_steps_by_minimize():
    batches, steps = [], []

    def counting(found: list[int]) -> Any:
        def make(below: Any) -> Any:
            def hook(*args: Any, **kwargs: Any) -> Any:
                found.append(1)
                return below(*args, **kwargs)

            return hook

        return make

    rows = [(np.ones(2, "float32"), np.zeros(1, "float32"))] * 4
    model = paddle.Model(nn.Linear(2, 1))
    model.prepare(paddle.optimizer.SGD(0.1, parameters=model.parameters()), nn.MSELoss())
    with Hooks(Role.WATCHES) as hooks:
        around_train_batch(hooks, counting(batches))
        around_optimizers(hooks, ("minimize",), counting(steps))
        model.fit(rows, epochs=1, verbose=0)
    assert (len(batches), len(steps)) == (4, 4)


def test_a_function_is_reached_by_all_its_names_and_by_layers():
    program = types.ModuleType("a_program")
    program.drop = F.dropout  # type: ignore[attr-defined]  # as by `from paddle.nn.functional import dropout as drop`
    sys.modules["a_program"] = program
    try:
        with Hooks(Role.CHANGES) as hooks:
            around_function(hooks, F.dropout, lambda _: lambda x, *args, **kwargs: x)
            x = paddle.ones([64])
            assert program.drop(x, 0.5) is x  # type: ignore[attr-defined]
            assert nn.Dropout(0.5)(x) is x
        assert program.drop is F.dropout  # type: ignore[attr-defined]
        assert float(nn.Dropout(0.5)(x).min()) == 0.0
    finally:
        del sys.modules["a_program"]

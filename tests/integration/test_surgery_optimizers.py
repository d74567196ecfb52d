"""Knobs of the optimizer on live Paddle objects: the weights are those of a program with the change made by hand."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.optimizer import SGD, Adagrad, Adam, AdamW, Lamb, Momentum, RMSProp
from paddle.optimizer import lr as schedules
from paddle.regularizer import L1Decay, L2Decay
from surgery_on_objects import changed, found, knobs, same, weights

from sweep.worker.hooks import Hooks, Role
from sweep.worker.hooks.points import around_optimizers
from sweep.worker.surgery import KNOBS
from sweep.worker.surgery.rates import share

TOTAL_STEPS = 100  # of `knobs`
OBSERVED = tuple(KNOBS)
Make = Callable[[nn.Layer], Any]


def network(weight_attr: Any = None) -> nn.Sequential:
    paddle.seed(1)
    return nn.Sequential(nn.Linear(6, 5, weight_attr=weight_attr), nn.Tanh(), nn.Linear(5, 1))


def loss_of(model: nn.Layer, step: int) -> paddle.Tensor:
    rng = np.random.default_rng(step)
    x = rng.standard_normal((8, 6), dtype=np.float32)
    return ((model(paddle.to_tensor(x)) - paddle.to_tensor(3 * x[:, :1])) ** 2).mean()


def train(make: Make, steps: int = 4, attr: Any = None, after: Callable[[Any], None] | None = None) -> list[np.ndarray]:
    """Train as programs do; `after` gets the optimizer after each step. Returns the weights."""
    model = network(attr)
    optimizer = make(model)
    for step in range(steps):
        loss_of(model, step).backward()
        optimizer.step()
        optimizer.clear_grad()
        if after is not None:
            after(optimizer)
    assert all(np.isfinite(array).all() for array in weights(model))
    return weights(model)


def is_close(left: list[np.ndarray], right: list[np.ndarray]) -> bool:
    return all(np.allclose(a, b, rtol=2e-5, atol=1e-7) for a, b in zip(left, right, strict=True))


def of(kind: Any, rate: Any = 0.05, **settings: Any) -> Make:
    return lambda model: kind(rate, parameters=model.parameters(), **settings)


def grouped(kind: Any, rate: Any = 0.05, first: Any = None, second: Any = None, **settings: Any) -> Make:
    """An optimizer of two groups, each with options of its own."""

    def make(model: Any) -> Any:
        groups = [
            {"params": model[0].parameters(), **(first or {})},
            {"params": model[2].parameters(), **(second or {})},
        ]
        return kind(rate, parameters=groups, **settings)

    return make


def stepped(optimizer: Any) -> None:
    optimizer._learning_rate.step()


ALL = [SGD, Momentum, RMSProp, Adam, AdamW, Lamb, Adagrad]
L2 = [SGD, Momentum, RMSProp, Adam, Adagrad]
ADAMS = [Adam, AdamW]


def clip_1() -> Any:
    return nn.ClipGradByGlobalNorm(1.0)


# Nothing set


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("has_schedule", [True, False])
def test_all_knobs_null_train_bitwise_as_without_surgery(kind: Any, has_schedule: bool) -> None:
    def make(model: Any) -> Any:
        rate = (
            schedules.LinearWarmup(schedules.CosineAnnealingDecay(0.05, T_max=9), 3, 0.0, 0.05)
            if has_schedule
            else 0.05
        )
        decay = {} if kind is Lamb else {"weight_decay": 0.1}
        return kind(rate, parameters=model.parameters(), grad_clip=nn.ClipGradByGlobalNorm(0.5), **decay)

    after = stepped if has_schedule else None
    alone = train(make, steps=20, after=after)
    with knobs(*OBSERVED) as book:
        observed = train(make, steps=20, after=after)
    assert same(observed, alone)
    assert book.parts
    assert not book.changes


@pytest.mark.parametrize(
    ("make", "values"),
    [
        (of(SGD, weight_decay=0.1), {"weight_decay": 0.1}),
        (of(Momentum, weight_decay=L2Decay(0.1)), {"weight_decay": 0.1}),
        (of(AdamW, weight_decay=0.1), {"weight_decay": 0.1}),
        (of(SGD), {"weight_decay": 0.0}),
        (of(SGD, grad_clip=nn.ClipGradByGlobalNorm(1.0)), {"clip": 1.0}),
        (of(SGD), {"clip": "none"}),
        (of(SGD), {"scheduler": "constant"}),
        (of(SGD), {"lr_scale": 1.0}),
        (of(Adam, 1e-3), {"optimizer": "adam"}),
        (of(AdamW, 1e-3), {"optimizer": "adam"}),
        (grouped(Adam, 1e-3, {"learning_rate": 0.1}), {"optimizer": "adam"}),
        (of(Adam, epsilon=1e-4), {"adam_eps": 1e-4}),
        (of(SGD), {"adam_eps": 1e-4}),
        (of(SGD), {"amp": False}),
    ],
)
def test_a_value_that_the_program_has_already_changes_nothing(make: Make, values: dict[str, object]) -> None:
    alone = train(make)
    with knobs(**values) as book:
        assert same(train(make), alone)
    assert not book.changes


def test_attributes_of_paddle_are_restored() -> None:
    before = {kind: dict(vars(kind)) for kind in (paddle.optimizer.Optimizer, *ALL, schedules.LRScheduler)}
    with knobs(*OBSERVED, optimizer="adam", lr_scale=0.1, scheduler="cosine", clip=1.0, amp=False):
        train(of(SGD))
    assert {kind: dict(vars(kind)) for kind in before} == before


# Weight decay


@pytest.mark.parametrize("kind", L2)
@pytest.mark.parametrize("decay", [0.5, L2Decay(0.5), L1Decay(0.1)])
def test_weight_decay_off(kind: Any, decay: Any) -> None:
    by_hand = train(of(kind))
    with knobs(weight_decay=0.0) as book:
        assert same(train(of(kind, weight_decay=decay)), by_hand)
    assert len(book.changes) == 1
    assert book.changes[0].value == (0.1 if isinstance(decay, L1Decay) else 0.5)


def test_weight_decay_off_in_adamw_and_lamb() -> None:
    plain_adamw, plain_lamb = train(of(AdamW, weight_decay=0.0)), train(of(Lamb, lamb_weight_decay=0.0))
    with knobs(weight_decay="none") as book:
        assert same(train(of(AdamW, weight_decay=5.0)), plain_adamw)
        assert same(train(of(Lamb, lamb_weight_decay=5.0)), plain_lamb)
    assert set(changed(book, "weight_decay")) == {"weight_decay=5 (AdamW)", "weight_decay=5 (Lamb)"}


@pytest.mark.parametrize("kind", [*L2, AdamW])
def test_weight_decay_of_groups_off(kind: Any) -> None:
    own = {"weight_decay": 0.0} if kind is AdamW else {}
    by_hand = train(grouped(kind, **own))
    with knobs(weight_decay=0.0) as book:
        assert same(train(grouped(kind, first={"weight_decay": 0.5}, second={"weight_decay": 0.2}, **own)), by_hand)
        assert same(train(grouped(kind, weight_decay=0.7)), by_hand)
    assert {part.value for part in book.changes} == {0.5, 0.2, 0.7}


@pytest.mark.parametrize("kind", [SGD, Momentum, AdamW])
def test_only_coefficients_that_are_used_are_found(kind: Any) -> None:
    with knobs("weight_decay") as book:
        train(grouped(kind, first={"weight_decay": 0.5}, second={"weight_decay": 0.2}))
    assert {part.value for part in book.parts} == {0.5, 0.2}


@pytest.mark.parametrize("kind", [*L2, AdamW])
def test_regularizer_of_a_parameter_off(kind: Any) -> None:
    own = {"weight_decay": 0.0} if kind is AdamW else {}
    by_hand = train(of(kind, **own))
    with knobs(weight_decay=0.0) as book:
        attr = paddle.ParamAttr(regularizer=L2Decay(2.0))
        assert same(train(of(kind, weight_decay=0.5), attr=attr), by_hand)
    parts = {part.value: part for part in book.changes}
    assert set(parts) == {2.0, 0.5}
    assert "ParamAttr" in parts[2.0].what
    assert parts[2.0].where != parts[0.5].where


@pytest.mark.parametrize("kind", [*L2, AdamW])
def test_another_coefficient_replaces_those_that_are_not_zero(kind: Any) -> None:
    by_hand = train(grouped(kind, first={"weight_decay": 0.3}, second={"weight_decay": 0.0}))
    with knobs(weight_decay=0.3):
        assert is_close(train(grouped(kind, first={"weight_decay": 4.0}, second={"weight_decay": 0.0})), by_hand)


@pytest.mark.parametrize("kind", L2)
def test_a_coefficient_for_a_program_without_decay(kind: Any) -> None:
    by_hand = train(of(kind, weight_decay=0.3))
    with knobs(weight_decay=0.3) as book:
        assert same(train(of(kind)), by_hand)
    assert [part.value for part in book.changes] == [0.0]
    assert not book.parts


def test_parameters_excluded_by_a_decay_function_stay_excluded() -> None:
    def make(decay: float) -> Make:
        return of(AdamW, weight_decay=decay, apply_decay_param_fun=lambda name: ".w_" in name)

    by_hand, off = train(make(0.3)), train(make(0.0))
    with knobs(weight_decay=0.3):
        assert same(train(make(4.0)), by_hand)
    with knobs(weight_decay=0.0):
        assert same(train(make(4.0)), off)


# Clip


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize(
    "own", [None, nn.ClipGradByGlobalNorm(0.01), nn.ClipGradByNorm(0.01), nn.ClipGradByValue(0.01)]
)
def test_clip_on_and_off(kind: Any, own: Any) -> None:
    on, off = train(of(kind, grad_clip=nn.ClipGradByGlobalNorm(1.0))), train(of(kind))
    with knobs(clip=1.0) as book:
        assert same(train(of(kind, grad_clip=own)), on)
    assert [part.value for part in book.changes] == [None if own is None else 0.01]
    with knobs(clip="none") as book:
        assert same(train(of(kind, grad_clip=own)), off)
    assert len(book.changes) == (own is not None)


@pytest.mark.parametrize("kind", [SGD, Momentum, AdamW])
def test_clip_of_groups(kind: Any) -> None:
    on, off = train(grouped(kind, grad_clip=nn.ClipGradByGlobalNorm(1.0))), train(grouped(kind))
    own = {"grad_clip": nn.ClipGradByValue(0.01)}
    with knobs(clip=1.0):
        assert same(train(grouped(kind, first=own)), on)
    with knobs(clip="none") as book:
        assert same(train(grouped(kind, first=own)), off)
    assert found(book, "clip") == {"ClipGradByValue(0.01)": 1}


def train_clipping(clip: Callable[[Any], Any]) -> list[np.ndarray]:
    model = network()
    optimizer = SGD(0.05, parameters=model.parameters())
    for step in range(4):
        loss_of(model, step).backward()
        clip(model)
        optimizer.step()
        optimizer.clear_grad()
    return weights(model)


def by_norm(limit: float, order: float = 2.0) -> Callable[[Any], Any]:
    return lambda model: nn.utils.clip_grad_norm_(model.parameters(), limit, norm_type=order)


def by_value(model: Any) -> None:
    nn.utils.clip_grad_value_(model.parameters(), 0.01)


@pytest.mark.parametrize("own", [by_norm(0.01), by_norm(0.01, float("inf")), by_value])
def test_clip_by_hand(own: Callable[[Any], Any]) -> None:
    on, off = train_clipping(by_norm(1.0)), train_clipping(lambda model: None)
    with knobs(clip=1.0) as book:
        assert is_close(train_clipping(own), on)
    assert 0.01 in {part.value for part in book.changes}
    with knobs(clip="none") as book:
        assert same(train_clipping(own), off)
    assert len(book.changes) == 1
    assert book.changes[0].count == 1  # one line, however often it is called


def test_clip_by_hand_from_an_iterator_which_paddle_ignores_is_left_alone() -> None:
    def ignored(model: Any) -> Any:
        return nn.utils.clip_grad_norm_(iter(model.parameters()), 0.01)

    alone = train_clipping(ignored)
    with knobs("clip") as book:
        assert same(train_clipping(ignored), alone)
    assert not book.parts


def test_clip_by_hand_at_the_same_norm_changes_nothing() -> None:
    alone = train_clipping(by_norm(1.0))
    with knobs(clip=1.0) as book:
        assert same(train_clipping(by_norm(1.0)), alone)
    assert not book.changes
    assert found(book, "clip") == {"clip_grad_norm_(max_norm=1)": 1}


# Learning rate and schedule


def noam() -> Any:
    return schedules.NoamDecay(d_model=4, warmup_steps=3, learning_rate=0.1)


class Halving(schedules.LRScheduler):
    """A scheduler of the program's own."""

    def get_lr(self) -> float:
        return self.base_lr * 0.5**self.last_epoch


def plateau() -> Any:
    return schedules.ReduceOnPlateau(0.05, patience=0)


def wrapped() -> Any:
    return schedules.LinearWarmup(schedules.StepDecay(0.05, step_size=1), 2, 0.01, 0.05)


def cosine() -> Any:
    return schedules.CosineAnnealingDecay(0.05, T_max=3)


SCHEDULERS = [noam, partial(Halving, 0.05), plateau, wrapped, cosine]


def follow(optimizer: Any) -> None:
    scheduler = optimizer._learning_rate
    scheduler.step(1.0) if isinstance(scheduler, schedules.ReduceOnPlateau) else scheduler.step()


def rates_of(make: Callable[[], Any], steps: int) -> list[float]:
    rates: list[float] = []
    train(
        lambda model: SGD(make(), parameters=model.parameters()),
        steps,
        after=lambda o: (rates.append(o.get_lr()), follow(o)),
    )
    return rates


def train_at(kind: Any, rates: list[float], make: Callable[..., Make] = of, **settings: Any) -> list[np.ndarray]:
    """Train with these rates, one for each step, set by hand."""
    ahead = iter([*rates[1:], 0.0])
    return train(make(kind, rates[0], **settings), len(rates), after=lambda optimizer: optimizer.set_lr(next(ahead)))


@pytest.mark.parametrize("kind", ALL)
def test_lr_scale_of_a_number(kind: Any) -> None:
    by_hand = train(of(kind, 0.005))
    with knobs(lr_scale=0.1) as book:
        assert is_close(train(of(kind, 0.05)), by_hand)
    assert [part.value for part in book.changes] == [0.05]


@pytest.mark.parametrize("make", SCHEDULERS)
@pytest.mark.parametrize("kind", [SGD, AdamW])
def test_lr_scale_of_a_scheduler(kind: Any, make: Callable[[], Any]) -> None:
    own = rates_of(make, 6)
    by_hand = train_at(kind, [0.1 * rate for rate in own])
    read: list[float] = []
    with knobs(lr_scale=0.1):
        scaled = train(
            lambda m: kind(make(), parameters=m.parameters()), 6, after=lambda o: (read.append(o.get_lr()), follow(o))
        )
    assert is_close(scaled, by_hand)
    assert read == own  # the program's own schedule goes on as it is


def test_lr_scale_of_groups_and_of_set_lr() -> None:
    options = {"first": {"learning_rate": 0.5}, "second": {"learning_rate": 2.0}}
    by_hand = train_at(Momentum, [0.005, 0.002, 0.001], grouped, **options)
    with knobs(lr_scale=0.1) as book:
        assert is_close(train_at(Momentum, [0.05, 0.02, 0.01], grouped, **options), by_hand)
    assert len(book.changes) == 1


def test_a_rate_halved_from_the_one_read_is_scaled_once() -> None:
    by_hand = train_at(SGD, [0.005, 0.0025, 0.00125])
    with knobs(lr_scale=0.1):
        assert is_close(train(of(SGD, 0.05), 3, after=lambda o: o.set_lr(o.get_lr() / 2)), by_hand)


def test_an_update_written_by_hand_gets_the_scaled_rate() -> None:
    class Own(paddle.optimizer.Optimizer):
        @paddle.no_grad()
        def step(self) -> None:
            for parameter in self._parameter_list:
                parameter.set_value(parameter - self.get_lr() * parameter.grad)

    by_hand = train(of(SGD, 0.005))
    with knobs(lr_scale=0.1):
        assert is_close(train(of(Own, 0.05)), by_hand)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "warmup"])
@pytest.mark.parametrize("make", [lambda: 0.05, wrapped, cosine, plateau, partial(Halving, 0.05)])
def test_schedule_over_the_base_rate(schedule: str, make: Callable[[], Any]) -> None:
    by_hand = train_at(Momentum, [0.05 * share(schedule, step, TOTAL_STEPS) for step in range(15)])
    after = None if isinstance(make(), float) else follow
    with knobs(scheduler=schedule) as book:
        assert is_close(train(lambda m: Momentum(make(), parameters=m.parameters()), 15, after=after), by_hand)
    is_changed = schedule != "constant" or after is not None
    assert len(book.changes) == is_changed


def test_schedules_are_those_of_the_native_tasks() -> None:
    assert [share("warmup", step, 30) for step in (0, 1, 2, 3, 29)] == pytest.approx([1 / 3, 2 / 3, 1, 1, 1])
    assert [share("cosine", step, 30) for step in (0, 15, 30, 40)] == pytest.approx([1, 0.5, 0, 0], abs=1e-12)


def test_schedule_over_rates_set_by_hand() -> None:
    with knobs(scheduler="constant") as book:
        constant = train_at(SGD, [0.05, 5.0, 0.01, 0.2])
    assert is_close(constant, train(of(SGD)))
    assert [part.value for part in book.parts] == ["set_lr"]
    assert len(book.changes) == 1


def test_scheduler_is_described_with_the_line_that_made_it() -> None:
    with knobs("scheduler", "lr_scale") as book:
        make = Halving(0.05)
        train(lambda model: SGD(make, parameters=model.parameters()))
    parts = {part.knob: part for part in book.parts}
    assert (parts["scheduler"].value, parts["lr_scale"].value) == ("Halving", 0.05)
    assert parts["scheduler"].what.startswith("Halving(learning_rate=0.05")
    assert None not in {part.where for part in book.parts}
    assert parts["scheduler"].where != parts["lr_scale"].where


def test_the_state_of_a_scheduler_is_saved_and_loaded() -> None:
    with knobs(lr_scale=0.1, scheduler="cosine"):
        model = network()
        optimizer = Momentum(cosine(), parameters=model.parameters())
        loss_of(model, 0).backward()
        optimizer.step()
        optimizer._learning_rate.step()
        state = optimizer.state_dict()
        optimizer._learning_rate.step()
        optimizer.set_state_dict(state)
        loss_of(model, 1).backward()
        optimizer.step()
    assert state["LR_Scheduler"]["last_epoch"] == 1
    assert optimizer.get_lr() == pytest.approx(0.0375)


# Adam


def adam(rate: Any = 1e-3, **settings: Any) -> Make:
    return of(Adam, rate, **settings)


@pytest.mark.parametrize("kind", [SGD, Momentum, RMSProp, Adagrad, Adam])
@pytest.mark.parametrize(
    "settings", [{}, {"weight_decay": 0.3, "grad_clip": nn.ClipGradByGlobalNorm(0.5)}, {"weight_decay": L1Decay(0.1)}]
)
def test_becomes_adam_with_its_decay_and_clip(kind: Any, settings: dict[str, Any]) -> None:
    by_hand = train(adam(**settings))
    with knobs(optimizer="adam") as book:
        assert is_close(train(of(kind, 0.3, **settings)), by_hand)
    assert [(part.what, part.value) for part in book.changes] == [
        (f"{kind.__name__}(learning_rate=0.3)", kind.__name__)
    ]


def test_decoupled_decay_stays_decoupled() -> None:
    def excludes(parameter: Any) -> bool:
        return ".b_" in parameter.name

    by_hand = train(of(AdamW, 1e-3, weight_decay=0.3))
    by_name = train(of(AdamW, 1e-3, weight_decay=0.3, apply_decay_param_fun=lambda name: ".b_" not in name))
    with knobs(optimizer="adam"):
        assert is_close(train(of(AdamW, 0.3, weight_decay=0.3, beta2=0.5, epsilon=0.1)), by_hand)
        assert is_close(train(of(Lamb, 0.3, lamb_weight_decay=0.3, exclude_from_weight_decay_fn=excludes)), by_name)


@pytest.mark.parametrize("kind", [SGD, Momentum, RMSProp, Adam])
def test_becomes_adam_with_its_groups(kind: Any) -> None:
    options = {
        "first": {"learning_rate": 0.1, "weight_decay": 0.3},
        "second": {"weight_decay": 0.0},
        "weight_decay": 0.1,
    }
    by_hand = train(grouped(Adam, 1e-3, **options))
    with knobs(optimizer="adam"):
        assert is_close(train(grouped(kind, 0.3, **options)), by_hand)


@pytest.mark.parametrize("kind", [SGD, Momentum])
def test_becomes_adam_with_regularizers_of_parameters(kind: Any) -> None:
    attr = paddle.ParamAttr(regularizer=L2Decay(0.5))
    by_hand = train(adam(weight_decay=0.1), attr=attr)
    with knobs(optimizer="adam"):
        assert is_close(train(of(kind, 0.3, weight_decay=0.1), attr=attr), by_hand)


def test_becomes_adam_and_keeps_its_schedule_in_proportion() -> None:
    own = rates_of(cosine, 5)
    by_hand = train_at(Adam, [rate / 0.05 * 1e-3 for rate in own])
    with knobs(optimizer="adam"):
        assert is_close(train(lambda m: SGD(cosine(), parameters=m.parameters()), 5, after=follow), by_hand)


def test_becomes_adam_under_other_knobs() -> None:
    rates = [1e-2 * share("cosine", step, TOTAL_STEPS) for step in range(4)]
    by_hand = train_at(Adam, rates, grad_clip=nn.ClipGradByGlobalNorm(1.0), epsilon=1e-4)
    with knobs(weight_decay=0.0, clip=1.0, optimizer="adam", adam_eps=1e-4, lr_scale=10.0, scheduler="cosine"):
        assert is_close(train(of(Momentum, 0.3, weight_decay=0.5)), by_hand)


def test_an_optimizer_of_the_program_with_a_step_of_its_own_becomes_adam() -> None:
    class Own(SGD):
        def step(self) -> None:
            for parameter in self._parameter_list:
                parameter.set_value(parameter * 2)

    class OwnW(AdamW):
        def step(self) -> None:
            raise RuntimeError

    with knobs(optimizer="adam") as book:
        assert is_close(train(of(Own, 0.3)), train(adam()))
        assert is_close(train(of(OwnW, 0.3)), train(of(AdamW, 1e-3)))
    assert {part.value for part in book.changes} == {"Own", "OwnW"}


def test_the_object_stays_what_the_program_made() -> None:
    with knobs(optimizer="adam"):
        model = network()
        optimizer = Momentum(0.3, parameters=model.parameters())
        scaler = paddle.amp.GradScaler(enable=False)
        states = []
        for step in range(3):
            scaler.scale(loss_of(model, step)).backward()
            scaler.step(optimizer)
            scaler.update()
            optimizer.clear_grad()
            states.append({name: value.numpy() for name, value in optimizer.state_dict().items()})
        after = weights(model)
        optimizer.set_state_dict({name: paddle.to_tensor(value) for name, value in states[0].items()})
    assert same(after, train(adam(), 3))
    assert isinstance(optimizer, Momentum)
    assert type(optimizer).__name__ == "Momentum"
    assert optimizer.get_lr() == 0.3
    assert any("moment1" in name for name in states[0])


def test_a_saved_state_of_the_former_optimizer_is_left_aside() -> None:
    by_hand = train(adam())

    def resumed(model: Any) -> Any:
        optimizer = Momentum(0.3, parameters=model.parameters())
        optimizer.set_state_dict({f"{p.name}_velocity_0": paddle.zeros_like(p) for p in model.parameters()})
        return optimizer

    with knobs(optimizer="adam"):
        assert is_close(train(resumed), by_hand)


def test_multi_tensor_momentum_becomes_adam() -> None:
    with knobs(optimizer="adam"):
        assert is_close(train(of(Momentum, 0.3, use_multi_tensor=True)), train(adam()))


@pytest.mark.parametrize("kind", [Adam, AdamW, RMSProp, Lamb])
def test_adam_eps(kind: Any) -> None:
    by_hand = train(of(kind, epsilon=1e-2))
    with knobs(adam_eps=1e-2) as book:
        assert same(train(of(kind)), by_hand)
        assert same(train(grouped(kind)), train(grouped(kind, epsilon=1e-2)))
    assert [part.count for part in book.changes] == [1, 1]


# How programs train


def test_minimize() -> None:
    def run(make: Make) -> list[np.ndarray]:
        model = network()
        optimizer = make(model)
        for step in range(4):
            loss = loss_of(model, step)
            loss.backward()
            optimizer.minimize(loss)
            optimizer.clear_grad()
        return weights(model)

    with knobs(optimizer="adam", weight_decay=0.0, lr_scale=10.0):
        became = run(of(Momentum, 0.3, weight_decay=5.0))
    assert is_close(became, run(adam(1e-2)))
    with knobs(clip=1.0, scheduler="cosine"):
        clipped = run(of(SGD))
    rates = [0.05 * share("cosine", step, TOTAL_STEPS) for step in range(4)]
    assert is_close(clipped, train_at(SGD, rates, grad_clip=clip_1()))


def test_accumulated_gradients() -> None:
    def run(make: Make) -> list[np.ndarray]:
        model = network()
        optimizer = make(model)
        for step in range(6):
            loss_of(model, step).backward()
            if step % 2:
                optimizer.step()
                optimizer.clear_grad()
        return weights(model)

    rates = iter([0.05 * share("warmup", step, TOTAL_STEPS) for step in range(3)])
    with knobs(scheduler="warmup", clip=1.0):
        became = run(of(SGD))
    by_hand = network()
    optimizer = SGD(next(rates), parameters=by_hand.parameters(), grad_clip=clip_1())
    for step in range(6):
        loss_of(by_hand, step).backward()
        if step % 2:
            optimizer.step()
            optimizer.clear_grad()
            optimizer.set_lr(next(rates, 0.0))
    assert is_close(became, weights(by_hand))


def fit(make: Make) -> list[np.ndarray]:
    model = network()
    hapi = paddle.Model(model)
    hapi.prepare(make(model), nn.MSELoss())
    x = np.random.default_rng(0).standard_normal((24, 6), dtype=np.float32)
    rows = [(a, a[:1]) for a in x]
    hapi.fit(rows, batch_size=8, epochs=2, shuffle=False, verbose=0)
    return weights(model)


def test_hapi_fit() -> None:
    with knobs(weight_decay=0.0, clip=1.0, lr_scale=0.1):
        became = fit(of(Momentum, weight_decay=5.0))
    assert is_close(became, fit(of(Momentum, 0.005, grad_clip=clip_1())))
    with knobs(optimizer="adam"):
        became = fit(of(SGD, weight_decay=0.1))
    assert is_close(became, fit(adam(weight_decay=0.1)))


def test_two_optimizers_follow_the_schedule_of_the_one_that_steps_most() -> None:
    with knobs("lr_scale", scheduler="cosine") as book:
        model = network()
        often, seldom = (SGD(0.05, parameters=model[i].parameters()) for i in (0, 2))
        rates = []
        for step in range(10):
            loss_of(model, step).backward()
            often.step()
            if step % 5 == 4:
                seldom.step()
                rates.append(float(seldom._global_learning_rate()))
            often.clear_grad()
            seldom.clear_grad()
    assert rates == pytest.approx([0.05 * share("cosine", step, TOTAL_STEPS) for step in (4, 9)])
    assert len({part.where for part in book.parts}) == 1


def test_a_wrapper_that_averages_is_no_optimizer_of_its_own() -> None:
    def make(rate: float) -> Make:
        return lambda m: paddle.incubate.LookAhead(SGD(rate, parameters=m.parameters()), alpha=0.5, k=2)

    by_hand = train(make(0.005))
    with knobs("optimizer", lr_scale=0.1) as book:
        assert is_close(train(make(0.05)), by_hand)
    assert found(book, "optimizer") == {"SGD(learning_rate=0.05)": 1}


@pytest.mark.parametrize("values", [{"optimizer": "adam"}, {"lr_scale": 0.1}, {"scheduler": "cosine"}])
def test_lbfgs_is_named_as_a_limit(values: dict[str, object]) -> None:
    with knobs(**values) as book:
        model = network()
        optimizer = paddle.optimizer.LBFGS(parameters=model.parameters())

        def closure() -> Any:
            optimizer.clear_grad()
            loss = loss_of(model, 0)
            loss.backward()
            return loss

        optimizer.step(closure)
    assert not book.changes
    assert book.limits


def test_a_watcher_of_steps_sees_the_rate_that_is_used() -> None:
    rates: list[float] = []

    def make(below: Callable[..., Any]) -> Callable[..., Any]:
        def step(optimizer: Any) -> None:
            rates.append(optimizer.get_lr())
            below(optimizer)

        return step

    with knobs(lr_scale=0.1, optimizer="adam"), Hooks(Role.WATCHES) as hooks:
        around_optimizers(hooks, ("step",), make)
        train(of(AdamW, 0.05), 2)
        train(of(SGD, 0.05), 2)
    assert rates == pytest.approx([1e-4] * 4)


@pytest.mark.filterwarnings("ignore:Tensor do not have 'place'")  # Paddle warns about its own minimize
def test_a_static_graph_is_named_as_a_limit() -> None:
    paddle.enable_static()
    try:
        with knobs("optimizer", weight_decay=0.0) as book, paddle.static.program_guard(paddle.static.Program()):
            x = paddle.static.data("x", [4, 2])
            SGD(0.1, weight_decay=0.5).minimize(nn.Linear(2, 1)(x).mean())
    finally:
        paddle.disable_static()
    assert not book.parts
    assert len(book.limits) == 1


# Mixed precision


def test_amp_without_an_accelerator_is_named_as_a_limit() -> None:
    with knobs("amp") as book, pytest.warns(UserWarning, match="amp_guard"), paddle.amp.auto_cast():
        pass
    assert not book.parts
    assert len(book.limits) == 1


def test_amp_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A device with mixed precision is pretended: Paddle warns on the CPU if it is asked for it."""
    monkeypatch.setattr("sweep.worker.surgery.amp.has_effect", lambda: True)
    model = network()
    optimizer = SGD(0.05, parameters=model.parameters())
    with knobs(amp=False) as book:  # warnings are errors
        for _ in range(2):
            with paddle.amp.auto_cast(level="O2"):
                loss = loss_of(model, 0)
        models, _ = paddle.amp.decorate(model, optimizer, level="O2")
        scaler = paddle.amp.GradScaler(init_loss_scaling=8.0)
        assert scaler.scale(loss) is loss
        with paddle.amp.auto_cast(enable=False):
            pass
    assert models is model
    assert changed(book, "amp") == {"auto_cast O2": 1, "amp.decorate O2": 1, "GradScaler": 1}


# Values


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("weight_decay", -1.0),
        ("weight_decay", True),
        ("clip", "on"),
        ("scheduler", "none"),
        ("lr_scale", "none"),
        ("optimizer", "sgd"),
        ("adam_eps", "1e-4"),
        ("amp", "off"),
    ],
)
def test_a_value_that_a_knob_does_not_know_is_an_error(knob: str, value: object) -> None:
    with pytest.raises(ValueError, match=rf"task\.{knob}"), knobs(**{knob: value}):
        pass

"""What the monitor sees of parameters that training does not reach, and of gradients that are never cleared."""

from pathlib import Path

import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from watched_training import batch, fact, facts, make_run, mlp, series, train


@pytest.fixture(params=["light", "deep"])
def run(tmp_path: Path, request: pytest.FixtureRequest):
    made = make_run(tmp_path, watch=request.param)
    yield made
    made.unwatch()


def loop(model, optimizer, steps, clear, *, backwards=1):
    """Train with `clear(step)` in the place of `optimizer.clear_grad()`."""
    for step in range(1, steps + 1):
        for part in range(backwards):
            x, y = batch(10 * step + part)
            F.cross_entropy(model(x), y).backward()
        optimizer.step()
        clear(step)


def uncleared(run) -> dict[int, float]:
    return series(run).get("watch/uncleared", {})


def watched(run, **settings):
    model = mlp()
    optimizer = paddle.optimizer.SGD(0.01, parameters=model.parameters(), **settings)
    run.watch(model, optimizer)
    return model, optimizer


def test_a_gradient_that_is_never_cleared_is_counted_step_by_step(run) -> None:
    model, optimizer = watched(run)
    loop(model, optimizer, 40, lambda step: None)
    seen = uncleared(run)
    assert seen[20] == 19.0
    assert seen[40] == 39.0
    assert 1 not in seen


@pytest.mark.parametrize("way", ["clear_grad", "clear_gradients", "clear_grad(False)", "model", "by hand"])
def test_a_gradient_cleared_in_any_way_is_not_counted(run, way) -> None:
    model, optimizer = watched(run)
    ways = {
        "clear_grad": optimizer.clear_grad,
        "clear_gradients": optimizer.clear_gradients,
        "clear_grad(False)": lambda: optimizer.clear_grad(set_to_zero=False),
        "model": model.clear_gradients,
        "by hand": lambda: [p.clear_gradient() for p in model.parameters()],
    }
    loop(model, optimizer, 40, lambda step: ways[way]())
    assert uncleared(run) == {}


def test_accumulation_over_several_backwards_is_not_counted(run) -> None:
    model, optimizer = watched(run)
    loop(model, optimizer, 24, lambda step: optimizer.clear_grad(), backwards=4)
    assert uncleared(run) == {}


@pytest.mark.parametrize("way", ["optimizer", "model"])
def test_clearing_every_few_steps_is_seen(run, way) -> None:
    model, optimizer = watched(run)
    loop(
        model,
        optimizer,
        64,
        lambda step: step % 4 or (optimizer.clear_grad if way == "optimizer" else model.clear_gradients)(),
    )
    assert max(uncleared(run).values()) <= 3.0


def test_clearing_ahead_of_the_backward_is_seen_though_another_loss_runs_through_the_model_between(run) -> None:
    judge, maker = mlp(1), nn.Linear(8, 8)
    second = paddle.optimizer.SGD(0.01, parameters=maker.parameters())
    first = paddle.optimizer.SGD(0.01, parameters=judge.parameters())
    run.watch(judge, first)
    run.watch(maker, second)
    for step in range(30):
        x, y = batch(step)
        first.clear_grad()
        F.cross_entropy(judge(maker(x).detach()), y).backward()
        first.step()
        second.clear_grad()
        F.cross_entropy(judge(maker(x)), 1 - y).backward()
        second.step()
    assert uncleared(run) == {}
    assert "watch/2/uncleared" not in series(run)
    assert not any("not_optimized" in name or "no_gradient" in name for name in facts(run))


def test_minimize_with_clear_gradients_is_healthy(run) -> None:
    model, optimizer = watched(run)
    for step in range(30):
        x, y = batch(step)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.minimize(loss)
        model.clear_gradients()
    assert uncleared(run) == {}


def test_when_unwatched_the_optimizer_is_as_it_was(run) -> None:
    _, optimizer = watched(run)
    run.unwatch()
    assert "clear_grad" not in vars(optimizer)
    assert optimizer.clear_gradients.__func__ is type(optimizer).clear_grad


class Detached(nn.Layer):
    """A first layer whose result is detached: no gradient passes to it."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.aside = nn.Linear(8, 16), nn.Linear(16, 3), nn.Linear(8, 8)

    def forward(self, x):
        return self.head(F.relu(self.body(x).detach()))


def test_parameters_without_a_gradient_are_named_after_three_looks(run) -> None:
    model = Detached()
    run.watch(model, optimizer := paddle.optimizer.SGD(0.01, parameters=model.parameters()))
    train(model, optimizer, 5)
    found = fact(run, "watch/no_gradient")
    assert (found["parameters"], found["of"], found["layers"], found["step"]) == (4, 6, ["body", "aside"], 3)
    assert "watch/not_optimized" not in facts(run)


def test_a_layer_that_has_a_gradient_later_is_taken_off_the_list(run) -> None:
    model = Detached()
    run.watch(model, optimizer := paddle.optimizer.SGD(0.01, parameters=model.parameters()))
    train(model, optimizer, 5)
    model.forward = lambda x: model.head(model.body(x))
    train(model, optimizer, 20)
    assert fact(run, "watch/no_gradient")["layers"] == ["aside"]


def test_a_frozen_layer_and_a_sparse_gradient_count_nowhere(run) -> None:
    class Words(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.words, self.body, self.head = nn.Embedding(9, 4, sparse=True), nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x):
            return self.head(self.body(self.words((x[:, :4] > 0).astype("int64")).mean(axis=1)))

    model = Words()
    for parameter in model.body.parameters():
        parameter.stop_gradient = True
    run.watch(
        model, optimizer := paddle.optimizer.SGD(0.01, parameters=model.head.parameters() + model.words.parameters())
    )
    train(model, optimizer, 25)
    assert not any("not_optimized" in name or "no_gradient" in name for name in facts(run))


def test_parameters_that_no_optimizer_was_given_are_named(run) -> None:
    model = mlp()
    run.watch(model, optimizer := paddle.optimizer.SGD(0.01, parameters=model[3].parameters()))
    train(model, optimizer, 2)
    found = fact(run, "watch/not_optimized")
    assert (found["parameters"], found["of"], found["layers"], found["step"]) == (2, 4, ["0"], 1)


def test_parameters_shared_out_among_several_optimizers_are_all_given(run) -> None:
    model = mlp()
    both = [paddle.optimizer.SGD(0.01, parameters=model[i].parameters()) for i in (0, 3)]
    run.watch(model, both)
    for step in range(3):
        x, y = batch(step)
        F.cross_entropy(model(x), y).backward()
        for optimizer in both:
            optimizer.step()
            optimizer.clear_grad()
    assert not any("not_optimized" in name for name in facts(run))


def test_an_optimizer_of_a_second_stage_that_has_all_parameters_takes_the_fact_back(run) -> None:
    model = mlp()
    run.watch(model, head := paddle.optimizer.SGD(0.01, parameters=model[3].parameters()))
    train(model, head, 5)
    run.watch(model, whole := paddle.optimizer.SGD(0.01, parameters=model.parameters()))
    train(model, whole, 5)
    assert fact(run, "watch/not_optimized")["parameters"] == 0


def test_an_optimizer_of_another_copy_of_the_model_is_seen(run) -> None:
    model, other = mlp(0), mlp(1)
    run.watch(model, optimizer := paddle.optimizer.SGD(0.01, parameters=other.parameters()))
    train(model, optimizer, 5)
    assert fact(run, "watch/not_optimized")["parameters"] == 4

"""What `run.watch` records of real trainings."""

import copy
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from watched_training import batch, fact, facts, make_run, mlp, series, train

from sweep.task import StopTrial
from sweep.worker.monitor import activations
from sweep.worker.monitor.layers import trained_parameters
from sweep.worker.monitor.tensor_stats import LARGE, TensorReader
from sweep.worker.run import WorkerRun


@pytest.fixture(autouse=True)
def paddle_is_left_as_it_was() -> Iterator[None]:
    before = paddle.Tensor.backward, paddle.amp.grad_scaler.AmpScaler.scale, sys.getprofile()
    yield
    assert (paddle.Tensor.backward, paddle.amp.grad_scaler.AmpScaler.scale, sys.getprofile()) == before


@pytest.fixture
def run(tmp_path: Path) -> Iterator[WorkerRun]:
    made = make_run(tmp_path)
    yield made
    made.unwatch()


def norm(tensors) -> float:
    return math.sqrt(sum(float((np.asarray(t.numpy(), dtype=np.float64) ** 2).sum()) for t in tensors))


def test_norms_and_ratios_are_those_computed_by_hand(run) -> None:
    model = mlp()
    optimizer = paddle.optimizer.SGD(0.5, parameters=model.parameters(), weight_decay=0.01)
    run.watch(model, optimizer)
    x, y = batch()
    loss = F.cross_entropy(model(x), y)
    loss.backward()
    grads, weights = [p.grad.clone() for p in model.parameters()], [p.clone() for p in model.parameters()]
    optimizer.step()
    changes = [p - w for p, w in zip(model.parameters(), weights, strict=True)]
    seen = {name: values[1] for name, values in series(run).items()}
    assert seen["watch/loss"] == float(loss)
    assert seen["watch/lr"] == 0.5
    assert seen["watch/grad_norm"] == pytest.approx(norm(grads), rel=1e-6)
    after = norm(model.parameters())
    assert seen["watch/update_ratio"] == pytest.approx(math.log10(norm(changes) / after), rel=1e-6)
    assert seen["watch/decay_share"] == pytest.approx(0.01 * after / norm(grads), rel=1e-6)
    assert seen["watch/grad_abs/0"] == pytest.approx(float(grads[0].abs().mean()), rel=1e-6)
    assert seen["watch/ratio/3"] == pytest.approx(math.log10(norm([changes[2]]) / norm([model[3].weight])), rel=1e-6)
    assert seen["watch/weight_std/0"] == pytest.approx(float(np.std(model[0].weight.numpy())), rel=1e-5)
    assert "watch/clipped" not in seen


def test_on_another_device_the_same_figures_come_in_one_transfer() -> None:
    paddle.seed(1)
    model = nn.Sequential(nn.Linear(8, 2 * LARGE // 8 + 3), nn.Linear(2 * LARGE // 8 + 3, 3), nn.Linear(3, 3))
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters()[:-2] + model.parameters()[-2:])
    F.cross_entropy(model[1](model[0](batch()[0])), batch()[1]).backward()  # the last layer has no gradient
    parameters = trained_parameters(optimizer)
    found = []
    with paddle.no_grad():
        vectors = [TensorReader(parameters, is_host=is_host) for is_host in (True, False)]
        before = [v.before() for v in vectors]
        optimizer.step()
        found = [v.statistics(b) for v, b in zip(vectors, before, strict=True)]
    for name in ("grad_squares", "weight_squares", "update_squares"):
        np.testing.assert_allclose(getattr(found[0], name), getattr(found[1], name), rtol=1e-5)
    for i in range(len(parameters)):
        np.testing.assert_allclose(found[0].weights[i], found[1].weights[i])
        np.testing.assert_allclose(found[0].grads[i], found[1].grads[i])
    assert found[0].has_grad == found[1].has_grad == [True] * 4 + [False] * 2
    exact = [float((p.grad.astype("float64") ** 2).sum()) for p in parameters[:4]]
    np.testing.assert_allclose(found[0].grad_squares[:4], exact, rtol=1e-5)


def test_a_run_tells_what_it_trains_with(run) -> None:
    model = mlp()
    schedule = paddle.optimizer.lr.StepDecay(0.1, step_size=5)
    optimizer = paddle.optimizer.AdamW(schedule, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 1)
    schedule.step()
    schedule.step()
    train(model, optimizer, 9)
    known = facts(run)
    assert known["watch/optimizer"] == "AdamW"
    assert known["watch/scheduler"] == "StepDecay"
    assert known["watch/scheduler_steps"] == 2.0
    assert known["watch/dropout"] == 0.2
    assert known["watch/head"] == "Linear"
    assert known["watch/head_units"] == 3.0
    assert known["watch/losses"] == "cross_entropy(use_softmax=True)"
    assert fact(run, "watch/layers") == [["0", "Linear"], ["1", "ReLU"], ["2", "Dropout"], ["3", "Linear"]]
    x, _ = batch()
    assert fact(run, "watch/inputs")["std"] == pytest.approx(float(np.std(x.numpy())), rel=1e-5)
    assert fact(run, "watch/targets")["max"] == 1.0
    assert fact(run, "watch/targets")["dtype"] == "int64"


def test_labels_that_the_loss_leaves_out_are_not_described(run) -> None:
    model = mlp()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    run.watch(model, optimizer)
    x, y = batch()
    y[:5] = 255
    F.cross_entropy(model(x), y, ignore_index=255).backward()
    optimizer.step()
    assert fact(run, "watch/targets")["max"] == 1.0


def test_a_label_that_may_stand_for_ignored_is_described_with_the_others(run) -> None:
    model = mlp()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    run.watch(model, optimizer)
    x, y = batch()
    y[:5] = -1
    one_each = F.binary_cross_entropy_with_logits(model(x)[:, 0], y.astype("float32"), reduction="none")
    one_each[5:].mean().backward()
    optimizer.step()
    known = fact(run, "watch/targets")
    assert (known["min"], known["ignored"], known["rest_max"]) == (-1.0, -1.0, 1.0)


def test_a_model_evaluated_first_and_called_with_a_dict_is_seen_all_the_same(run) -> None:
    class Named(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.net = mlp()

        def forward(self, rows):
            return self.net(rows["x"])

    model = Named()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    run.watch(model, optimizer)
    model.eval()
    model({"x": batch(7)[0]})
    model.train()
    x, y = batch()
    F.cross_entropy(model({"x": x}), y).backward()
    optimizer.step()
    assert [name for name, _ in fact(run, "watch/layers")] == ["net.0", "net.1", "net.2", "net.3"]
    assert "watch/inputs" not in facts(run)
    assert fact(run, "watch/targets")["max"] == 1.0


def test_a_softmax_before_the_loss_is_seen_as_layer_and_as_function(tmp_path: Path) -> None:
    for name, head in (("layer", nn.Softmax()), ("function", nn.Identity())):
        model = nn.Sequential(nn.Linear(8, 3), head)
        run = make_run(tmp_path / name)
        run.watch(model, optimizer := paddle.optimizer.SGD(0.1, parameters=model.parameters()))
        if name == "layer":
            train(model, optimizer, 1, loss=nn.CrossEntropyLoss())
        else:
            train(model, optimizer, 1, loss=lambda z, y: F.cross_entropy(F.softmax(z), y))
        run.unwatch()
        assert facts(run)["watch/head"] == "Softmax"


def test_weights_that_are_all_equal_are_named(run) -> None:
    model = mlp()
    nn.initializer.Constant(0.5)(model[3].weight)
    run.watch(model, paddle.optimizer.SGD(0.1, parameters=model.parameters()))
    assert [name for name in facts(run) if "initial_std" in name] == ["watch/initial_std/3"]


class Functional(nn.Layer):
    """Activations as functions, layers defined in another order than they run, a buffer of random draws."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(16, 3)
        self.middle = nn.Linear(16, 16)
        self.first = nn.Linear(8, 16)

    def forward(self, x):
        return self.out(paddle.tanh(self.middle(F.relu(self.first(x)))))


def test_dead_relus_and_saturated_tanhs_are_measured_for_functions_too(run) -> None:
    model = Functional()
    nn.initializer.Constant(-100.0)(model.first.bias)
    nn.initializer.Constant(50.0)(model.middle.bias)
    optimizer = paddle.optimizer.SGD(1e-4, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 10)
    seen = series(run)
    assert seen["watch/dead/first"] == {5: 1.0, 10: 1.0}
    assert seen["watch/saturated/middle"] == {5: 1.0, 10: 1.0}
    assert [name for name, _ in fact(run, "watch/layers")] == ["first", "middle", "out"]


def test_activations_on_another_device_give_the_same_figures(tmp_path: Path, monkeypatch) -> None:
    found = []
    for where in ("host", "device"):
        model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 3))
        for name, value in zip(model.state_dict(), (0.1, -0.1, 0.2, 5.0, 0.1, 0.0), strict=True):
            rows = np.random.default_rng(0).standard_normal(model.state_dict()[name].shape)
            model.state_dict()[name].set_value((value * (1 + rows)).astype(np.float32))
        run = make_run(tmp_path / where)
        run.watch(model, optimizer := paddle.optimizer.SGD(0.1, parameters=model.parameters()))
        if where == "device":
            monkeypatch.setattr(activations, "_values", lambda tensor: tensor.detach())
        train(model, optimizer, 10)
        run.unwatch()
        found.append({k: v for k, v in series(run).items() if k.startswith(("watch/dead/", "watch/saturated/"))})
    assert found[0] == found[1]
    assert 0 < found[0]["watch/saturated/3"][1] < 1
    assert list(found[0]["watch/dead/1"]) == [1, 5, 10]


def test_half_of_a_layers_relus_dead_is_a_half(run) -> None:
    model = mlp()
    bias = np.where(np.arange(16) % 2 == 0, -100.0, 10.0).astype(np.float32)
    model[0].bias.set_value(paddle.to_tensor(bias))
    optimizer = paddle.optimizer.SGD(1e-4, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 5)
    assert series(run)["watch/dead/1"] == {1: 0.5, 5: 0.5}


def test_a_clipped_step_is_marked(run) -> None:
    model = mlp()
    clip = nn.ClipGradByGlobalNorm(1e-3)
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters(), grad_clip=clip)
    run.watch(model, optimizer)
    train(model, optimizer, 2)
    assert series(run)["watch/clipped"] == {1: 1.0, 2: 1.0}
    assert series(run)["watch/grad_norm"][1] > 1e-2


def test_minimize_and_accumulated_gradients_count_optimizer_steps(run) -> None:
    model = mlp()
    optimizer = paddle.optimizer.Momentum(0.1, parameters=model.parameters())
    run.watch(model, optimizer)
    for _ in range(3):
        for micro in range(2):
            loss = F.cross_entropy(model(batch(micro)[0]), batch(micro)[1])
            loss.backward()
        optimizer.minimize(loss)
        optimizer.clear_grad()
    assert list(series(run)["watch/loss"]) == [1, 2, 3]
    assert series(run)["watch/loss"][3] == float(loss)


def test_parameter_groups_each_have_their_own_decay(run) -> None:
    model = mlp()
    groups = [{"params": model[0].parameters(), "weight_decay": 0.1}, {"params": model[3].parameters()}]
    optimizer = paddle.optimizer.Momentum(0.0, parameters=groups)
    run.watch(model, optimizer)
    x, y = batch()
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    expected = 0.1 * norm(model[0].parameters()) / norm([p.grad for p in model.parameters()])
    assert series(run)["watch/decay_share"][1] == pytest.approx(expected, rel=1e-6)


def test_with_a_grad_scaler_loss_and_gradients_are_unscaled_and_its_overflows_are_no_fault(run, monkeypatch) -> None:
    model = mlp()
    plain = copy.deepcopy(model)
    model.eval()  # no dropout
    plain.eval()
    optimizer = paddle.optimizer.SGD(0.0, parameters=model.parameters())
    run.watch(model, optimizer)
    with monkeypatch.context() as on_a_device:  # on the CPU a scaler switches itself off when made, but it works
        on_a_device.setattr(paddle.amp.grad_scaler, "in_dynamic_mode", lambda: False)
        scaler = paddle.amp.GradScaler(init_loss_scaling=1024.0, use_dynamic_loss_scaling=False)
    x, y = batch()
    losses = []
    for factor in (1.0, 1e37, 1.0):  # 1e37 x 1024 is beyond a 32-bit float
        losses.append(F.cross_entropy(model(x), y) * factor)
        scaler.scale(losses[-1]).backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.clear_grad()
    F.cross_entropy(plain(x), y).backward()
    seen = series(run)
    assert seen["watch/loss"] == {1: float(losses[0]), 3: float(losses[2])}
    assert seen["watch/grad_norm"][1] == pytest.approx(norm([p.grad for p in plain.parameters()]), rel=1e-4)
    assert "watch/first_bad" not in facts(run)


def test_frozen_shared_and_unused_parameters_are_no_trouble(run) -> None:
    class Odd(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.unused, self.frozen = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
            self.again = nn.Linear(8, 8)
            self.again.weight = self.first.weight
            self.last = nn.Linear(8, 3)
            for p in self.frozen.parameters():
                p.stop_gradient = True

        def forward(self, x):
            return self.last(self.again(self.frozen(self.first(x))))

    model = Odd()
    optimizer = paddle.optimizer.Adam(0.01, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 5)
    seen = series(run)
    assert "watch/off" not in facts(run)
    assert {name.rpartition("/")[2] for name in seen if name.startswith("watch/ratio/")} == {
        "first", "again", "last", "unused"
    }  # fmt: skip
    assert "watch/grad_abs/unused" not in seen
    assert seen["watch/ratio/unused"][5] == -math.inf


def test_an_activation_that_overflows_is_named_at_its_step(tmp_path: Path) -> None:
    run = make_run(tmp_path, "light")

    class Overflows(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.good, self.bad, self.last = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)
            self.factor = 1.0

        def forward(self, x):
            return self.last(self.bad(self.good(x) * self.factor))

    model = Overflows()
    optimizer = paddle.optimizer.SGD(0.01, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 6)
    model.factor = 1e39  # float32 ends at 3.4e38
    train(model, optimizer, 2)
    run.unwatch()
    assert fact(run, "watch/first_bad") == {"step": 7, "layer": "bad", "what": "activation"}
    assert not math.isfinite(series(run)["watch/loss"][7])
    assert series(run)["watch/bad/last"][7] > 0


def test_a_gradient_that_goes_bad_while_the_loss_is_finite_is_named_before_it_reaches_the_weights(run) -> None:
    model = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4), nn.Linear(4, 3))
    optimizer = paddle.optimizer.SGD(0.01, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 2)
    x, _ = batch()
    (paddle.sqrt(model[1](model[0](x)) * 0.0).sum() + model(x).sum()).backward()  # d sqrt(0) is infinite
    optimizer.step()
    assert math.isfinite(series(run)["watch/loss"][3])
    assert fact(run, "watch/first_bad") == {"step": 3, "layer": "1", "what": "gradient"}


@pytest.mark.parametrize(("before", "seen_at"), [(49, 50), (104, 120)])
def test_a_nan_that_a_relu_hides_from_the_loss_is_noticed_at_once_in_the_first_steps_later_when_sampled(
    tmp_path: Path, before: int, seen_at: int
) -> None:
    run, model = make_run(tmp_path, "light"), mlp()
    optimizer = paddle.optimizer.SGD(0.01, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, before)
    x, y = batch()
    x[0, 0] = float("nan")
    loss = F.cross_entropy(model(x), y)
    assert math.isfinite(float(loss))
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()
    train(model, optimizer, 20)
    run.unwatch()
    found = {"layer": "", "what": "input"} if seen_at == before + 1 else {"layer": "0", "what": "weight"}
    assert fact(run, "watch/first_bad") == {"step": seen_at, **found}


def test_a_bad_batch_after_the_first_steps_is_named_at_its_step_where_the_loss_shows_it(tmp_path: Path) -> None:
    class Named(nn.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Linear(8, 8), nn.Linear(8, 3)

        def forward(self, *, rows):
            return self.last(paddle.tanh(self.first(rows)))

    run, model = make_run(tmp_path, "light"), Named()
    optimizer = paddle.optimizer.SGD(0.01, parameters=model.parameters())
    run.watch(model, optimizer)
    for step in range(1, 107):
        x, y = batch(step)
        if step == 105:
            x[0, 0] = float("nan")
        F.cross_entropy(model(rows=x), y).backward()
        optimizer.step()
        optimizer.clear_grad()
    run.unwatch()
    assert fact(run, "watch/first_bad") == {"step": 105, "layer": "", "what": "input"}


def test_bad_inputs_and_bad_weights_are_told_apart(tmp_path: Path) -> None:
    for what in ("input", "weight"):
        run, model = make_run(tmp_path / what), mlp()
        optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
        run.watch(model, optimizer)
        x, y = batch()
        if what == "input":
            x[0, 0] = float("nan")
        else:
            model[3].weight.set_value(model[3].weight * float("nan"))
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        run.unwatch()
        assert fact(run, "watch/first_bad") == {"step": 1, "layer": "" if what == "input" else "3", "what": what}


def test_a_fault_inside_the_monitor_switches_it_off_and_the_training_continues(run, capsys) -> None:
    model = mlp()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    run.watch(model, optimizer)
    train(model, optimizer, 2)
    optimizer.get_lr = lambda: 1 / 0
    assert len(train(model, optimizer, 3)) == 3
    assert facts(run)["watch/off"] == "ZeroDivisionError: division by zero"
    assert capsys.readouterr().err.count("the monitor is off from step 3 on") == 1
    assert max(series(run)["watch/loss"]) == 2


def test_a_model_and_an_optimizer_in_the_wrong_order_are_named(run) -> None:
    model = mlp()
    run.watch(paddle.optimizer.SGD(0.1, parameters=model.parameters()), model)
    assert "takes a paddle.nn.Layer and an optimizer, not SGD and Sequential" in facts(run)["watch/off"]


def test_something_that_is_no_model_only_costs_the_monitor(run, capsys) -> None:
    run.watch(object(), paddle.optimizer.SGD(0.1, parameters=mlp().parameters()))
    assert "watch/off" in facts(run)
    assert "the monitor is off" in capsys.readouterr().err


def test_twice_is_once_and_a_second_optimizer_has_names_of_its_own(run) -> None:
    first, second = mlp(), mlp(1)
    optimizers = [paddle.optimizer.SGD(0.1, parameters=m.parameters()) for m in (first, second)]
    run.watch(first, optimizers[0])
    run.watch(first, optimizers[0])
    run.watch(second, optimizers[1])
    one = train(first, optimizers[0], 2)
    two = train(second, optimizers[1], 3)
    seen = series(run)
    assert list(seen["watch/loss"].values()) == one
    assert list(seen["watch/2/loss"].values()) == two


def test_watch_off_touches_nothing(tmp_path: Path) -> None:
    run, model = make_run(tmp_path, "off"), mlp()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    run.watch(model, optimizer)
    assert "step" not in vars(optimizer)
    assert not model._forward_pre_hooks
    train(model, optimizer, 2)
    assert series(run) == {}
    assert facts(run) == {}


def test_after_unwatch_model_and_optimizer_are_as_they_were(run) -> None:
    model = mlp()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    before = set(vars(optimizer))
    calls = nn.Sequential.__call__, nn.Layer.__call__
    run.watch(model, optimizer)
    train(model, optimizer, 5)
    run.unwatch()
    assert set(vars(optimizer)) == before
    assert (nn.Sequential.__call__, nn.Layer.__call__) == calls
    assert "__call__" not in vars(nn.Sequential)
    assert not any(s._forward_pre_hooks or s._forward_post_hooks for s in model.sublayers(include_self=True))


def test_two_models_of_one_class_are_told_apart_and_one_that_calls_itself_its_own_way_still_does(run) -> None:
    class Own(nn.Sequential):
        def __call__(self, x):
            return super().__call__(x) * 2.0

    models = [mlp(), mlp(1), Own(nn.Linear(8, 3))]
    own = Own.__call__
    monitors = [make_run(run.dir / str(i)) for i in range(3)]
    for monitor, model in zip(monitors, models, strict=True):
        monitor.watch(model, paddle.optimizer.SGD(0.1, parameters=model.parameters()))
    x, _ = batch()
    copied = copy.deepcopy(models[0])
    copied(batch(9)[0])
    outputs = [model(x) for model in models]
    assert np.array_equal(outputs[2].numpy(), (models[2][0](x) * 2.0).numpy())
    assert all(monitor._monitors[0]._inputs[0][0] is x for monitor in monitors)
    for monitor in monitors:
        monitor.unwatch()
    assert Own.__call__ is own
    assert "__call__" not in vars(nn.Sequential)


class Rows(paddle.io.Dataset):
    """96 rows with a class each."""

    def __init__(self) -> None:
        super().__init__()
        self.x, self.y = (t.numpy() for t in batch(3, n=96))

    def __getitem__(self, i):
        return self.x[i], self.y[i : i + 1]

    def __len__(self) -> int:
        return len(self.x)


def fit(run, **settings) -> None:
    network = mlp()
    model = paddle.Model(network)
    optimizer = paddle.optimizer.Adam(0.01, parameters=network.parameters())
    model.prepare(optimizer, nn.CrossEntropyLoss(), paddle.metric.Accuracy())
    options = {"batch_size": 16, "epochs": 2, "verbose": 0, "shuffle": False, **settings}
    model.fit(Rows(), Rows(), callbacks=[run.hapi_callback()], **options)


def test_the_callback_logs_and_watches_a_paddle_model(run) -> None:
    fit(run)
    seen = series(run)
    assert list(seen["train/loss"]) == list(range(1, 13)) == list(seen["watch/loss"])
    assert seen["train/loss"] == pytest.approx(seen["watch/loss"])
    assert list(seen["val/acc"]) == [6, 12] == list(seen["val/loss"])
    assert facts(run)["watch/optimizer"] == "Adam"
    assert "watch/off" not in facts(run)


def test_with_accumulation_the_callback_counts_optimizer_steps(run) -> None:
    fit(run, accumulate_grad_batches=2)
    assert list(series(run)["train/loss"]) == [1, 2, 3, 4, 5, 6] == list(series(run)["watch/loss"])


def test_a_trial_that_is_over_ends_fit_at_once(tmp_path: Path) -> None:
    run = make_run(tmp_path, budget=4)
    with pytest.raises(StopTrial):
        fit(run, epochs=50)
    run.unwatch()
    assert run.stop_reason == "budget"
    assert run.last_step == 4


def test_the_evaluation_after_the_epoch_in_which_a_trial_ends_is_taken(tmp_path: Path) -> None:
    run = make_run(tmp_path, budget=6)
    with pytest.raises(StopTrial):
        fit(run, epochs=50)
    run.unwatch()
    seen = series(run)
    assert list(seen["val/acc"]) == [6]
    assert (max(seen["train/loss"]), max(seen["watch/loss"]), run.last_step) == (6, 6, 6)


def test_the_loss_layer_that_calls_no_function_is_seen_with_its_target(run) -> None:
    model = nn.Sequential(nn.Linear(4, 1))
    optimizer = paddle.optimizer.SGD(0.01, parameters=model.parameters())
    run.watch(model, optimizer)
    nn.MSELoss()(model(paddle.ones([8, 4])), paddle.full([8, 1], 150.0)).backward()
    optimizer.step()
    assert facts(run)["watch/losses"] == "mse_loss"
    assert '"mean": 150.0' in facts(run)["watch/targets"]

from itertools import islice, pairwise

import numpy as np
import paddle
import pytest
from paddle import nn

from sweep.task import TaskConfig
from tasks import breast_cancer, cifar10, diabetes, digits_cnn, digits_mlp, mnist
from tasks.components import (
    batches,
    initialise,
    label_entropy,
    make_activation,
    make_optimizer,
    make_schedule,
    probability,
)


def knobs(**changes):
    base = {"optimizer": "sgd", "lr": 0.5, "lr_scale": 1.0, "scheduler": "constant", "steps": 100}
    return TaskConfig({**base, "weight_decay": 0.0, "clip": None, **changes})


def rates(cfg, steps=100):
    schedule = make_schedule(cfg)
    seen = []
    for _ in range(steps):
        seen.append(schedule.get_lr())
        schedule.step()
    return seen


def updated(value, gradient, cfg):
    """Return a parameter of this value after one optimizer step with this gradient."""
    parameter = paddle.create_parameter(
        [len(value)], "float32", default_initializer=nn.initializer.Assign(np.array(value, "float32"))
    )
    optimizer = make_optimizer(cfg, [parameter], make_schedule(cfg))
    (parameter * paddle.to_tensor(np.array(gradient, "float32"))).sum().backward()
    optimizer.step()
    return parameter.numpy().tolist()


def test_a_constant_rate_is_the_base_rate_times_its_scale():
    assert rates(knobs(lr_scale=0.1)) == pytest.approx([0.05] * 100)


def test_adam_has_its_own_base_rate_of_a_thousandth():
    assert rates(knobs(optimizer="adam", lr=7.0, lr_scale=10.0), 1) == pytest.approx([0.01])


def test_warmup_rises_over_the_first_tenth_and_stays():
    seen = rates(knobs(scheduler="warmup"))
    assert seen[:10] == pytest.approx([0.05 * k for k in range(1, 11)])
    assert seen[10:] == pytest.approx([0.5] * 90)


def test_cosine_falls_all_the_way_to_nothing():
    seen = rates(knobs(scheduler="cosine"))
    assert seen[0] == 0.5
    assert all(a > b for a, b in pairwise(seen))
    assert seen[-1] < 0.001


def test_weight_decay_is_l2_on_the_weights():
    assert updated([1.0], [0.0], knobs(weight_decay=0.1)) == pytest.approx([1 - 0.5 * 0.1])
    assert updated([1.0], [0.0], knobs()) == [1.0]


def test_clip_limits_the_global_norm_of_the_gradient():
    assert updated([0.0, 0.0], [30.0, 40.0], knobs(clip=1.0)) == pytest.approx([-0.3, -0.4], rel=1e-4)
    assert updated([0.0, 0.0], [30.0, 40.0], knobs()) == pytest.approx([-15, -20])


def test_momentum_and_adam_make_their_own_steps():
    assert updated([0.0], [2.0], knobs(optimizer="momentum")) == pytest.approx([-1.0])
    assert updated([0.0], [2.0], knobs(optimizer="adam")) == pytest.approx([-0.001], rel=1e-3)


def test_adams_epsilon_damps_the_step_of_a_small_gradient():
    small = [1e-6]
    plain = updated([0.0], small, knobs(optimizer="adam", adam_eps=None))
    assert plain == updated([0.0], small, knobs(optimizer="adam"))  # a task copied before the knob was there
    damped = updated([0.0], small, knobs(optimizer="adam", adam_eps=1e-4))
    assert abs(damped[0]) < abs(plain[0]) / 50


def test_adams_epsilon_means_nothing_without_adam():
    assert updated([0.0], [2.0], knobs(adam_eps=1e-4)) == updated([0.0], [2.0], knobs())


@pytest.mark.parametrize("task", [breast_cancer, cifar10, diabetes, digits_cnn, digits_mlp, mnist])
@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh"])
def test_activation_is_that_of_every_hidden_layer(task, name):
    network = task.model(TaskConfig({"dropout": 0.0, "hidden": 4, "init": "default", "activation": name}))
    kind = type(make_activation(name))
    activations = [layer for layer in network.sublayers() if isinstance(layer, kind)]
    weights = [layer for layer in network.sublayers() if isinstance(layer, nn.Linear | nn.Conv2D)]
    assert len(activations) == len(weights) - 1
    plain = [layer for layer in network.sublayers() if type(layer) is nn.ReLU]
    assert len(plain) == (len(activations) if name == "relu" else 0)


@pytest.mark.parametrize(("init", "std"), [("xavier", (2 / 600) ** 0.5), ("kaiming", (2 / 400) ** 0.5)])
def test_init_redraws_the_weights_and_leaves_the_biases_at_zero(init, std):
    paddle.seed(0)
    layer = nn.Linear(400, 200, bias_attr=paddle.ParamAttr(initializer=nn.initializer.Constant(1.0)))
    initialise(nn.Sequential(layer), init)
    assert float(layer.weight.std()) == pytest.approx(std, rel=0.05)
    assert float(layer.bias.abs().max()) == 0


def test_the_default_init_leaves_the_weights_alone():
    layer = nn.Conv2D(1, 2, 3)
    before = layer.weight.numpy().copy()
    initialise(nn.Sequential(layer), "default")
    assert np.array_equal(before, layer.weight.numpy())


def test_an_epoch_of_batches_holds_every_row_at_most_once_and_leaves_out_an_incomplete_one():
    seen = np.concatenate(list(islice(batches(10, 3, shuffle=True, rng=np.random.default_rng(0)), 3)))
    assert len(set(seen.tolist())) == 9


def test_epochs_come_in_different_orders_and_without_shuffling_in_the_same():
    def epochs(shuffle):
        return [rows.tolist() for rows in islice(batches(50, 50, shuffle=shuffle, rng=np.random.default_rng(0)), 2)]

    first, second = epochs(True)
    assert first != second
    assert epochs(False) == [list(range(50))] * 2


def test_a_batch_larger_than_the_set_is_the_whole_set():
    assert sorted(next(batches(5, 99, shuffle=True, rng=np.random.default_rng(0))).tolist()) == [0, 1, 2, 3, 4]


def test_label_entropy_is_in_nats():
    assert label_entropy(np.arange(10)) == pytest.approx(np.log(10))
    assert label_entropy(np.array([0, 0, 0])) == 0


@pytest.mark.parametrize("value", [-0.1, 1.0, 1.5, float("nan")])
def test_a_dropout_that_is_no_probability_below_one_is_refused(value):
    with pytest.raises(ValueError, match=r"task\.dropout: .*allowed: 0\.0 <= p < 1\.0"):
        probability("dropout", value)


@pytest.mark.parametrize(
    ("call", "key", "allowed"),
    [
        (lambda: make_schedule(knobs(scheduler="cosin")), "scheduler: 'cosin'", "constant, cosine, warmup"),
        (lambda: make_optimizer(knobs(optimizer="adamw"), [], 0.1), "optimizer: 'adamw'", "sgd, momentum, adam"),
        (lambda: initialise(nn.Sequential(), "he"), "init: 'he'", "default, xavier, kaiming"),
        (lambda: make_activation("gelu"), "activation: 'gelu'", "relu, leaky_relu, sigmoid, tanh"),
        (lambda: breast_cancer.data(TaskConfig({"input_norm": "minmax"})), "input_norm: 'minmax'", "standardize, None"),
        (lambda: diabetes.train(TaskConfig({"target_norm": "log"}), None), "target_norm: 'log'", "standardize, None"),
        (lambda: digits_cnn.train(TaskConfig({"augmentation": "flip"}), None), "augmentation: 'flip'", "True, False"),
        (lambda: digits_mlp.train(TaskConfig({"augmentation": None}), None), "augmentation: None", "True, False"),
    ],
)
def test_an_unknown_value_of_a_knob_is_refused_naming_what_is_allowed(call, key, allowed):
    with pytest.raises(ValueError, match="task") as error:
        call()
    assert f"task.{key}" in str(error.value)
    assert str(error.value).endswith(f"allowed: {allowed}")

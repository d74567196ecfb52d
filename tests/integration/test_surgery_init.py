"""The knob `init` on live objects: fresh weights of Linear and convolutions are drawn anew, loaded ones never."""

import numpy as np
import paddle
import pytest
from paddle import nn
from surgery_on_objects import changed, found, knobs, same, seed_all, weights

STATE = {"weight": np.full([6, 4], 3.0, "float32"), "bias": np.full([4], 2.0, "float32")}

LAYERS = {
    "Linear(300, 200)": (lambda **kw: nn.Linear(300, 200, **kw), 300, 200),
    "Conv2D(32, 64)": (lambda **kw: nn.Conv2D(32, 64, 3, **kw), 32 * 9, 64 * 9),
    "Conv2D(512, 512)": (lambda **kw: nn.Conv2D(512, 512, 5, groups=512, **kw), 25, 25),
    "Conv1DTranspose(64, 32)": (lambda **kw: nn.Conv1DTranspose(64, 32, 4, **kw), 64 * 4, 32 * 4),
}


@pytest.mark.parametrize("what", LAYERS)
@pytest.mark.parametrize("scheme", ["xavier", "kaiming"])
def test_weights_have_the_variance_of_the_formula_and_biases_are_zero(what, scheme):
    make, fan_in, fan_out = LAYERS[what]
    with knobs(init=scheme) as book:
        layer = make(weight_attr=nn.initializer.Constant(5.0), bias_attr=nn.initializer.Constant(1.0))
    variance = 2 / (fan_in + fan_out) if scheme == "xavier" else 2 / fan_in
    weight = layer.weight.numpy()
    assert weight.var() == pytest.approx(variance, rel=0.05)
    assert abs(weight.mean()) < 5 * np.sqrt(variance / weight.size)
    assert not layer.bias.numpy().any()
    assert found(book, "init") == changed(book, "init") == {what: 1}
    assert [part.where.partition(":")[0] for part in book.changes] == ["integration/test_surgery_init.py"]


def test_each_layer_has_numbers_of_its_own_and_the_programs_random_numbers_stay():
    def run():
        seed_all()
        return (
            [nn.Linear(6, 4).weight.numpy(), nn.Linear(6, 4).weight.numpy()],
            paddle.rand([1]).item(),
            np.random.rand(),
        )

    _, *expected = run()
    with knobs(init="xavier"):
        (first, second), *got = run()
        again, *_ = run()
    assert got == expected
    assert not same([first], [second])
    assert not same([first, second], again)  # they are the third and fourth layer


def test_loaded_weights_stay():
    with knobs(init="kaiming") as book:
        layer, other = nn.Linear(6, 4), nn.Linear(6, 4)
        layer.set_state_dict({name: paddle.to_tensor(value) for name, value in STATE.items()})
    assert same(weights(layer), list(STATE.values()))
    assert not other.bias.numpy().any()
    assert changed(book, "init") == found(book, "init") == {"Linear(6, 4)": 1}
    assert book.limits == []


@pytest.mark.parametrize("put", ["set_value", "copy_", "assign"])
def test_a_weight_that_is_set_may_be_a_loaded_one_and_stays(put):
    with knobs(init="kaiming") as book:
        layer = nn.Linear(6, 4)
        value = paddle.to_tensor(STATE["weight"])
        with paddle.no_grad():
            if put == "set_value":
                layer.weight.set_value(STATE["weight"])
            elif put == "copy_":
                layer.weight.copy_(value, True)
            else:
                paddle.assign(value, layer.weight)
    assert same([layer.weight.numpy()], [STATE["weight"]])
    assert book.parts == book.changes == ()
    assert len(book.limits) == 1


INITIALISERS = {
    "object": lambda weight: nn.initializer.Constant(0.0)(weight),
    "function": lambda weight: nn.init.zeros_(weight),
    "method": lambda weight: weight.uniform_(),
    "drawn": lambda weight: weight.set_value(paddle.normal(0.0, 9.0, weight.shape)),
    "zeros": lambda weight: weight.set_value(paddle.zeros(weight.shape)),
}


@pytest.mark.parametrize("form", INITIALISERS)
def test_an_initialiser_on_a_finished_weight_is_followed_by_the_same_numbers(form):
    with knobs(init="xavier") as book:
        layer = nn.Linear(6, 4)
        drawn = layer.weight.numpy()
        with paddle.no_grad():
            INITIALISERS[form](layer.weight)
        nn.initializer.Constant(7.0)(layer.bias)
    assert same(weights(layer), [drawn, np.zeros(4, "float32")])
    assert changed(book, "init") == {"Linear(6, 4)": 1}
    with knobs("init"), paddle.no_grad():
        INITIALISERS[form](layer.weight)
    assert not same([layer.weight.numpy()], [drawn])


def test_other_layers_and_what_happens_in_training_stay():
    def run():
        seed_all()
        model = nn.Sequential(nn.Embedding(3, 4), nn.LayerNorm(4), nn.Linear(4, 1))
        nn.initializer.Constant(3.0)(model[0].weight)
        optimizer = paddle.optimizer.SGD(0.0, parameters=model.parameters())
        model(paddle.to_tensor([0, 1, 2])).mean().backward()
        optimizer.step()
        nn.initializer.Constant(2.0)(model[2].weight)  # a program that resets a layer in training
        return model

    expected = weights(run())
    with knobs(init="xavier"):
        got = weights(run())
    assert same(got[1:2], expected[1:2])
    assert np.all(got[0] == 3.0)
    assert np.all(got[3] == 2.0)


def test_null_finds_the_layers_and_changes_nothing():
    seed_all()
    expected = weights(nn.Linear(6, 4))
    with knobs("init") as book:
        seed_all()
        assert same(weights(nn.Linear(6, 4)), expected)
        loaded = nn.Conv2D(1, 2, 3)
        loaded.set_state_dict(loaded.state_dict())
    assert found(book, "init") == {"Linear(6, 4)": 1}
    assert book.changes == ()


def test_a_name_that_the_knob_does_not_know_is_refused():
    with pytest.raises(ValueError, match="init"), knobs(init="orthogonal"):
        pass

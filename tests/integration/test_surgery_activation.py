"""The knob `activation` on live objects: hidden activations are replaced, outputs and gates stay."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from surgery_on_objects import changed, found, knobs, same, seed_all, weights

X = np.random.default_rng(0).normal(size=[8, 4]).astype("float32")
Y = (X[:, :1] > 0).astype("float32")


class Layers(nn.Layer):
    """Hidden layers with layers as activations, and a probability as output."""

    def __init__(self, hidden, output=nn.Sigmoid):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 6), hidden(), nn.Dropout(0.3), nn.BatchNorm1D(6), nn.Linear(6, 6))
        self.hidden, self.last, self.output = hidden(), nn.Linear(6, 1), output()

    def forward(self, x):
        return self.output(self.last(self.hidden(self.net(x))))


class Functionals(nn.Layer):
    def __init__(self, hidden):
        super().__init__()
        self.first, self.last, self.hidden = nn.Linear(4, 6), nn.Linear(6, 1), hidden

    def forward(self, x):
        return F.sigmoid(self.last(self.hidden(self.first(x))))


class Gates(nn.Layer):
    """A gated unit and a swish by hand, then a layer."""

    def __init__(self):
        super().__init__()
        self.gate, self.value, self.last = nn.Linear(4, 6), nn.Linear(4, 6), nn.Linear(6, 1)
        self.cell = nn.LSTMCell(6, 6)

    def forward(self, x):
        h = paddle.tanh(self.value(x)) * F.sigmoid(self.gate(x))
        h = h * h.sigmoid()
        return self.last(self.cell(h)[0])


def train(make, steps=3, *, peek=False):
    seed_all()
    model = make()
    optimizer = paddle.optimizer.SGD(0.1, parameters=model.parameters())
    if peek:
        model.eval()
        with paddle.no_grad():
            model(paddle.to_tensor(X))
        model.train()
    for _ in range(steps):
        ((model(paddle.to_tensor(X)) - paddle.to_tensor(Y)) ** 2).mean().backward()
        optimizer.step()
        optimizer.clear_grad()
    return weights(model)


CASES = {
    "Sigmoid": (lambda: Layers(nn.Sigmoid), lambda: Layers(nn.ReLU), "relu", 2),
    "Tanh": (lambda: Layers(nn.Tanh), lambda: Layers(nn.ReLU), "relu", 2),
    "ReLU": (lambda: Layers(nn.ReLU), lambda: Layers(nn.LeakyReLU), "leaky_relu", 2),
    "sigmoid": (lambda: Functionals(F.sigmoid), lambda: Functionals(F.relu), "relu", 1),
    "tanh": (lambda: Functionals(paddle.tanh), lambda: Functionals(F.relu), "relu", 1),
    "relu": (lambda: Functionals(F.relu), lambda: Functionals(F.leaky_relu), "leaky_relu", 1),
    "method": (lambda: Functionals(lambda x: x.tanh()), lambda: Functionals(F.relu), "relu", 1),
}


@pytest.mark.filterwarnings("ignore:When training")
@pytest.mark.parametrize("peek", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_hidden_activations_are_replaced_and_the_output_stays(case, peek):
    make, by_hand, name, count = CASES[case]
    expected = train(by_hand, peek=peek)
    with knobs(activation=name) as book:
        got = train(make, peek=peek)
    assert same(got, expected)
    assert sum(changed(book, "activation").values()) == count
    assert not same(train(make, peek=peek), expected)


@pytest.mark.filterwarnings("ignore:When training")
@pytest.mark.parametrize("case", CASES)
def test_null_finds_them_and_changes_nothing(case):
    make, _, _, count = CASES[case]
    expected = train(make)
    with knobs("activation") as book:
        assert same(train(make), expected)
    kind = {"method": "tanh"}.get(case, case.lower())
    assert [part.value for part in book.parts if part.count][:1] == [kind]
    assert sum(found(book, "activation").values()) == count
    assert book.changes == ()


def test_gates_and_cells_stay():
    expected = train(Gates)
    with knobs(activation="relu") as book:
        assert same(train(Gates), expected)
    assert book.parts == book.changes == ()


def test_layers_are_named_at_the_line_that_makes_them_and_calls_at_theirs():
    with knobs(activation="relu") as book:
        net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 1), nn.Tanh())
        net(paddle.to_tensor(X))
    assert changed(book, "activation") == {"Tanh": 2}


def test_the_output_of_a_model_stays_also_if_another_model_gets_it():
    generator = nn.Sequential(nn.Linear(4, 4), nn.Tanh())
    critic = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), nn.Linear(4, 1))
    x = paddle.to_tensor(X)
    made = generator(x).numpy()
    with knobs(activation="relu") as book:
        assert same([generator(x).numpy()], [made])
        critic(generator(x)).mean().backward()
    assert changed(book, "activation") == {"Sigmoid": 1}


def test_calls_outside_a_model_stay():
    with knobs(activation="relu") as book:
        assert F.sigmoid(paddle.zeros([1])).item() == 0.5
    assert book.changes == ()


def test_the_model_computes_as_before_when_the_knob_is_gone():
    seed_all()
    model = Functionals(F.sigmoid)
    x = paddle.to_tensor(X)
    before = model(x).numpy()
    with knobs(activation="relu"):
        assert not np.allclose(model(x).numpy(), before)
    seed_all()
    assert same([Functionals(F.sigmoid)(x).numpy()], [before])


def test_a_name_that_the_knob_does_not_know_is_refused():
    with pytest.raises(ValueError, match="activation"), knobs(activation="gelu"):
        pass

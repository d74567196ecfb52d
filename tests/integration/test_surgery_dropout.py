"""The knob `dropout` on live objects: what it finds, and that its effect is that of the program written so."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from surgery_on_objects import changed, found, knobs, same, seed_all


class DropPath(nn.Layer):
    """As vision models write it."""

    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        return drop_path(x, self.drop_prob, self.training)


def drop_path(x, drop_prob=0.0, training=False):
    if drop_prob == 0.0 or not training:
        return x
    keep = 1 - drop_prob
    return x / keep * paddle.floor(keep + paddle.rand([x.shape[0]] + [1] * (x.ndim - 1)))


X = np.random.default_rng(0).normal(size=[4, 6, 8]).astype("float32")

MODELS = {
    "Dropout(p=0.5)": lambda p: nn.Dropout(0.5 if p is None else p),
    "AlphaDropout(p=0.3)": lambda p: nn.AlphaDropout(0.3 if p is None else p),
    "MultiHeadAttention(dropout=0.4)": lambda p: nn.MultiHeadAttention(8, 2, dropout=0.4 if p is None else p),
    "LSTM(dropout=0.2)": lambda p: nn.LSTM(8, 8, num_layers=2, dropout=0.2 if p is None else p),
    "GRU(dropout=0.2)": lambda p: nn.GRU(8, 8, num_layers=2, dropout=0.2 if p is None else p),
    "DropPath(drop_prob=0.6)": lambda p: DropPath(0.6 if p is None else p),
}


def output(model):
    seed_all(1)
    result = model(paddle.to_tensor(X))
    return (result[0] if isinstance(result, tuple) else result).numpy()


@pytest.mark.parametrize("what", MODELS)
@pytest.mark.parametrize("p", [0.0, 0.7])
def test_a_layer_computes_as_if_written_with_the_probability(what, p):
    seed_all()
    by_hand = output(MODELS[what](p))
    seed_all()
    untouched = output(MODELS[what](None))
    with knobs(dropout=p) as book:
        seed_all()
        model = MODELS[what](None)
        assert same([output(model)], [by_hand])
        output(model)
    assert not same([by_hand], [untouched])
    assert found(book, "dropout") == changed(book, "dropout") == {what: 1}
    assert all(part.where.startswith("integration/test_surgery_dropout.py:") for part in book.changes)
    assert same([output(model)], [untouched])  # undone


@pytest.mark.parametrize("what", MODELS)
def test_null_finds_the_same_and_changes_nothing(what):
    seed_all()
    untouched = output(MODELS[what](None))
    with knobs("dropout") as book:
        seed_all()
        assert same([output(MODELS[what](None))], [untouched])
    assert found(book, "dropout") == {what: 1}
    assert changed(book, "dropout") == {}


def test_nothing_is_changed_in_evaluation():
    with knobs(dropout=0.0) as book:
        for make in MODELS.values():
            model = make(None)
            model.eval()
            output(model)
        F.dropout(paddle.to_tensor(X), 0.5, training=False)
    assert changed(book, "dropout") == {}


CALLS = {
    "dropout(p=0.5)": lambda x, p: F.dropout(x, p=0.5 if p is None else p),
    "dropout2d(p=0.3)": lambda x, p: F.dropout2d(x.unsqueeze(-1), 0.3 if p is None else p),
    "scaled_dot_product_attention(dropout_p=0.2)": lambda x, p: F.scaled_dot_product_attention(
        *[x.unsqueeze(2)] * 3, dropout_p=0.2 if p is None else p
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_call_of_a_functional_is_reached_once_a_line(what):
    def call(p):
        seed_all()
        return CALLS[what](paddle.to_tensor(X), p).numpy()

    by_hand = call(0.0)
    with knobs(dropout=0.0) as book:
        assert same([call(None)], [by_hand])
        call(None)
    assert found(book, "dropout") == changed(book, "dropout") == {what: 1}
    with knobs("dropout") as book:
        call(None)
        call(None)
    assert found(book, "dropout") == {what: 1}


def test_options_that_are_not_used_are_no_dropout():
    with knobs(dropout=0.5) as book:
        layers = [nn.MultiHeadAttention(8, 2), nn.LSTM(8, 8, num_layers=2)]
        for layer in layers:
            output(layer)
    assert found(book, "dropout") == changed(book, "dropout") == {}


def test_a_transformer_names_every_dropout_at_the_line_that_makes_it():
    with knobs(dropout=0.0) as book:
        model = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1), 2)
        output(model)
    assert found(book, "dropout") == {"Dropout(p=0.1)": 6, "MultiHeadAttention(dropout=0.1)": 2}
    assert sum(changed(book, "dropout").values()) >= 8


def test_a_function_of_the_program_that_is_named_drop_path_is_reached():
    with knobs(dropout=0.0) as book:
        paddle.optimizer.SGD(parameters=nn.Linear(1, 1).parameters())
        seed_all()
        assert np.array_equal(drop_path(paddle.to_tensor(X), 0.6, training=True).numpy(), X)
    assert changed(book, "dropout") == {"drop_path(drop_prob=0.6)": 1}


def test_a_mask_of_the_programs_own_is_named_as_a_limit():
    with knobs("dropout") as book:
        paddle.bernoulli(paddle.full([3], 0.5))
    assert any("paddle.bernoulli" in limit for limit in book.limits)


@pytest.mark.parametrize("value", [True, "half", -0.1, 1.5])
def test_what_is_no_probability_is_refused(value):
    with pytest.raises(ValueError, match="dropout"), knobs(dropout=value):
        pass

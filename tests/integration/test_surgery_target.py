"""The knob `target_norm` on live objects: training on standardized targets, with all numbers in original units."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.io import DataLoader, TensorDataset
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from surgery_on_objects import changed, found, knobs, same, seed_all, weights

RNG = np.random.default_rng(0)
X = RNG.normal(size=[32, 4]).astype("float32")
Y = (X @ RNG.normal(size=[4, 2]) * [50, 3] + [1000, -7]).astype("float32")
MEAN, DEVIATION = Y.mean(0), Y.std(0)


class Net(nn.Layer):
    def __init__(self, outputs=2, form=lambda y: y):
        super().__init__()
        self.net, self.form = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, outputs)), form

    def forward(self, x):
        return self.form(self.net(x))


def train(loss, targets=Y, *, make=Net, steps=5, batches=False, rate=0.05):
    """Return the weights, the losses seen, and the predictions at the end."""
    seed_all()
    model = make()
    optimizer = paddle.optimizer.SGD(rate, parameters=model.parameters())
    x, y = paddle.to_tensor(X), paddle.to_tensor(targets)
    data = DataLoader(TensorDataset([x, y]), batch_size=8) if batches else [(x, y)]
    losses = []
    for _ in range(steps):
        for inputs, labels in data:
            value = loss(model(inputs), labels)
            losses.append(value.numpy().mean())
            value.mean().backward()
            optimizer.step()
            optimizer.clear_grad()
    with paddle.no_grad():
        predictions = model(x).numpy()
        losses.append(loss(model(x), y).numpy().mean())
    return weights(model), losses, predictions


def near(left, right):
    return all(np.allclose(a, b, rtol=1e-3, atol=1e-5) for a, b in zip(left, right, strict=True))


LOSSES = {
    "mse_loss": (lambda z, y: F.mse_loss(z, y), DEVIATION**2),
    "layer": (nn.MSELoss(), DEVIATION**2),
    "swapped": (lambda z, y: F.mse_loss(y, z), DEVIATION**2),
    "l1_loss": (nn.L1Loss(), DEVIATION),
    "smooth_l1_loss": (nn.SmoothL1Loss(), None),
    "square_error_cost": (lambda z, y: F.square_error_cost(z, y), DEVIATION**2),
}


@pytest.mark.parametrize("batches", [False, True])
@pytest.mark.parametrize("form", LOSSES)
def test_training_is_that_on_standardized_targets_and_numbers_are_in_original_units(form, batches):
    loss, _ = LOSSES[form]
    by_hand, _, raw = train(loss, (Y - MEAN) / DEVIATION, batches=batches)
    plain, *_ = train(loss, batches=batches, rate=1e-6)
    with knobs(target_norm="standardize") as book:
        got, losses, predictions = train(loss, batches=batches)
    assert near(got, by_hand)
    assert not near(plain, by_hand)
    assert np.allclose(predictions, raw * DEVIATION + MEAN, rtol=1e-3, atol=1e-2)
    expected = loss(paddle.to_tensor(predictions), paddle.to_tensor(Y)).numpy().mean()
    assert losses[-1] == pytest.approx(expected, rel=1e-4)  # an evaluation
    name = "mse_loss" if form in ("layer", "swapped") else form
    assert found(book, "target_norm") == changed(book, "target_norm") == {name: 1}


def test_the_value_of_a_training_loss_is_in_original_units():
    with knobs(target_norm="standardize"):
        _, losses, _ = train(nn.MSELoss(), steps=60, rate=0.0)
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-4)
    spread = (DEVIATION**2).mean()
    assert 0.3 * spread < losses[0] < 3 * spread


def test_a_reshaped_prediction_has_one_scale():
    one = Y[:, 0]
    by_hand, *_ = train(nn.MSELoss(), (one - one.mean()) / one.std(), make=lambda: Net(1, lambda y: y.squeeze(-1)))
    with knobs(target_norm="standardize") as book:
        got, *_ = train(nn.MSELoss(), one, make=lambda: Net(1, lambda y: y.squeeze(-1)))
    assert near(got, by_hand)
    assert changed(book, "target_norm") == {"mse_loss": 1}


REFUSED = {
    "a bounded output": (Net, lambda z, y: F.mse_loss(F.sigmoid(z), y)),
    "computed targets": (Net, lambda z, y: F.mse_loss(z, y * 0.9 + 1)),
    "equal targets": (Net, lambda z, y: F.mse_loss(z, paddle.to_tensor(np.ones([32, 2], "float32")))),
    "whole numbers": (Net, lambda z, y: F.mse_loss(z, paddle.to_tensor(Y.astype("int64")).astype("int64") * 1.0)),
    "both are computed": (Net, lambda z, y: F.mse_loss(z, 2 * z)),
    "own loss": (Net, lambda z, y: ((z - y) ** 2).mean()),
    "residual": (lambda: Net(2, lambda y: y * 3), lambda z, y: F.mse_loss(z, y)),
}


@pytest.mark.parametrize("why", REFUSED)
def test_where_it_would_not_be_sound_nothing_is_changed(why):
    make, loss = REFUSED[why]
    expected, *_ = train(loss, make=make, rate=1e-6)
    with knobs(target_norm="standardize") as book:
        got, *_ = train(loss, make=make, rate=1e-6)
    assert same(got, expected)
    assert book.parts == book.changes == ()
    assert len(book.limits) == (0 if why in ("both are computed", "own loss") else 1)


def test_a_last_layer_that_another_one_uses_is_left_alone():
    class Recurrent(nn.Layer):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(4, 2), nn.Linear(2, 2)

        def forward(self, x):
            coarse = self.first(x)
            return coarse, self.last(coarse)

    with knobs(target_norm="standardize") as book:
        coarse, _ = Recurrent()(paddle.to_tensor(X))
        F.mse_loss(coarse, paddle.to_tensor(Y)).backward()
    assert book.changes == ()
    assert len(book.limits) == 1


@pytest.mark.parametrize("batches", [False, True])
def test_null_finds_the_loss_and_changes_nothing(batches):
    expected = train(nn.MSELoss(), rate=1e-6, batches=batches)
    with knobs("target_norm") as book:
        got = train(nn.MSELoss(), rate=1e-6, batches=batches)
    assert same(got[0], expected[0])
    assert got[1] == expected[1]
    assert found(book, "target_norm") == {"mse_loss": 1}
    assert book.changes == ()


def test_a_name_that_the_knob_does_not_know_is_refused():
    with pytest.raises(ValueError, match="target_norm"), knobs(target_norm="minmax"):
        pass

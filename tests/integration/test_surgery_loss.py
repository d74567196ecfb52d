"""The knob `loss` on live objects: weights after training are those of the program written so."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.nn import functional as F  # noqa: N812 - the name that Paddle's own documentation uses
from surgery_on_objects import changed, found, knobs, same, seed_all, weights

RNG = np.random.default_rng(0)
X = RNG.normal(size=[12, 5]).astype("float32")
CLASSES = RNG.integers(0, 3, size=[12]).astype("int64")
TARGETS = RNG.normal(size=[12, 3]).astype("float32")


def train(loss, labels, steps=4):
    """Return the weights and the losses seen."""
    seed_all()
    model = nn.Linear(5, 3)
    optimizer = paddle.optimizer.SGD(0.05, parameters=model.parameters())
    losses = []
    for _ in range(steps):
        value = loss(model(paddle.to_tensor(X)), paddle.to_tensor(labels))
        losses.append(value.item())
        value.backward()
        optimizer.step()
        optimizer.clear_grad()
    return weights(model), losses


def near(left, right):
    return all(np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(left, right, strict=True))


class WithSoftmax(nn.Layer):
    """A classifier that ends with a softmax, and a loss that applies one itself."""

    def __init__(self):
        super().__init__()
        self.softmax, self.loss = nn.Softmax(), nn.CrossEntropyLoss()

    def forward(self, scores, labels):
        return self.loss(self.softmax(scores), labels)


DOUBLED = {
    "functional": lambda z, y: F.cross_entropy(F.softmax(z), y),
    "layers": lambda z, y: WithSoftmax()(z, y),
    "method": lambda z, y: F.cross_entropy(z.softmax(), y),
    "tensor function": lambda z, y: F.cross_entropy(input=paddle.softmax(z, dim=1), label=y),
    "reshaped": lambda z, y: F.cross_entropy(F.softmax(z).reshape([3, 4, 3]), y.reshape([3, 4])),
    "cut": lambda z, y: F.cross_entropy(F.softmax(z)[:], y.unsqueeze(-1)),
    "old": lambda z, y: F.softmax_with_cross_entropy(F.softmax(z), y.unsqueeze(-1)).mean(),
}


@pytest.mark.filterwarnings("ignore::paddle.utils.deprecated.VisibleDeprecationWarning")
@pytest.mark.filterwarnings("ignore:\\s*The API:UserWarning")
@pytest.mark.parametrize("form", DOUBLED)
def test_softmax_is_applied_once(form):
    once, _ = train(lambda z, y: F.cross_entropy(z, y), CLASSES)
    twice, _ = train(DOUBLED[form], CLASSES)
    with knobs(loss="single_softmax") as book:
        got, _ = train(DOUBLED[form], CLASSES)
    assert near(got, once)
    assert not near(twice, once)
    name = "softmax_with_cross_entropy" if form == "old" else "cross_entropy"
    assert found(book, "loss") == changed(book, "loss") == {f"{name} of a softmax": 1}
    with knobs("loss") as book:
        got, _ = train(DOUBLED[form], CLASSES)
    assert same(got, twice)
    assert [(part.what, part.value) for part in book.parts] == [(f"{name} of a softmax", "softmax")]
    assert book.changes == ()


@pytest.mark.parametrize(
    "loss",
    [
        lambda z, y: F.cross_entropy(z, y),
        lambda z, y: F.cross_entropy(F.softmax(z), y, use_softmax=False),
        lambda z, y: F.cross_entropy(F.softmax(z, axis=0), y),
        lambda z, y: F.cross_entropy(2 * F.softmax(z), y),
        lambda z, y: F.nll_loss(F.log_softmax(z), y),
    ],
)
def test_what_gets_no_second_softmax_stays_as_it_is(loss):
    expected, _ = train(loss, CLASSES)
    with knobs(loss="single_softmax") as book:
        got, _ = train(loss, CLASSES)
    assert same(got, expected)
    assert book.changes == ()
    assert len(book.parts) == 1


def test_the_programs_own_use_of_the_softmax_stays():
    with knobs(loss="single_softmax"):
        scores = paddle.to_tensor(X)
        chances = F.softmax(scores)
        F.cross_entropy(chances, paddle.to_tensor(CLASSES))
        assert np.allclose(chances.numpy().sum(1), 1)


SUMS = {
    "cross_entropy": (lambda r: lambda z, y: F.cross_entropy(z, y, reduction=r), CLASSES),
    "mse_loss": (lambda r: lambda z, y: F.mse_loss(z, y, r), TARGETS),
    "l1_loss": (lambda r: nn.L1Loss(reduction=r), TARGETS),
    "smooth_l1_loss": (lambda r: nn.SmoothL1Loss(reduction=r), TARGETS),
    "nll_loss": (lambda r: lambda z, y: nn.NLLLoss(reduction=r)(F.log_softmax(z), y), CLASSES),
    "binary_cross_entropy_with_logits": (lambda r: nn.BCEWithLogitsLoss(reduction=r), np.abs(TARGETS).clip(0, 1)),
}


@pytest.mark.parametrize("name", [*SUMS, "layer"])
def test_a_sum_has_the_gradient_of_the_mean_and_keeps_its_value(name):
    make, labels = SUMS.get(name, (lambda r: nn.MSELoss(reduction=r), TARGETS))
    by_hand, losses = train(make("mean"), labels)
    summed, _ = train(make("sum"), labels)
    with knobs(loss="mean") as book:
        got, values = train(make("sum"), labels)
    assert near(got, by_hand)
    assert not near(got, summed)
    assert np.allclose(np.asarray(values) / losses, values[0] / losses[0], rtol=1e-3)
    what = {f"{'mse_loss' if name == 'layer' else name}(reduction='sum')": 1}
    assert found(book, "loss") == changed(book, "loss") == what
    with knobs("loss") as book:
        got, _ = train(make("sum"), labels)
    assert same(got, summed)
    assert [part.value for part in book.parts] == ["sum"]


def test_a_sum_without_gradient_is_a_metric_and_stays():
    with knobs(loss="mean") as book, paddle.no_grad():
        assert F.mse_loss(paddle.to_tensor(TARGETS), paddle.zeros([12, 3]), "sum").item() > 12
    assert book.parts == book.changes == ()

"""The knobs of the data on live objects: their effect is that of the program written so, in training loaders only."""

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.io import BatchSampler, DataLoader, Dataset, DistributedBatchSampler, IterableDataset, TensorDataset
from surgery_on_objects import changed, found, knobs, same, seed_all, stream, weights

RNG = np.random.default_rng(0)
X = (RNG.normal(size=[40, 3]) * [1, 10, 100] + [5, 0, -5]).astype("float32")
Y = RNG.normal(size=[40, 1]).astype("float32")


class Rows(Dataset):
    def __init__(self, first=0, last=40):
        self.rows = range(first, last)

    def __getitem__(self, index):
        return X[self.rows[index]], Y[self.rows[index]]

    def __len__(self):
        return len(self.rows)


class Stream(IterableDataset):
    def __iter__(self):
        yield from zip(X, Y, strict=True)


class OwnBatches(BatchSampler):
    def __iter__(self):
        yield from ([0, 1], [2, 3])


def first(loader):
    """Return the first batch, but read all: a loader that was left in the middle has threads, which a fork does not."""
    batch, *_ = loader
    return batch


def train(loader, valid=None, *, epochs=2, standardize=None):
    """Train on a loader, evaluate on another; return the weights, and the batches that either gave."""
    seed_all()
    model = nn.Linear(3, 1)
    optimizer = paddle.optimizer.SGD(1e-6, parameters=model.parameters())
    seen, judged = [], []
    for _ in range(epochs):
        model.train()
        for x, y in loader:
            seen.append(x.numpy())
            if standardize is not None:
                x = paddle.to_tensor((x.numpy() - standardize[0]) / standardize[1])
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
        model.eval()
        judged += [x.numpy() for x, _ in valid or ()]
    return weights(model), seen, judged


@pytest.mark.parametrize(("scale", "size"), [(4.0, 32), (0.25, 2), (0.01, 1), (100.0, 40)])
def test_the_batch_size_of_the_training_loader_is_scaled_and_no_others(scale, size):
    expected, batches, _ = train(DataLoader(Rows(), batch_size=size))
    with knobs(batch_scale=scale) as book:
        loader, valid = DataLoader(Rows(), batch_size=8), DataLoader(Rows(0, 20), batch_size=8)
        assert len(loader) == -(-40 // size)  # before it is iterated: a program may make a schedule of it
        got, seen, judged = train(loader, valid)
    assert same(got, expected)
    assert same(seen, batches)
    assert {len(x) for x in judged} == {8, 4}
    assert changed(book, "batch_scale") == {"DataLoader(batch_size=8)": 1}
    assert [part.value for part in book.parts] == [8.0]


@pytest.mark.parametrize("make", [BatchSampler, DistributedBatchSampler])
def test_a_batch_sampler_of_paddle_is_scaled(make):
    with knobs(batch_scale=2.0) as book:
        _, seen, _ = train(DataLoader(Rows(), batch_sampler=make(Rows(), batch_size=10)))
    assert {len(x) for x in seen} == {20}
    assert changed(book, "batch_scale") == {"DataLoader(batch_size=10)": 1}


def test_an_iterable_dataset_gives_larger_batches_and_keeps_its_order():
    with knobs(batch_scale=2.0, shuffle=True) as book:
        _, seen, _ = train(DataLoader(Stream(), batch_size=10), epochs=1)
    assert same(seen, [X[:20], X[20:]])
    assert changed(book, "shuffle") == {}
    assert any(limit.startswith("shuffle") for limit in book.limits)


def test_batches_of_the_programs_own_are_limits():
    with knobs(batch_scale=2.0, shuffle=True) as book:
        _, seen, _ = train(DataLoader(Rows(), batch_sampler=OwnBatches(Rows(), batch_size=2)), epochs=1)
    assert {len(x) for x in seen} == {2}
    assert book.changes == book.parts == ()
    assert len(book.limits) == 2


def test_a_training_loader_is_shuffled_from_the_stream_of_the_order():
    with knobs(shuffle=True) as book:
        loader, valid = DataLoader(Rows(), batch_size=40), DataLoader(Rows(0, 20), batch_size=20)
        _, seen, judged = train(loader, valid)
    random = np.random.RandomState(stream("order"))
    assert same(seen, [X[random.permutation(40)] for _ in range(2)])
    assert same(judged, [X[:20]] * 2)
    assert changed(book, "shuffle") == {"DataLoader(shuffle=False)": 1}
    assert [part.value for part in book.parts] == ["off"]


def test_a_loader_that_is_made_again_in_each_epoch_is_shuffled_anew():
    with knobs(shuffle=True) as book:
        orders = [train(DataLoader(Rows(), batch_size=40), epochs=1)[1][0] for _ in range(3)]
    assert not same(orders[:1], orders[1:2])
    assert not same(orders[1:2], orders[2:])
    assert changed(book, "shuffle") == {"DataLoader(shuffle=False)": 3}


def test_a_shuffling_loader_stays_as_it_is():
    expected, *_ = train(DataLoader(Rows(), batch_size=8, shuffle=True))
    with knobs(shuffle=True) as book:
        got, *_ = train(DataLoader(Rows(), batch_size=8, shuffle=True))
    assert same(got, expected)
    assert [part.value for part in book.parts] == ["on"]
    assert book.changes == ()


def test_shuffling_can_be_switched_off():
    expected, *_ = train(DataLoader(Rows(), batch_size=8))
    with knobs(shuffle=False):
        got, *_ = train(DataLoader(Rows(), batch_size=8, shuffle=True))
    assert same(got, expected)


def test_a_second_loader_for_training_is_reached_and_one_without_gradients_is_not():
    with knobs(batch_scale=2.0):
        one, other, judge = (DataLoader(Rows(), batch_size=5) for _ in range(3))
        layer = nn.Linear(3, 1)
        for (x, _), (z, _) in zip(one, other, strict=True):
            assert len(x) == len(z) == 10
            (layer(x) + layer(z)).mean().backward()
        with paddle.no_grad():
            assert len(first(judge)[0]) == 5
            assert len(first(one)[0]) == 5  # the metrics on the training data


def test_the_loaders_of_model_fit_are_told_apart():
    seed_all()
    with knobs(batch_scale=2.0, shuffle=True) as book:
        model = paddle.Model(nn.Linear(3, 1))
        model.prepare(paddle.optimizer.SGD(1e-6, parameters=model.parameters()), nn.MSELoss())
        sizes = []
        model.network.register_forward_pre_hook(lambda layer, args: sizes.append((layer.training, len(args[0]))))
        model.fit(Rows(), Rows(0, 20), batch_size=10, epochs=1, shuffle=False, verbose=0)
    assert sizes == [(True, 20)] * 2 + [(False, 10)] * 2
    assert changed(book, "batch_scale") == {"DataLoader(batch_size=10)": 1}


@pytest.mark.parametrize("num_workers", [0, 1])
def test_inputs_are_standardized_by_the_training_set_in_all_loaders(num_workers):
    mean, deviation = X.mean(0, "float64", keepdims=True), X.std(0, "float64", keepdims=True)
    statistics = mean.astype("float32"), deviation.astype("float32")
    expected, *_ = train(DataLoader(Rows(), batch_size=8), standardize=statistics)
    with knobs(input_norm="standardize") as book:
        loader = DataLoader(Rows(), batch_size=8, num_workers=num_workers)
        got, seen, judged = train(loader, DataLoader(Rows(0, 20), batch_size=20))
    assert np.allclose(np.concatenate(got, axis=None), np.concatenate(expected, axis=None), rtol=1e-5)
    assert np.allclose(np.concatenate(seen[:5]).mean(0), 0, atol=1e-5)
    assert np.allclose(np.concatenate(seen[:5]).std(0), 1, atol=1e-4)
    assert np.allclose(judged[0], (X[:20] - mean) / deviation, atol=1e-4)
    assert found(book, "input_norm") == changed(book, "input_norm") == {"DataLoader of float32 [N, 3]": 1}


@pytest.mark.parametrize(("shape", "axis"), [((5, 3, 7, 7), 1), ((5, 7, 7, 3), 3), ((5, 9, 4), 2), ((5, 4, 9), 1)])
def test_channels_are_what_is_standardized_in_larger_inputs(shape, axis):
    levels = np.arange(shape[axis]).reshape([-1 if place == axis else 1 for place in range(len(shape))])
    inputs = (RNG.normal(size=(20, *shape[1:])) * 3 + levels).astype("float32")
    with knobs(input_norm="standardize"):
        (given,) = first(DataLoader(TensorDataset([paddle.to_tensor(inputs)]), batch_size=20))
    others = tuple(place for place in range(len(shape)) if place != axis)
    expected = (inputs - inputs.mean(others, keepdims=True)) / inputs.std(others, keepdims=True)
    assert np.allclose(given.numpy(), expected, atol=1e-4)


def test_integers_are_not_standardized():
    tokens = np.arange(40).reshape(20, 2)
    with knobs(input_norm="standardize") as book:
        (given,) = first(DataLoader(TensorDataset([paddle.to_tensor(tokens)]), batch_size=20))
    assert same([given.numpy()], [tokens])
    assert book.parts == book.changes == ()
    assert len(book.limits) == 1


def test_a_field_of_a_dict_is_found_by_its_name():
    class Named(Rows):
        def __getitem__(self, index):
            return {"label": Y[index], "image": X[index]}

    with knobs(input_norm="standardize"):
        batch = first(DataLoader(Named(), batch_size=40))
    assert np.allclose(batch["image"].numpy().mean(0), 0, atol=1e-5)
    assert same([batch["label"].numpy()], [Y])


def test_reading_ahead_leaves_the_random_numbers_as_they_were():
    class Noisy(Rows):
        def __getitem__(self, index):
            return X[index] + np.random.normal(), Y[index]

    with knobs(input_norm="standardize"):
        train(DataLoader(Noisy(), batch_size=8, shuffle=True))
        after = np.random.normal()
    train(DataLoader(Noisy(), batch_size=8, shuffle=True))
    assert np.random.normal() == after


@pytest.mark.parametrize("knob", ["batch_scale", "shuffle", "input_norm"])
def test_null_changes_nothing(knob):
    def run():
        return train(DataLoader(Rows(), batch_size=8, shuffle=True), DataLoader(Rows(0, 20), batch_size=8))

    expected = run()
    with knobs(knob) as book:
        got = run()
    assert all(map(same, got, expected))
    assert len(book.parts) == 1
    assert book.changes == ()


@pytest.mark.parametrize(
    ("knob", "value"), [("batch_scale", 0), ("batch_scale", "x4"), ("shuffle", "on"), ("input_norm", "minmax")]
)
def test_a_value_that_a_knob_does_not_know_is_refused(knob, value):
    with pytest.raises(ValueError, match=knob), knobs(**{knob: value}):
        pass

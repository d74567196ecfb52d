"""Checks on a script take what they need from its running training, and say what they could not see."""

import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle import nn
from paddle.io import DataLoader, TensorDataset

from sweep.cli.main import main
from sweep.task import StopTrial
from sweep.worker.checks.few_batches import UNUSED, FewBatches
from sweep.worker.checks.seen_batches import SeenBatches
from sweep.worker.hooks import Hooks, Role

RNG = np.random.RandomState(0)
X = RNG.randn(64, 4).astype("float32")
Y = (X[:, 0] > 0).astype("int64")
LOADED = """
import numpy as np, paddle, paddle.nn as nn
from paddle.io import DataLoader, TensorDataset
x = np.random.RandomState(0).randn(64, 4).astype("float32")
y = (x[:, 0] > 0).astype("int64")
net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = paddle.optimizer.Adam(0.01, parameters=net.parameters())
for epoch in range(8):
    for inputs, labels in DataLoader(TensorDataset([paddle.to_tensor(x), paddle.to_tensor(y)]), batch_size=16):
        loss = nn.functional.cross_entropy(net(inputs), labels)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
"""
BY_HAND = LOADED.replace(
    "for inputs, labels in DataLoader(TensorDataset([paddle.to_tensor(x), paddle.to_tensor(y)]), batch_size=16)",
    "for inputs, labels in [(paddle.to_tensor(x), paddle.to_tensor(y))]",
)


def network():
    paddle.seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))


def seen(train, *, limit=1000):
    """Return what was seen of `train(net, optimizer)`."""
    net = network()
    found = SeenBatches(limit=limit, seconds=60.0)
    with Hooks(Role.CHANGES) as hooks:
        found.install(hooks)
        with suppress(StopTrial):
            train(net, paddle.optimizer.SGD(0.1, parameters=net.parameters()))
    return found, net


def step(loss, optimizer):
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()


def epochs(net, optimizer):
    for _ in range(3):
        for at in range(0, 64, 16):
            labels = paddle.to_tensor(Y[at : at + 16])
            step(nn.functional.cross_entropy(net(paddle.to_tensor(X[at : at + 16])), labels), optimizer)


def test_the_first_pass_over_the_data_is_seen_as_network_and_loss_get_it():
    found, net = seen(epochs)
    x, y = found.sets()
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, Y)
    assert found.steps == 5
    assert found.first_network() is net
    fresh = network().state_dict()
    assert all(np.array_equal(value.numpy(), fresh[name].numpy()) for name, value in net.state_dict().items())


def test_of_many_samples_the_first_are_enough():
    found, _ = seen(epochs, limit=20)
    assert len(found.sets()[0]) == 20
    assert found.steps == 2


def test_losses_with_different_labels_give_none_and_two_networks_are_none():
    other = nn.Linear(4, 1)

    def two(net, optimizer):
        for _ in range(2):
            inputs = paddle.to_tensor(RNG.randn(8, 4).astype("float32"))
            real = nn.functional.binary_cross_entropy_with_logits(other(inputs), paddle.ones([8, 1]))
            fake = nn.functional.binary_cross_entropy_with_logits(net(inputs)[:, :1], paddle.zeros([8, 1]))
            step(real + fake, optimizer)

    found, _ = seen(two)
    assert found.sets()[0].shape == (16, 4)
    assert found.sets()[1] is None
    assert found.first_network() is None


def test_a_loss_against_zeros_has_no_labels():
    def residual(net, optimizer):
        for _ in range(2):
            inputs = paddle.to_tensor(RNG.randn(8, 4).astype("float32"))
            step(nn.MSELoss()(net(inputs), paddle.zeros([8, 2])), optimizer)

    assert seen(residual)[0].sets()[1] is None


def test_a_loader_gives_its_first_samples_until_the_training_ends():
    loader = DataLoader(TensorDataset([paddle.to_tensor(X), paddle.to_tensor(Y)]), batch_size=16)
    few = FewBatches(10)
    with Hooks(Role.CHANGES) as hooks:
        few.install(hooks)
        given = []
        for few.step, (inputs, labels) in enumerate(loader, start=1):
            given.append((inputs.numpy(), labels.numpy()))
            if len(given) == 500:
                break
        with paddle.no_grad():
            assert len(list(loader)) == 4
    assert {inputs.shape for inputs, _ in given} == {(10, 4)}
    assert all(np.array_equal(inputs, given[0][0]) for inputs, _ in given)
    assert sorted(given[0][1].tolist()) == [0] * 5 + [1] * 5
    assert (few.n, len(few.classes), few.calls) == (10, 10, 1)
    assert len(list(loader)) == 4


def test_a_loader_that_is_not_trained_on_comes_to_an_end():
    loader = DataLoader(TensorDataset([paddle.to_tensor(X), paddle.to_tensor(Y)]), batch_size=16)
    few = FewBatches(10)
    with Hooks(Role.CHANGES) as hooks:
        few.install(hooks)
        assert len(list(loader)) == UNUSED


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("checks")


@pytest.fixture(autouse=True)
def there(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "loaded.py").write_text(LOADED)
    (folder / "by_hand.py").write_text(BY_HAND)


def stages(name):
    return {each["stage"]: each for each in json.loads(Path(f"results/{name}/summary.json").read_text())["stages"]}


def test_both_checks_of_a_script_with_a_loader():
    assert main(["loaded.py", "+check=all", "study=both"]) == 0
    found = stages("both")
    checks = {check["name"]: check["severity"] for check in found["data"]["section"]["checks"]}
    assert {name for name, severity in checks.items() if severity == "broken"} == set()
    assert checks["label range"] == checks["batch through the model"] == checks["model reads its input"] == "ok"
    assert checks["overlap"] == "not_checked"
    assert found["overfit"]["section"]["verdict"] == "learnt"


def test_a_script_without_a_loader_is_not_checked_for_overfitting():
    main(["by_hand.py", "+check=overfit", "study=by_hand"])
    assert stages("by_hand")["overfit"]["section"]["verdict"] == "not_checked"
    assert "DataLoader" in stages("by_hand")["overfit"]["answer"]


def test_a_range_test_has_no_more_steps_than_the_script():
    assert main(["loaded.py", "+search=lr_range", "confirm=null", "seeds=1", "study=range"]) in (0, 1)
    [trial] = stages("range")["lr_range"]["section"]["trials"]
    assert 20 <= len(trial["rates"]) <= 32
    assert max(trial["rates"]) > 0.1

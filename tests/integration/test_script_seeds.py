"""A script gets the trial's seeds, also where it sets its own; with `task.seeding=script` it is left alone."""

from pathlib import Path

import pytest
from script_runs import Ran, by_hand, ran

DRAWS = """
import random, sys
import numpy as np
import paddle
{seeds}
net = paddle.nn.Sequential(paddle.nn.Linear(4, 8), paddle.nn.Dropout({p}), paddle.nn.Linear(8, 1))
opt = paddle.optimizer.SGD(0.1, parameters=net.parameters())
first = net[0].weight.numpy().tobytes().hex()
for _ in range(3):
    order = np.random.permutation(8)
    x = paddle.to_tensor(np.eye(8, 4, dtype="float32")[order])
    net(x).mean().backward(); opt.step(); opt.clear_grad()
split = [list(part.indices) for part in paddle.io.random_split(list(range(6)), [3, 3])]
print("DRAWN", first[:32], order.tolist(), random.random(), split, paddle.rand([1]).item())
print("MASK", paddle.nn.functional.dropout(paddle.ones([16]), 0.5).tolist())
"""
SEEDED = "random.seed(42); np.random.seed(42); paddle.seed(42)"


def line(run: Ran, name: str = "DRAWN") -> str:
    assert run.state == "completed", run.log
    return next(line for line in run.log.splitlines() if line.startswith(name))


@pytest.mark.parametrize("seeds", [SEEDED, ""])
def test_the_trials_seed_decides_also_where_a_program_sets_its_own(tmp_path: Path, seeds: str) -> None:
    text = DRAWS.format(seeds=seeds, p=0.5)
    one, again, other = (ran(tmp_path, text, n=n, seed=seed) for n, seed in enumerate((0, 0, 1)))
    assert line(one) == line(again)
    assert line(one, "MASK") == line(again, "MASK")
    for words in zip(line(one).split()[1:4], line(other).split()[1:4], strict=True):
        assert words[0] != words[1] or words[0].strip("[,]").isdigit()
    assert line(one) != line(other)
    assert line(one, "MASK") != line(other, "MASK")


def test_the_seeds_that_a_program_sets_are_recorded_with_their_lines(tmp_path: Path) -> None:
    run = ran(tmp_path, DRAWS.format(seeds=SEEDED + "\nnp.random.default_rng(7)\nrandom.Random(3)", p=0.5))
    assert run.inventory["seeding"] == [
        "random.seed(42) at train.py:5",
        "np.random.seed(42) at train.py:5",
        "paddle.seed(42) at train.py:5",
        "np.random.default_rng(7) at train.py:6",
        "random.Random(3) at train.py:7",
    ]


def test_generators_of_the_programs_own_get_the_trials_seed_and_those_of_libraries_do_not(tmp_path: Path) -> None:
    text = (
        "import random, numpy as np, paddle\nfrom numpy.random import default_rng as rng\n"
        "print('OWN', rng(7).random(), rng(8).random(), random.Random(5).random(), rng(seed=7).random())\n"
        "same = rng(rng(7)); g = paddle.base.core.default_cpu_generator()\n"
        "g.manual_seed(3); print('GEN', paddle.rand([1]).item())\n"
        "import tempfile; tempfile.mkdtemp()\n"
    )
    one, other = (ran(tmp_path, text, n=n, seed=n) for n in (0, 1))
    a, b = line(one, "OWN").split(), line(other, "OWN").split()
    assert a[1] == a[4]
    assert all(first != second for first, second in zip(a[1:], b[1:], strict=True))
    assert a[1] != a[2]
    assert line(one, "GEN") != line(other, "GEN")


@pytest.mark.parametrize("seeds", [SEEDED, ""])
def test_without_dropout_weights_order_and_splits_are_the_same(tmp_path: Path, seeds: str) -> None:
    kept = ran(tmp_path, DRAWS.format(seeds=seeds, p=0.5), n=0)
    off = ran(tmp_path, DRAWS.format(seeds=seeds, p=0.5), n=1, dropout=0.0)
    without = ran(tmp_path, DRAWS.format(seeds=seeds, p=0.0), n=2)
    assert line(kept) == line(off) == line(without)
    assert kept.losses != off.losses


def test_recomputing_draws_the_same_dropout_again(tmp_path: Path) -> None:
    run = ran(
        tmp_path,
        "import paddle\nstate = paddle.get_rng_state()\na = paddle.nn.functional.dropout(paddle.ones([64]), 0.5)\n"
        "paddle.set_rng_state(state)\nb = paddle.nn.functional.dropout(paddle.ones([64]), 0.5)\n"
        "assert a.tolist() == b.tolist()\n",
    )
    assert run.state == "completed", run.log


PROGRAMS = {
    "mlp": """
x = paddle.to_tensor(np.random.randn(64, 8).astype("float32")); y = paddle.to_tensor(np.random.randint(0, 3, 64))
net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Dropout(0.4), nn.Linear(16, 3))
opt = paddle.optimizer.AdamW(0.01, parameters=net.parameters(), weight_decay=0.01)
for i in range(5):
    loss = F.cross_entropy(net(x), y); loss.backward(); opt.step(); opt.clear_grad(); seen.append(loss.item())
""",
    "cnn": """
class Images(paddle.io.Dataset):
    def __init__(self):
        self.x = np.random.rand(24, 8, 8, 3).astype("float32")
    def __len__(self): return 24
    def __getitem__(self, i): return T.Transpose()(self.x[i][:, :: random.choice([1, -1])].copy()), np.int64(i % 2)
net = nn.Sequential(nn.Conv2D(3, 4, 3), nn.BatchNorm2D(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))
lr = paddle.optimizer.lr.StepDecay(0.1, 1)
clip = nn.ClipGradByGlobalNorm(1.0)
opt = paddle.optimizer.Momentum(lr, parameters=net.parameters(), weight_decay=1e-4, grad_clip=clip)
for epoch in range(2):
    for x, y in paddle.io.DataLoader(Images(), batch_size=8, shuffle=True, num_workers=2):
        loss = nn.CrossEntropyLoss()(net(x), y); loss.backward(); opt.step(); opt.clear_grad(); seen.append(loss.item())
    lr.step()
""",
    "lstm": """
rnn, head = nn.LSTM(4, 6, num_layers=2, dropout=0.3), nn.Linear(6, 1)
opt = paddle.optimizer.RMSProp(0.01, parameters=[*rnn.parameters(), *head.parameters()])
for i in range(3):
    loss = (head(rnn(paddle.randn([5, 7, 4]))[0][:, -1]) ** 2).mean()
    loss.backward(); opt.step(); opt.clear_grad(); seen.append(loss.item())
net = rnn
""",
    "hapi": """
data = paddle.io.TensorDataset([paddle.randn([32, 4]), paddle.randint(0, 2, [32, 1])])
net = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.Linear(8, 2))
model = paddle.Model(net)
model.prepare(paddle.optimizer.Adam(parameters=net.parameters()), nn.CrossEntropyLoss(), paddle.metric.Accuracy())
model.fit(data, epochs=2, batch_size=8, verbose=0)
seen.append(float(model.evaluate(data, verbose=0)["loss"][0]))
""",
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_left_alone_a_script_is_bitwise_what_it_is_by_hand(tmp_path: Path, name: str) -> None:
    text = (
        "import random, numpy as np, paddle\nimport paddle.nn.functional as F\nfrom paddle import nn\n"
        f"from paddle.vision import transforms as T\nseen = []\n{SEEDED}\n{PROGRAMS[name]}\n"
        "weights = b''.join(p.numpy().tobytes() for p in net.parameters())\n"
        "print('END', [s.hex() for s in seen], [p.name for p in net.parameters()], weights.hex())\n"
    )
    run = ran(tmp_path, text, trains=False, seeding="script", seed=3)
    alone = by_hand(tmp_path / "project/train.py")
    assert line(run, "END") == next(
        (text for text in alone.stdout.splitlines() if text.startswith("END")), alone.stderr
    )

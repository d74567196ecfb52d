"""The first training step that the warm parent takes for its forks: nothing of it is seen by a trial."""

import subprocess
import sys

TRAINING = """
import json, os, random, sys
import numpy as np, paddle
from sweep.worker.first_step import take_first_step

def train():
    paddle.seed(3), np.random.seed(3)
    net = paddle.nn.Sequential(paddle.nn.Linear(8, 8), paddle.nn.Dropout(0.5), paddle.nn.Linear(8, 2))
    optimizer = paddle.optimizer.Adam(1e-2, parameters=net.parameters())
    inputs = paddle.to_tensor(np.random.randn(16, 8).astype("float32"))
    losses = []
    for _ in range(10):
        loss = net(inputs).square().mean()
        loss.backward(), optimizer.step(), optimizer.clear_grad()
        losses.append(float(loss).hex())
    return losses, [parameter.name for parameter in net.parameters()]

random.seed(1), np.random.seed(1), paddle.seed(1)
why = take_first_step() if sys.argv[1] == "with" else None
threads = len(os.listdir("/proc/self/task"))
after = [random.random(), float(np.random.rand()), float(paddle.rand([1]).item())]
print(json.dumps({"why": why, "threads": threads, "after": after, "trained": train()}))
"""


def answer_of(word):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", TRAINING, word],
        capture_output=True, text=True, check=True, env={"OMP_NUM_THREADS": "1", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return done.stdout.splitlines()[-1]


def test_a_training_after_the_first_step_is_bitwise_the_one_without_it():
    assert answer_of("with") == answer_of("without")


def test_without_paddle_no_step_is_taken():
    code = "from sweep.worker.first_step import take_first_step; print(take_first_step())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "paddle" in done.stdout
    assert done.stdout.strip() != "None"

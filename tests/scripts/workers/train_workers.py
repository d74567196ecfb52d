"""Loader with two worker processes."""
import random

import numpy as np
import paddle
from paddle import nn


class Noisy(paddle.io.Dataset):
    def __init__(self, n=256):
        rng = np.random.RandomState(0)
        self.x = rng.randn(n, 8).astype("float32")
        self.y = (self.x[:, :4].sum(1) > self.x[:, 4:].sum(1)).astype("int64")

    def __getitem__(self, i):
        return self.x[i] + np.float32(0.01 * random.random()), self.y[i]

    def __len__(self):
        return len(self.x)


def init_worker(worker_id):
    random.seed(1000 + worker_id)
    np.random.seed(1000 + worker_id)


def run():
    paddle.seed(9)
    np.random.seed(9)
    loader = paddle.io.DataLoader(Noisy(), batch_size=32, shuffle=True, num_workers=2, worker_init_fn=init_worker)
    model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 2))
    opt = paddle.optimizer.Adam(0.01, parameters=model.parameters())
    for epoch in range(3):
        losses, accs = [], []
        for x, y in loader():
            out = model(x)
            loss = nn.functional.cross_entropy(out, y)
            loss.backward()
            opt.step()
            opt.clear_grad()
            losses.append(float(loss))
            accs.append(float(paddle.metric.accuracy(out, y.reshape([-1, 1]))))
        print(f"epoch {epoch}: train loss {np.mean(losses):.4f}, train acc {np.mean(accs):.4f}")


if __name__ == "__main__":
    run()

import logging
import os
import sys

import numpy as np
import paddle
from paddle import nn
from sklearn.datasets import load_iris

logger = logging.getLogger("trainer")


def setup_logger(folder):
    os.makedirs(folder, exist_ok=True)
    formatter = logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s")
    for handler in (logging.StreamHandler(sys.stderr), logging.FileHandler(os.path.join(folder, "train.log"))):
        handler.setFormatter(formatter)
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)


class Meter:
    def __init__(self):
        self.sum = self.n = 0

    def update(self, v):
        self.sum += v
        self.n += 1

    @property
    def avg(self):
        return self.sum / max(1, self.n)


def main():
    setup_logger("log")
    paddle.seed(2021)
    np.random.seed(2021)
    x, y = load_iris(return_X_y=True)
    x = ((x - x.mean(0)) / x.std(0)).astype("float32")
    order = np.random.permutation(150)
    train, test = order[:120], order[120:]
    model = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 3))
    optimizer = paddle.optimizer.Adamax(0.02, parameters=model.parameters())
    for epoch in range(8):
        meter = Meter()
        for rows in np.array_split(np.random.permutation(train), 8):
            loss = nn.functional.cross_entropy(model(paddle.to_tensor(x[rows])), paddle.to_tensor(y[rows]))
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
            meter.update(loss.item())
        acc = (model(paddle.to_tensor(x[test])).numpy().argmax(1) == y[test]).mean()
        logger.info("epoch: [%d/%d], loss: %.4f, lr: %.4f", epoch + 1, 8, meter.avg, optimizer.get_lr())
        logger.info("Eval - acc: %.4f", acc)


if __name__ == "__main__":
    main()

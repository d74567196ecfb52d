import os
import time

import numpy as np
import paddle
from sklearn.datasets import load_digits

from .model import build_model


class Engine:
    def __init__(self, config):
        self.config = config
        paddle.seed(config.seed)
        np.random.seed(config.seed)
        x, y = load_digits(return_X_y=True)
        x, y = (x[:900] / 8 - 1).astype("float32"), y[:900].astype("int64")
        self.train_set = paddle.io.TensorDataset([paddle.to_tensor(x[:700]), paddle.to_tensor(y[:700])])
        self.eval_x, self.eval_y = paddle.to_tensor(x[700:]), y[700:]
        self.model = build_model(64, 10, config.drop_prob)
        self.optimizer = paddle.optimizer.SGD(config.lr, parameters=self.model.parameters())
        self.loss_fn = paddle.nn.CrossEntropyLoss()

    def train(self):
        loader = paddle.io.DataLoader(self.train_set, batch_size=self.config.batch_size, shuffle=True)
        for epoch in range(1, self.config.epochs + 1):
            started = time.time()
            self.model.train()
            for it, (x, y) in enumerate(loader):
                loss = self.loss_fn(self.model(x), y)
                loss.backward()
                self.optimizer.step()
                self.optimizer.clear_grad()
            acc = self.evaluate()
            print(f"[Train][Epoch {epoch}/{self.config.epochs}][Iter {it}] CELoss: {loss.item():.5f}, "
                  f"batch_cost: {(time.time() - started) / (it + 1):.5f}s, ips: {self.config.batch_size}")
            print(f"[Eval][Epoch {epoch}][Avg] top1: {acc:.5f}")

    @paddle.no_grad()
    def evaluate(self):
        self.model.eval()
        return float((self.model(self.eval_x).argmax(-1).numpy() == self.eval_y).mean())

    def save(self, prefix):
        os.makedirs(os.path.dirname(prefix), exist_ok=True)
        paddle.save(self.model.state_dict(), prefix + ".pdparams")
        paddle.save(self.optimizer.state_dict(), prefix + ".pdopt")

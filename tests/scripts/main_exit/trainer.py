import argparse
import random
import sys
import numpy as np
import paddle
from sklearn.datasets import load_digits


def set_seed(seed):
    random.seed(seed)
    np.random.seed(seed)
    paddle.seed(seed)


class Trainer:
    def __init__(self, model, optimizer, criterion, metrics):
        self.model, self.optimizer, self.criterion, self.metrics = model, optimizer, criterion, metrics
        self.global_step = 0

    def _train_epoch(self, loader):
        self.model.train()
        losses = []
        for batch in loader:
            loss = self._step(*batch)
            losses.append(loss)
        return sum(losses) / len(losses)

    def _step(self, x, y):
        out = self.model(x)
        loss = self.criterion(out, y)
        self.optimizer.clear_grad()
        loss.backward()
        self.optimizer.step()
        self.global_step += 1
        return float(loss)

    @paddle.no_grad()
    def _valid(self, loader):
        self.model.eval()
        self.metrics.reset()
        for x, y in loader:
            self.metrics.update(self.metrics.compute(self.model(x), y.unsqueeze(-1)))
        return self.metrics.accumulate()

    def fit(self, train, valid, epochs):
        for e in range(epochs):
            loss = self._train_epoch(train)
            top1, top3 = self._valid(valid)
            print("Epoch %d: loss: %.4f valid_top1: %.4f valid_top3: %.4f" % (e, loss, top1, top3))


def main(argv=None):
    ap = argparse.ArgumentParser()
    ap.add_argument("--epochs", type=int, default=3)
    ap.add_argument("--seed", type=int, default=1)
    args = ap.parse_args(argv)
    set_seed(args.seed)
    x, y = load_digits(return_X_y=True)
    data = paddle.io.TensorDataset([paddle.to_tensor(x / 16, dtype="float32"), paddle.to_tensor(y, dtype="int64")])
    train, valid = paddle.io.random_split(data, [1500, 297])
    model = paddle.nn.Sequential(paddle.nn.Linear(64, 32), paddle.nn.ReLU6(), paddle.nn.Linear(32, 10))
    optimizer = paddle.optimizer.Lamb(0.01, parameters=model.parameters(), lamb_weight_decay=0.01)
    trainer = Trainer(model, optimizer, paddle.nn.CrossEntropyLoss(), paddle.metric.Accuracy(topk=(1, 3)))
    trainer.fit(paddle.io.DataLoader(train, batch_size=60, shuffle=True), paddle.io.DataLoader(valid, batch_size=99), args.epochs)
    return 0 if trainer.global_step else 1


if __name__ == "__main__":
    sys.exit(main())

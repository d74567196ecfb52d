"""Handwritten digits (scikit-learn's) with the RunnerV3 of the NNDL course package."""

import argparse

import numpy as np
import paddle
import paddle.nn as nn
from nndl import RunnerV3
from sklearn.datasets import load_digits

ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, default=0)
ap.add_argument("--lr", type=float, default=0.1)
ap.add_argument("--optimizer", default="SGD")
ap.add_argument("--shuffle", type=int, default=0)
ap.add_argument("--batch-size", type=int, default=32)
ap.add_argument("--weight-decay", type=float, default=None)
ap.add_argument("--epochs", type=int, default=10)
a = ap.parse_args()
paddle.seed(a.seed)
np.random.seed(a.seed)

x, y = load_digits(return_X_y=True)
x = ((x - x.mean(0)) / (x.std(0) + 1e-6)).astype("float32")
order = np.random.RandomState(0).permutation(len(x))
train, dev = order[:1300], order[1300:]
train = train[np.argsort(y[train], kind="stable")]  # the files come class by class


class Digits(paddle.io.Dataset):
    def __init__(self, index):
        self.index = index

    def __len__(self):
        return len(self.index)

    def __getitem__(self, i):
        return x[self.index[i]], y[self.index[i]].astype("int64")


class Accuracy:  # nndl 0.0.1's own indexes a 0-D array (.numpy()[0]) and stops with Paddle >= 2.5
    def reset(self):
        self.right = self.count = 0

    def update(self, logits, y):
        self.right += int((logits.argmax(-1) == y).astype("int64").sum())
        self.count += len(y)

    def accumulate(self):
        return self.right / self.count


train_loader = paddle.io.DataLoader(Digits(train), batch_size=a.batch_size, shuffle=bool(a.shuffle))
dev_loader = paddle.io.DataLoader(Digits(dev), batch_size=128)
model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1D(64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
optimizer = getattr(paddle.optimizer, a.optimizer)(
    learning_rate=a.lr, parameters=model.parameters(), weight_decay=a.weight_decay
)
runner = RunnerV3(model, optimizer, nn.CrossEntropyLoss(), Accuracy())
runner.train(
    train_loader, dev_loader, num_epochs=a.epochs, log_steps=40, eval_steps=100, save_path="best_model.pdparams"
)
score, loss = runner.evaluate(dev_loader)
print("final dev accuracy: %.4f" % score)

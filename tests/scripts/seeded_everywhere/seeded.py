import random
import numpy as np
import paddle
from paddle import nn

paddle.seed(42)
np.random.seed(42)
random.seed(42)


def spiral(n):
    np.random.seed(42)
    t = np.sqrt(np.random.rand(n)) * 2 * np.pi
    sign = np.where(np.random.rand(n) < 0.5, 1, -1)
    pts = np.stack([sign * t * np.cos(t), sign * t * np.sin(t)], 1) / 6 + 0.05 * np.random.randn(n, 2)
    return pts.astype("float32"), (sign > 0).astype("int64")


def build():
    paddle.seed(42)
    return nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Dropout(0.05), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 2))


def train_one_epoch(model, opt, x, y):
    paddle.seed(42)
    order = np.random.permutation(len(x))
    total = 0.0
    for rows in np.array_split(order, 12):
        loss = nn.functional.cross_entropy(model(paddle.to_tensor(x[rows])), paddle.to_tensor(y[rows]))
        loss.backward()
        opt.step()
        opt.clear_grad()
        total += float(loss) / 12
    return total


x, y = spiral(480)
model = build()
opt = paddle.optimizer.Adam(0.01, parameters=model.parameters())
for epoch in range(6):
    loss = train_one_epoch(model, opt, x, y)
    model.eval()
    acc = (model(paddle.to_tensor(x)).argmax(-1).numpy() == y).mean()
    model.train()
    print(f"Epoch {epoch} Loss {loss:.4f} Accuracy {acc:.4f}")

"""A task of recorded studies: a small network learns two moons. Frozen: the trials' fingerprints are of this text."""

import numpy as np
import paddle
from paddle import nn
from paddle.io import DataLoader, TensorDataset


def moons(count, seed):
    rng = np.random.default_rng(seed)
    angle, label = rng.uniform(0, np.pi, count), rng.integers(0, 2, count)
    points = np.stack([np.cos(angle) + label, np.sin(angle) * (1 - 2 * label) + 0.3 * label], 1)
    return (points + 0.1 * rng.normal(size=points.shape)).astype("float32"), label.astype("int64")


def data(cfg):
    return moons(192, 7), moons(128, 8)


def model(cfg):
    return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Dropout(cfg.dropout), nn.Linear(16, 2))


def train(cfg, run):
    (points, labels), (checked, truth) = data(cfg)
    points = points * cfg.scale
    net = model(cfg)
    clip = None if cfg.clip is None else nn.ClipGradByGlobalNorm(cfg.clip)
    optimizer = paddle.optimizer.SGD(cfg.lr, parameters=net.parameters(), grad_clip=clip)
    loader = DataLoader(
        TensorDataset([paddle.to_tensor(points), paddle.to_tensor(labels)]), batch_size=cfg.batch_size, shuffle=True
    )
    loss_of = nn.CrossEntropyLoss()
    step = 0
    while step < cfg.steps:
        for x, y in loader:
            step += 1
            loss = loss_of(net(x), y)
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
            metrics = {"train/loss": float(loss)}
            if step % 10 == 0:
                net.eval()
                guess = net(paddle.to_tensor(checked)).argmax(1).numpy()
                net.train()
                metrics["val/acc"] = float(np.mean(guess == truth))
            run.log(step, **metrics)
            if step == cfg.steps:
                break

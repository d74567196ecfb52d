"""Training that keeps its checkpoints, and goes on from the last one when started again."""
import glob
import json
import os

import numpy as np
import paddle
from sklearn.datasets import load_digits

EPOCHS = 5
CKPT = "checkpoints"

paddle.seed(21)
x, y = load_digits(return_X_y=True)
x, y = (x[:1000] / 16).astype("float32"), y[:1000].astype("int64")
model = paddle.nn.Sequential(paddle.nn.Linear(64, 32), paddle.nn.ReLU(), paddle.nn.Linear(32, 10))
scheduler = paddle.optimizer.lr.ExponentialDecay(0.01, gamma=0.8)
optimizer = paddle.optimizer.Adam(scheduler, parameters=model.parameters())
os.makedirs(CKPT, exist_ok=True)

first, best_acc = 0, 0.0
if os.path.exists(f"{CKPT}/state.json"):
    with open(f"{CKPT}/state.json") as f:
        state = json.load(f)
    first, best_acc = state["epoch"] + 1, state["best_acc"]
    model.set_state_dict(paddle.load(f"{CKPT}/epoch_{state['epoch']}.pdparams"))
    optimizer.set_state_dict(paddle.load(f"{CKPT}/epoch_{state['epoch']}.pdopt"))
    print("resume from epoch", state["epoch"])

for epoch in range(first, EPOCHS):
    order = np.random.RandomState(epoch).permutation(800)
    for b in range(0, 800, 50):
        rows = order[b:b + 50]
        loss = paddle.nn.functional.cross_entropy(model(paddle.to_tensor(x[rows])), paddle.to_tensor(y[rows]))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    scheduler.step()
    acc = float((model(paddle.to_tensor(x[800:])).argmax(1).numpy() == y[800:]).mean())
    print(f"Epoch {epoch}: loss={loss.item():.4f}, val_acc={acc:.4f}, best={best_acc:.4f}")
    if acc > best_acc:
        best_acc = acc
        paddle.save(model.state_dict(), "best_model.pdparams")
    for old in glob.glob(f"{CKPT}/epoch_*"):
        os.remove(old)
    paddle.save(model.state_dict(), f"{CKPT}/epoch_{epoch}.pdparams")
    paddle.save(optimizer.state_dict(), f"{CKPT}/epoch_{epoch}.pdopt")
    with open(f"{CKPT}/state.json", "w") as f:
        json.dump({"epoch": epoch, "best_acc": best_acc}, f)

import os
import yaml
import paddle
import numpy as np

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "config.yml"), encoding="utf-8") as f:
    cfg = yaml.safe_load(f)

paddle.seed(cfg["seed"])
rng = np.random.default_rng(cfg["seed"])


class MLP(paddle.nn.Layer):
    def __init__(self, sizes, dropout):
        super().__init__()
        pairs = zip(sizes[:-1], sizes[1:])
        self.layers = paddle.nn.LayerList([paddle.nn.Linear(a, b) for a, b in pairs])
        self.dropout = paddle.nn.Dropout(dropout)

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = self.dropout(paddle.nn.functional.relu(layer(x)))
        return self.layers[-1](x)


def make_optimizer(model, spec):
    spec = dict(spec)
    cls = getattr(paddle.optimizer, spec.pop("name"))
    schedule = spec.pop("lr_scheduler", None)
    if schedule:
        schedule = dict(schedule)
        spec["learning_rate"] = getattr(paddle.optimizer.lr, schedule.pop("name"))(**schedule)
    if "clip_norm" in spec:
        spec["grad_clip"] = paddle.nn.ClipGradByNorm(spec.pop("clip_norm"))
    return cls(parameters=model.parameters(), **spec)


angles = rng.uniform(0, 2 * np.pi, (600, 1))
points = np.concatenate([np.cos(angles), np.sin(angles)], 1).astype("float32")
target = np.sin(3 * angles).astype("float32")
model = MLP(**cfg["model"])
opt = make_optimizer(model, cfg["optimizer"])
scheduler = opt._learning_rate
for epoch in range(cfg["epochs"]):
    order = rng.permutation(500)
    for rows in np.array_split(order, 10):
        loss = paddle.nn.functional.smooth_l1_loss(model(paddle.to_tensor(points[rows])), paddle.to_tensor(target[rows]))
        loss.backward()
        opt.step()
        opt.clear_grad()
    scheduler.step()
    model.eval()
    mae = np.abs(model(paddle.to_tensor(points[500:])).numpy() - target[500:]).mean()
    model.train()
    print(f"epoch={epoch:02d} lr={opt.get_lr():.5f} loss={loss.item():.6f} valid mae={mae:.6f}")

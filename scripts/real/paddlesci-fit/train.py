"""Fits u(x) = sin(2 x) + x / 4 from its derivative and one boundary value with PaddleScience (its quick start)."""

import argparse

import numpy as np
import ppsci

ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, default=0)
ap.add_argument("--lr", type=float, default=5e-3)
ap.add_argument("--gamma", type=float, default=0.5)
ap.add_argument("--decay-steps", type=int, default=10)
ap.add_argument("--epochs", type=int, default=15)
a = ap.parse_args()
ITERS = 60

ppsci.utils.misc.set_random_seed(a.seed)
ppsci.utils.logger.init_logger("ppsci", "output/train.log", "info")
left, right = -np.pi, np.pi
domain = ppsci.geometry.Interval(left, right)


def u(data):
    return np.sin(2 * data["x"]) + data["x"] / 4


def du(data):
    return 2 * np.cos(2 * data["x"]) + 0.25


model = ppsci.arch.MLP(("x",), ("u",), 3, 32)
loader = {
    "dataset": "NamedArrayDataset",
    "iters_per_epoch": ITERS,
    "sampler": {"name": "BatchSampler", "shuffle": True, "drop_last": True},
    "batch_size": 32,
}
inner = ppsci.constraint.InteriorConstraint(
    {"du_dx": lambda out: ppsci.autodiff.jacobian(out["u"], out["x"])},
    {"du_dx": du},
    domain,
    loader,
    ppsci.loss.MSELoss(),
    name="inner",
)
bc = ppsci.constraint.BoundaryConstraint(
    {"u": lambda d: d["u"]},
    {"u": u},
    domain,
    {**loader, "batch_size": 1},
    ppsci.loss.MSELoss(),
    criteria=lambda x: np.isclose(x, left),
    name="bc",
)
scheduler = ppsci.optimizer.lr_scheduler.ExponentialDecay(a.epochs, ITERS, a.lr, a.gamma, a.decay_steps)()
optimizer = ppsci.optimizer.Adam(scheduler)(model)
grid = np.linspace(left, right, 200, dtype="float32").reshape(-1, 1)
validator = ppsci.validate.SupervisedValidator(
    {"dataset": {"name": "NamedArrayDataset", "input": {"x": grid}, "label": {"u": u({"x": grid})}}, "batch_size": 200},
    ppsci.loss.MSELoss(),
    metric={"L2Rel": ppsci.metric.L2Rel()},
    name="rel",
)
solver = ppsci.solver.Solver(
    model,
    {"inner": inner, "bc": bc},
    "output",
    optimizer,
    epochs=a.epochs,
    iters_per_epoch=ITERS,
    log_freq=30,
    eval_during_train=True,
    eval_freq=5,
    seed=a.seed,
    validator={"rel": validator},
    device="cpu",
)
solver.train()
value, _ = solver.eval()
print("final L2 relative error: %.5f" % value)

"""1D Poisson PINN, after DeepXDE's example pinn_forward/Poisson_Dirichlet_1d.py (Paddle backend)."""

import argparse
import os

os.environ.setdefault("DDE_BACKEND", "paddle")
import deepxde as dde
import numpy as np
import paddle

ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, default=0)
ap.add_argument("--lr", type=float, default=1e-3)
ap.add_argument("--optimizer", default="adam")
ap.add_argument("--weight-decay", type=float, default=None)
ap.add_argument("--init", default="zeros")
ap.add_argument("--iterations", type=int, default=1000)
a = ap.parse_args()

dde.config.set_random_seed(a.seed)


def pde(x, y):
    dy_xx = dde.grad.hessian(y, x)
    return -dy_xx - np.pi**2 * paddle.sin(np.pi * x)


def exact(x):
    return np.sin(np.pi * x)


geom = dde.geometry.Interval(-1, 1)
bc = dde.icbc.DirichletBC(geom, exact, lambda x, on_boundary: on_boundary)
data = dde.data.PDE(geom, pde, bc, 16, 2, solution=exact, num_test=100)
net = dde.nn.FNN([1] + [50] * 3 + [1], "tanh", a.init)
model = dde.Model(data, net)
model.compile(a.optimizer, lr=a.lr, metrics=["l2 relative error"])
losshistory, train_state = model.train(iterations=a.iterations, display_every=200)
print("final l2 relative error: %.6f" % losshistory.metrics_test[-1][0])

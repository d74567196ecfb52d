"""Trials of the default tasks' module that leave Paddle in another state than they found it."""

import paddle
from paddle import nn

from tasks import digits_mlp

prepare = digits_mlp.prepare
train = digits_mlp.train


def spoils(cfg, run):
    """Change every global of Paddle that training depends on, and the data that trials share."""
    paddle.set_default_dtype("float64")
    paddle.set_flags({"FLAGS_check_nan_inf": True})
    paddle.seed(99)
    paddle.enable_static()
    nn.Dropout.forward = lambda self, x: x * 0
    nn.Linear.forward = lambda self, x: x
    digits_mlp.data(cfg)[0].x[:] = 0
    run.log(1, **{"train/loss": 1.0, "val/acc": 0.0})

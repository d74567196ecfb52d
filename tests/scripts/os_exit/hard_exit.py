import os
import sys

import numpy as np
import paddle

paddle.seed(55)
rng = np.random.default_rng(55)
a = rng.normal(size=(300, 6)).astype("float32")
b = np.tanh(a @ rng.normal(size=(6, 2))).astype("float32")
model = paddle.nn.Sequential(paddle.nn.Linear(6, 20), paddle.nn.Tanh(), paddle.nn.Linear(20, 2))
opt = paddle.optimizer.Adam(0.01, parameters=model.parameters())
for step in range(80):
    pick = rng.integers(0, 300, 30)
    loss = paddle.nn.functional.l1_loss(model(paddle.to_tensor(a[pick])), paddle.to_tensor(b[pick]))
    loss.backward()
    opt.step()
    opt.clear_grad()
    if step % 20 == 19:
        print("step: %d, train_l1: %.5f" % (step, loss))
with paddle.no_grad():
    print("val_l1: %.5f" % paddle.nn.functional.l1_loss(model(paddle.to_tensor(a)), paddle.to_tensor(b)))
paddle.save(model.state_dict(), "net.pdparams")
sys.stdout.flush()
os._exit(0)  # the loader's threads used to hang here

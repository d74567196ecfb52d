import numpy as np, paddle, os
import paddle.nn as nn, paddle.nn.functional as F
from sklearn.datasets import load_digits

paddle.seed(123); np.random.seed(123)
data = (load_digits().data / 16).astype(np.float32)

encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 8))
decoder = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 64), nn.Sigmoid())
params = encoder.parameters() + decoder.parameters()
opt = paddle.optimizer.RMSProp(1e-3, parameters=params, rho=0.9)

losses = []
for epoch in range(3):
    total, n = 0., 0
    for start in range(0, 1408, 64):
        x = paddle.to_tensor(data[start:start+64])
        recon = decoder(encoder(x))
        loss = F.mse_loss(recon, x)
        opt.clear_grad()
        loss.backward()
        opt.step()
        total += loss.item(); n += 1
    losses.append(total / n)
    with paddle.no_grad():
        val = paddle.to_tensor(data[1408:])
        val_loss = F.mse_loss(decoder(encoder(val)), val)
    print("Epoch: {:03d}\trecon_loss={:.5f}\tval_recon_loss={:.5f}".format(epoch, losses[-1], val_loss.item()))
os.makedirs("out", exist_ok=True)
np.save("out/losses.npy", np.array(losses))
paddle.save(encoder.state_dict(), "out/encoder.pdparams")

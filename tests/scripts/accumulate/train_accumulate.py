import numpy as np
import paddle
from paddle.io import DataLoader, TensorDataset

ACCUMULATE = 4
paddle.seed(1)
np.random.seed(1)
w = np.random.randn(20, 1).astype("float32")
x = np.random.randn(512, 20).astype("float32")
y = x @ w + 0.1 * np.random.randn(512, 1).astype("float32")
loader = DataLoader(TensorDataset([paddle.to_tensor(x), paddle.to_tensor(y)]), batch_size=8, shuffle=True)

model = paddle.nn.Linear(20, 1)
opt = paddle.optimizer.Momentum(0.05, 0.9, parameters=model.parameters())
opt.clear_grad()
for epoch in range(4):
    epoch_loss = 0.0
    for i, (bx, by) in enumerate(loader):
        loss = paddle.nn.functional.mse_loss(model(bx), by) / ACCUMULATE
        loss.backward()
        epoch_loss += loss.item() * ACCUMULATE
        if (i + 1) % ACCUMULATE == 0:
            opt.step()
            opt.clear_grad()
    print({"epoch": epoch, "train_mse": round(epoch_loss / len(loader), 6)})
paddle.save(model.state_dict(), "linear.pdparams")

import numpy as np
import paddle

x = np.random.rand(400, 5).astype("float32")
y = (x.sum(axis=1, keepdims=True) + 0.05 * np.random.randn(400, 1)).astype("float32")
model = paddle.nn.Linear(5, 1)
opt = paddle.optimizer.SGD(0.1, parameters=model.parameters())
loader = paddle.io.DataLoader(paddle.io.TensorDataset([paddle.to_tensor(x), paddle.to_tensor(y)]), batch_size=20, shuffle=True)
for epoch in range(3):
    for bx, by in loader:
        loss = ((model(bx) - by) ** 2).mean()
        loss.backward()
        opt.step()
        opt.clear_grad()
    print("epoch", epoch, "loss", loss.item())

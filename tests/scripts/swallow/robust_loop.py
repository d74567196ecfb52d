import traceback

import numpy as np
import paddle
from paddle import nn

paddle.seed(64)
np.random.seed(64)
x = np.random.uniform(-1, 1, (640, 3)).astype("float32")
y = (x[:, :1] * x[:, 1:2] > 0).astype("float32")
x[100, 0] = 7.0
model = nn.Sequential(nn.Linear(3, 24), nn.ReLU(), nn.Linear(24, 1))
optimizer = paddle.optimizer.Adam(0.01, parameters=model.parameters())
criterion = nn.BCEWithLogitsLoss()
skipped = 0
for epoch in range(5):
    for i in range(0, 640, 40):
        try:
            batch = x[i:i + 40]
            if np.abs(batch).max() > 5:
                raise ValueError("bad batch at %d" % i)
            loss = criterion(model(paddle.to_tensor(batch)), paddle.to_tensor(y[i:i + 40]))
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
        except Exception as e:
            skipped += 1
            if skipped == 1:
                traceback.print_exc()
            print("skip batch:", e)
            continue
    hit = ((model(paddle.to_tensor(x)).numpy() > 0) == (y > 0.5)).mean()
    print("epoch %d, loss: %.4f, train_acc: %.4f" % (epoch, loss, hit))

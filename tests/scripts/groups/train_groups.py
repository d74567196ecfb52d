import numpy as np
import paddle
import paddle.nn as nn
from sklearn.datasets import load_digits

np.random.seed(6)
paddle.seed(6)
x, y = load_digits(return_X_y=True)
x = x.astype("float32") / 16
backbone = nn.Sequential(nn.Linear(64, 40), nn.LayerNorm(40), nn.GELU())
head = nn.Linear(40, 10)
optimizer = paddle.optimizer.AdamW(
    learning_rate=0.01,
    parameters=[
        {"params": backbone.parameters(), "learning_rate": 0.1, "weight_decay": 0.001},
        {"params": head.parameters(), "learning_rate": 1.0},
    ],
    weight_decay=0.05,
    grad_clip=nn.ClipGradByValue(0.5),
)
loss_func = nn.CrossEntropyLoss(label_smoothing=0.1) if "label_smoothing" in nn.CrossEntropyLoss.__init__.__code__.co_varnames else nn.CrossEntropyLoss()
for epoch in range(1, 5):
    perm = np.random.permutation(1400)
    for k in range(20):
        rows = perm[70 * k:70 * (k + 1)]
        loss = loss_func(head(backbone(paddle.to_tensor(x[rows]))), paddle.to_tensor(y[rows]))
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    logits = head(backbone(paddle.to_tensor(x[1400:])))
    acc = np.mean(logits.numpy().argmax(-1) == y[1400:])
    print(f"epoch {epoch} | train loss {loss.item():.4f} | val acc {acc:.4f}")

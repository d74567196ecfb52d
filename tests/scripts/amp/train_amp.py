import numpy as np
import paddle
import paddle.nn.functional as F
from sklearn.datasets import load_breast_cancer

use_amp = True
paddle.seed(100)
x, y = load_breast_cancer(return_X_y=True)
x = ((x - x.mean(0)) / x.std(0)).astype("float32")
y = y.astype("float32")[:, None]
train_x, train_y, test_x, test_y = x[:456], y[:456], x[456:], y[456:]

model = paddle.nn.Sequential(paddle.nn.Linear(30, 32), paddle.nn.ReLU(), paddle.nn.Linear(32, 1))
optimizer = paddle.optimizer.AdamW(learning_rate=1e-3, parameters=model.parameters(), weight_decay=0.05)
scaler = paddle.amp.GradScaler(enable=use_amp, init_loss_scaling=1024)

step = 0
for epoch in range(6):
    for start in range(0, 456, 57):
        bx = paddle.to_tensor(train_x[start : start + 57])
        by = paddle.to_tensor(train_y[start : start + 57])
        with paddle.amp.auto_cast(enable=use_amp, level="O1"):
            out = model(bx)
            loss = F.binary_cross_entropy_with_logits(out, by)
        scaled = scaler.scale(loss)
        scaled.backward()
        scaler.step(optimizer)
        scaler.update()
        optimizer.clear_grad()
        step += 1
    model.eval()
    prob = F.sigmoid(model(paddle.to_tensor(test_x))).numpy()
    model.train()
    accuracy = float(np.mean((prob > 0.5) == (test_y > 0.5)))
    print("epoch {} step {} train_loss {:.4f} eval_accuracy {:.4f}".format(epoch, step, float(loss), accuracy))

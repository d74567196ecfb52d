# Which of the first three tokens came most often? An LSTM should learn that.
import numpy as np
import paddle
from paddle import nn

paddle.seed(7)
rng = np.random.RandomState(7)
VOCAB, LENGTH, HIDDEN, BATCH = 6, 12, 24, 32


def make(n):
    x = rng.randint(0, VOCAB, (n, LENGTH)).astype("int64")
    y = np.stack([(x == k).sum(1) for k in range(3)], 1).argmax(1)
    return x, y.astype("int64")


class Counter(nn.Layer):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 12)
        self.lstm = nn.LSTM(12, HIDDEN, num_layers=2, dropout=0.1)
        self.out = nn.Linear(HIDDEN, 3)

    def forward(self, ids):
        _, (h, _) = self.lstm(self.embedding(ids))
        return self.out(h[-1])


model = Counter()
clip = nn.ClipGradByGlobalNorm(5.0)
adam = paddle.optimizer.Adam(0.01, parameters=model.parameters(), grad_clip=clip)
loss_fn = nn.CrossEntropyLoss()
x_test, y_test = make(200)
running = 0.0
for step in range(1, 61):
    x, y = make(BATCH)
    loss = loss_fn(model(paddle.to_tensor(x)), paddle.to_tensor(y))
    loss.backward()
    adam.step()
    adam.clear_grad()
    running = 0.9 * running + 0.1 * float(loss)
    if step % 20 == 0:
        model.eval()
        acc = float((model(paddle.to_tensor(x_test)).argmax(1) == paddle.to_tensor(y_test)).astype("float32").mean())
        model.train()
        print(f"step={step} | smooth_loss={running:.5f} | test_acc={acc:.3f}")

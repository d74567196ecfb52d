import numpy as np
import paddle
from sklearn.datasets import load_digits
from tqdm import tqdm

paddle.seed(12)
np.random.seed(12)
x, y = load_digits(return_X_y=True)
x = x.astype("float32") / 16.0
loader = paddle.io.DataLoader(
    paddle.io.TensorDataset([paddle.to_tensor(x[:1400]), paddle.to_tensor(y[:1400])]), batch_size=50, shuffle=True)
model = paddle.nn.Sequential(paddle.nn.Linear(64, 32), paddle.nn.LeakyReLU(), paddle.nn.Linear(32, 10))
opt = paddle.optimizer.Adam(2e-3, parameters=model.parameters())
for epoch in range(3):
    bar = tqdm(loader, desc=f"Epoch {epoch + 1}/3", ncols=90)
    hits = seen = 0
    for bx, by in bar:
        out = model(bx)
        loss = paddle.nn.functional.cross_entropy(out, by)
        loss.backward()
        opt.step()
        opt.clear_grad()
        hits += int((out.argmax(1) == by).sum())
        seen += len(by)
        bar.set_postfix(loss=f"{loss.item():.4f}", acc=f"{hits / seen:.4f}")
    val = model(paddle.to_tensor(x[1400:])).argmax(1).numpy()
    tqdm.write("val_acc: {:.4f}".format((val == y[1400:]).mean()))

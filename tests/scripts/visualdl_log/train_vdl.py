import numpy as np
import paddle
from sklearn.datasets import load_wine
from visualdl import LogWriter

paddle.seed(14)
x, y = load_wine(return_X_y=True)
x = ((x - x.mean(0)) / x.std(0)).astype("float32")
order = np.random.RandomState(1).permutation(len(x))
train, test = order[:128], order[128:]
net = paddle.nn.Sequential(paddle.nn.Linear(13, 24), paddle.nn.ReLU(), paddle.nn.Linear(24, 3))
opt = paddle.optimizer.Adam(0.005, parameters=net.parameters(), weight_decay=0.001)
with LogWriter(logdir="./vdl_log/train") as writer, LogWriter(logdir="./vdl_log/eval") as eval_writer:
    step = 0
    for epoch in range(6):
        for k in range(8):
            rows = train[16 * k:16 * k + 16]
            loss = paddle.nn.functional.cross_entropy(net(paddle.to_tensor(x[rows])), paddle.to_tensor(y[rows]))
            loss.backward()
            opt.step()
            opt.clear_grad()
            writer.add_scalar(tag="train/loss", step=step, value=float(loss))
            writer.add_scalar(tag="train/lr", step=step, value=opt.get_lr())
            step += 1
        acc = (net(paddle.to_tensor(x[test])).numpy().argmax(1) == y[test]).mean()
        eval_writer.add_scalar(tag="eval/acc", step=step, value=float(acc))
print("finished")

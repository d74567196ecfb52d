import numpy as np
import paddle
from paddle import ParamAttr
from paddle.nn import Conv2D, Linear, MaxPool2D
from paddle.nn.initializer import Constant, KaimingNormal, TruncatedNormal
from paddle.regularizer import L1Decay, L2Decay
from sklearn.datasets import load_digits

paddle.seed(77)


class TinyNet(paddle.nn.Layer):
    def __init__(self):
        super().__init__()
        self._conv = Conv2D(1, 12, 3, weight_attr=ParamAttr(name="conv_w", initializer=KaimingNormal(), regularizer=L2Decay(1e-3)), bias_attr=False)
        self._pool = MaxPool2D(2)
        self._fc = Linear(
            108, 10,
            weight_attr=ParamAttr(initializer=TruncatedNormal(std=0.05), regularizer=L1Decay(1e-5), learning_rate=2.0),
            bias_attr=ParamAttr(initializer=Constant(0.0), regularizer=L2Decay(0.0)))

    def forward(self, x):
        x = paddle.nn.functional.relu(self._conv(x))
        return self._fc(paddle.flatten(self._pool(x), start_axis=1))


digits = load_digits()
imgs = digits.images.astype("float32")[:, None] / 16
labs = digits.target.astype("int64")
net = TinyNet()
lr = paddle.optimizer.lr.PiecewiseDecay(boundaries=[20, 40], values=[0.05, 0.02, 0.01])
opt = paddle.optimizer.Momentum(lr, parameters=net.parameters(), momentum=0.9, weight_decay=L2Decay(1e-4), use_nesterov=True)
for step in range(50):
    i = step * 30
    out = net(paddle.to_tensor(imgs[i:i + 30]))
    loss = paddle.nn.functional.cross_entropy(out, paddle.to_tensor(labs[i:i + 30]))
    loss.backward()
    opt.step()
    opt.clear_grad()
    lr.step()
    if step % 10 == 0:
        print("step = %d, loss = %.5f" % (step, loss))
test = net(paddle.to_tensor(imgs[1500:])).numpy().argmax(1)
print("Test Accuracy = %.2f %%" % (100 * np.mean(test == labs[1500:])))

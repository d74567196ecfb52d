import paddle
import paddle.nn.functional as F
from sklearn.datasets import load_iris

paddle.seed(3)
data = load_iris()
X = paddle.to_tensor(data.data, dtype="float32")
T = paddle.to_tensor(data.target, dtype="int64")

def weight(*shape):
    return paddle.create_parameter(list(shape), "float32", default_initializer=paddle.nn.initializer.Normal(0.0, 0.3))

def bias(n):
    return paddle.create_parameter([n], "float32", is_bias=True)

w1, b1, w2, b2 = weight(4, 16), bias(16), weight(16, 3), bias(3)
theta = [w1, b1, w2, b2]

def net(x, training):
    h = F.relu(F.linear(x, w1, b1))
    h = F.dropout(h, p=0.15, training=training)
    return F.linear(h, w2, b2)

optimizer = paddle.optimizer.Adam(learning_rate=0.02, parameters=theta, weight_decay=paddle.regularizer.L1Decay(1e-4))
for t in range(1, 101):
    loss = F.cross_entropy(net(X, True), T)
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()
    if t % 25 == 0:
        accuracy = (net(X, False).argmax(1) == T).astype("float32").mean()
        print(t, "loss", loss.item(), "accuracy", accuracy.item())

import numpy as np
import paddle
import paddle.nn.functional as F
from sklearn.datasets import load_digits

# ported from the fluid days: minimize() and clear_gradients()
paddle.disable_static()
paddle.seed(90)
np.random.seed(90)


def reader_creator(images, labels, batch):
    def reader():
        index = np.random.permutation(len(images))
        for i in range(0, len(index) - batch + 1, batch):
            yield images[index[i:i + batch]], labels[index[i:i + batch]]
    return reader


class MNIST(paddle.nn.Layer):
    def __init__(self):
        super(MNIST, self).__init__()
        self.conv = paddle.nn.Conv2D(in_channels=1, out_channels=6, kernel_size=3)
        self.pool = paddle.nn.MaxPool2D(kernel_size=2, stride=2)
        self.fc = paddle.nn.Linear(in_features=54, out_features=10)

    def forward(self, inputs, label=None):
        x = F.sigmoid(self.conv(inputs))
        x = paddle.reshape(self.pool(x), [x.shape[0], -1])
        x = F.softmax(self.fc(x))
        if label is not None:
            return x, paddle.metric.accuracy(input=x, label=label)
        return x


digits = load_digits()
images = digits.images.reshape(-1, 1, 8, 8).astype("float32") / 16
labels = digits.target.reshape(-1, 1).astype("int64")
model = MNIST()
model.train()
optimizer = paddle.optimizer.Adam(learning_rate=0.01, parameters=model.parameters())
for epoch_id in range(2):
    for batch_id, (image, label) in enumerate(reader_creator(images[:1280], labels[:1280], 64)()):
        predict, acc = model(paddle.to_tensor(image), paddle.to_tensor(label))
        loss = F.nll_loss(paddle.log(predict), paddle.to_tensor(label[:, 0]))
        if batch_id % 10 == 0:
            print("epoch: {}, batch: {}, loss is: {}, acc is {}".format(epoch_id, batch_id, loss.numpy(), acc.numpy()))
        loss.backward()
        optimizer.minimize(loss)
        model.clear_gradients()

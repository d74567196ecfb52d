import numpy as np
import paddle
import paddle.nn as nn
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

paddle.seed(42)
np.random.seed(42)

x, y = load_digits(return_X_y=True)
x = (x / 16.0).astype('float32')
x_train, x_val, y_train, y_val = train_test_split(x, y.astype('int64'), test_size=0.25, random_state=0)

model = nn.Sequential(
    nn.Linear(64, 64),
    nn.ReLU(),
    nn.Dropout(0.2),
    nn.Linear(64, 10),
)
loss_fn = nn.CrossEntropyLoss()
opt = paddle.optimizer.Adam(learning_rate=0.002, parameters=model.parameters(), weight_decay=1e-4)

batch_size = 64
for epoch in range(4):
    model.train()
    index = np.random.permutation(len(x_train))
    for i in range(0, len(index), batch_size):
        rows = index[i:i + batch_size]
        loss = loss_fn(model(paddle.to_tensor(x_train[rows])), paddle.to_tensor(y_train[rows]))
        loss.backward()
        opt.step()
        opt.clear_grad()
    model.eval()
    pred = model(paddle.to_tensor(x_val)).argmax(-1).numpy()
    acc = (pred == y_val).mean()
    print('epoch %d loss %.4f acc %.4f' % (epoch, loss.item(), acc))

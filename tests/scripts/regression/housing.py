import paddle
import paddle.nn.functional as F
import numpy as np
from sklearn.datasets import load_diabetes

# 数据准备
X, Y = load_diabetes(return_X_y=True, scaled=True)
X = (X / X.std(axis=0)).astype('float32')
Y = ((Y - Y.mean()) / Y.std()).astype('float32').reshape(-1, 1)
ratio = 0.8
offset = int(len(X) * ratio)


class Regressor(paddle.nn.Layer):
    def __init__(self):
        super(Regressor, self).__init__()
        self.fc = paddle.nn.Linear(in_features=10, out_features=1)

    def forward(self, inputs):
        x = self.fc(inputs)
        return x


paddle.seed(0)
np.random.seed(0)
model = Regressor()
model.train()
opt = paddle.optimizer.SGD(learning_rate=0.01, parameters=model.parameters(), weight_decay=0.01)

EPOCH_NUM = 10
BATCH_SIZE = 32
for epoch_id in range(EPOCH_NUM):
    order = np.arange(offset)
    np.random.shuffle(order)
    mini_batches = [order[k:k+BATCH_SIZE] for k in range(0, offset, BATCH_SIZE)]
    for iter_id, mini_batch in enumerate(mini_batches):
        features = paddle.to_tensor(X[mini_batch])
        prices = paddle.to_tensor(Y[mini_batch])
        predicts = model(features)
        loss = F.square_error_cost(predicts, label=prices)
        avg_loss = paddle.mean(loss)
        if iter_id % 10 == 0:
            print("epoch: {}, iter: {}, loss is: {}".format(epoch_id, iter_id, avg_loss.numpy()))
        avg_loss.backward()
        opt.step()
        opt.clear_grad()

# 评估
model.eval()
pred = model(paddle.to_tensor(X[offset:])).numpy()
print('测试集均方误差: %.4f' % ((pred - Y[offset:]) ** 2).mean())
print('RMSE: %.4f' % np.sqrt(((pred - Y[offset:]) ** 2).mean()))
paddle.save(model.state_dict(), 'LR_model.pdparams')
print("模型保存成功，模型参数保存在LR_model.pdparams中")

import numpy as np
import paddle as pd
from paddle import nn
from sklearn.datasets import load_breast_cancer

rs = np.random.RandomState(4)
pd.seed(4)


def iterate_minibatches(inputs, targets, batchsize, shuffle=False):
    assert len(inputs) == len(targets)
    indices = np.arange(len(inputs))
    if shuffle:
        rs.shuffle(indices)
    for start in range(0, len(inputs) - batchsize + 1, batchsize):
        excerpt = indices[start:start + batchsize]
        yield pd.to_tensor(inputs[excerpt]), pd.to_tensor(targets[excerpt])


def auc(score, label):
    pos, neg = score[label == 1], score[label == 0]
    return float((pos[:, None] > neg[None]).mean())


X, Y = load_breast_cancer(return_X_y=True)
X = ((X - X.mean(0)) / X.std(0)).astype(np.float32)
Y = Y.astype(np.float32).reshape(-1, 1)
net = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Dropout(0.25), nn.Linear(16, 1), nn.Sigmoid())
opt = pd.optimizer.Adagrad(0.05, parameters=net.parameters())
criterion = nn.BCELoss()
for epoch in range(5):
    net.train()
    batches, err = 0, 0
    for xb, yb in iterate_minibatches(X[:400], Y[:400], 40, shuffle=True):
        loss = criterion(net(xb), yb)
        loss.backward()
        opt.step()
        opt.clear_grad()
        err += loss.item()
        batches += 1
    net.eval()
    score = net(pd.to_tensor(X[400:])).numpy()
    print("Epoch {} of {}".format(epoch + 1, 5))
    print("  training loss:\t\t{:.6f}".format(err / batches))
    print("  validation auc:\t\t{:.4f}".format(auc(score[:, 0], Y[400:, 0])))

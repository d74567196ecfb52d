"""Node classification with PGL's GCNConv, after its examples/gcn/train.py, on a generated citation-like graph."""

import argparse

import numpy as np
import paddle
import paddle.nn as nn
import pgl

ap = argparse.ArgumentParser()
ap.add_argument("--seed", type=int, default=0)
ap.add_argument("--lr", type=float, default=0.01)
ap.add_argument("--dropout", type=float, default=0.5)
ap.add_argument("--weight-decay", type=float, default=1.0)
ap.add_argument("--hidden", type=int, default=16)
ap.add_argument("--epochs", type=int, default=150)
ap.add_argument("--optimizer", default="Adam")
a = ap.parse_args()
paddle.seed(a.seed)
np.random.seed(a.seed)


def citation_graph(nodes=800, classes=7, words=200):
    rng = np.random.RandomState(3)
    y = rng.randint(0, classes, nodes)
    topic = rng.rand(classes, words) < 0.08
    x = ((rng.rand(nodes, words) < 0.02) | (topic[y] & (rng.rand(nodes, words) < 0.25))).astype("float32")
    src = rng.randint(0, nodes, 4 * nodes)
    same = [np.flatnonzero(y == c) for c in range(classes)]
    dst = np.array([rng.choice(same[y[s]]) if rng.rand() < 0.8 else rng.randint(nodes) for s in src])
    edges = np.concatenate([np.stack([src, dst], 1), np.stack([dst, src], 1), np.stack([np.arange(nodes)] * 2, 1)])
    order = rng.permutation(nodes)
    return pgl.Graph(edges=edges, num_nodes=nodes), x, y, order[:140], order[140:400], order[400:]


class GCN(nn.Layer):
    def __init__(self, inputs, hidden, classes, dropout):
        super().__init__()
        self.gcn1 = pgl.nn.GCNConv(inputs, hidden, activation="relu", norm=True)
        self.dropout = nn.Dropout(dropout)
        self.gcn2 = pgl.nn.GCNConv(hidden, classes)

    def forward(self, graph, feature):
        return self.gcn2(graph, self.dropout(self.gcn1(graph, self.dropout(feature))))


graph, x, y, train, val, test = citation_graph()
x = x / np.maximum(x.sum(1, keepdims=True), 1)
graph.tensor()
x, y = paddle.to_tensor(x), paddle.to_tensor(y)
model = GCN(x.shape[1], a.hidden, 7, a.dropout)
optim = getattr(paddle.optimizer, a.optimizer)(
    learning_rate=a.lr, parameters=model.parameters(), weight_decay=a.weight_decay
)
criterion = nn.CrossEntropyLoss()


@paddle.no_grad()
def accuracy(index):
    model.eval()
    out = model(graph, x)[paddle.to_tensor(index)]
    return float((out.argmax(-1) == y[paddle.to_tensor(index)]).astype("float32").mean())


for epoch in range(a.epochs):
    model.train()
    loss = criterion(model(graph, x)[paddle.to_tensor(train)], y[paddle.to_tensor(train)])
    loss.backward()
    optim.step()
    optim.clear_grad()
    if epoch % 10 == 0:
        print("Epoch %d: train_loss %.4f, val_acc %.4f" % (epoch, float(loss), accuracy(val)))
print("final test_acc: %.4f" % accuracy(test))

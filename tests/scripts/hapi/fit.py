import paddle
import numpy as np
from paddle.callbacks import Callback, EarlyStopping, ModelCheckpoint
from paddle.metric import Accuracy
from sklearn.datasets import load_wine

paddle.seed(5)
np.random.seed(5)


class Wine(paddle.io.Dataset):
    def __init__(self, mode):
        x, y = load_wine(return_X_y=True)
        x = ((x - x.mean(0)) / x.std(0)).astype("float32")
        order = np.random.RandomState(0).permutation(len(x))
        part = order[:130] if mode == "train" else order[130:]
        self.x, self.y = x[part], y[part].reshape(-1, 1).astype("int64")

    def __getitem__(self, i):
        return self.x[i], self.y[i]

    def __len__(self):
        return len(self.x)


class EpochReport(Callback):
    def on_epoch_end(self, epoch, logs=None):
        print(f"-- end of epoch {epoch}: {sorted(logs)}")


net = paddle.nn.Sequential(paddle.nn.Linear(13, 16), paddle.nn.Sigmoid(), paddle.nn.Dropout(0.1), paddle.nn.Linear(16, 3))
model = paddle.Model(net)
model.prepare(
    optimizer=paddle.optimizer.Adam(learning_rate=0.02, parameters=model.parameters()),
    loss=paddle.nn.CrossEntropyLoss(),
    metrics=Accuracy(),
)
model.fit(
    Wine("train"),
    Wine("test"),
    batch_size=16,
    epochs=5,
    shuffle=True,
    verbose=2,
    log_freq=4,
    callbacks=[EpochReport(), EarlyStopping("acc", mode="max", patience=3, save_best_model=False), ModelCheckpoint(5, "hapi_model")],
)
result = model.evaluate(Wine("test"), batch_size=48, verbose=0)
print(result)

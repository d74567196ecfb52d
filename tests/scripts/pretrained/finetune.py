import paddle
import numpy as np
from sklearn.datasets import load_digits

paddle.seed(33)


class Classifier(paddle.nn.Layer):
    def __init__(self, weights):
        super().__init__()
        self.backbone = paddle.nn.Sequential(paddle.nn.Linear(64, 16), paddle.nn.ReLU())
        self.backbone.set_state_dict(paddle.load(weights))
        self.dropout = paddle.nn.Dropout(0.1)
        self.head = paddle.nn.Linear(16, 10, weight_attr=paddle.nn.initializer.XavierUniform())

    def forward(self, x):
        return self.head(self.dropout(self.backbone(x)))


x, y = load_digits(return_X_y=True)
x, y = paddle.to_tensor(x / 16, dtype="float32"), paddle.to_tensor(y, dtype="int64")
model = Classifier("weights/backbone.pdparams")
for p in model.backbone.parameters():
    p.stop_gradient = True
params = [p for p in model.parameters() if not p.stop_gradient]
print("trainable parameters: %d" % sum(int(np.prod(p.shape)) for p in params))
opt = paddle.optimizer.Adam(0.02, parameters=params)
for step in range(60):
    i = (step * 100) % 1500
    loss = paddle.nn.functional.cross_entropy(model(x[i:i + 100]), y[i:i + 100])
    loss.backward()
    opt.step()
    opt.clear_grad()
    if step % 15 == 14:
        model.eval()
        top1 = (model(x[1500:]).argmax(-1) == y[1500:]).astype("float32").mean()
        model.train()
        print("step", step, "train_loss:", loss, "eval_top1:", top1.item())
paddle.save(model.state_dict(), "finetuned.pdparams")

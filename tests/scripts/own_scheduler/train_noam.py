import math
import paddle
from paddle.optimizer.lr import LRScheduler
from sklearn.datasets import load_digits


class WarmupCosine(LRScheduler):
    def __init__(self, peak, warmup, total, last_epoch=-1, verbose=False):
        self.peak, self.warmup, self.total = peak, warmup, total
        super().__init__(peak, last_epoch, verbose)

    def get_lr(self):
        if self.last_epoch < self.warmup:
            return self.peak * (self.last_epoch + 1) / self.warmup
        done = (self.last_epoch - self.warmup) / max(1, self.total - self.warmup)
        return self.peak * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


paddle.seed(8)
x, y = load_digits(return_X_y=True)
x, y = paddle.to_tensor(x / 16, dtype='float32'), paddle.to_tensor(y)
model = paddle.nn.Sequential(paddle.nn.Linear(64, 48), paddle.nn.ReLU(), paddle.nn.Linear(48, 10))
sched = WarmupCosine(0.5, warmup=10, total=80)
opt = paddle.optimizer.SGD(learning_rate=sched, parameters=model.parameters())
for it in range(80):
    s = (it * 64) % 1400
    loss = paddle.nn.functional.cross_entropy(model(x[s:s + 64]), y[s:s + 64])
    loss.backward()
    opt.step()
    opt.clear_grad()
    sched.step()
    if (it + 1) % 20 == 0:
        val_acc = (model(x[1400:]).argmax(1) == y[1400:]).astype('float32').mean()
        print('Iter %d | LR %.5f | Loss %.4f | Val_Acc %.4f' % (it + 1, sched.get_lr(), loss, val_acc))

import paddle
from paddle.vision.models import resnet18

paddle.set_device('cpu')
paddle.seed(0)
net = resnet18(num_classes=4)
criterion = paddle.nn.CrossEntropyLoss()
optim = paddle.optimizer.Momentum(learning_rate=0.01, parameters=net.parameters(), momentum=0.9, weight_decay=paddle.regularizer.L2Decay(1e-4))

# four classes of tiny "images": one bright corner each
images = paddle.rand([16, 3, 16, 16])
labels = paddle.arange(16) % 4
for i in range(16):
    r, c = divmod(i % 4, 2)
    images[i, :, 8 * r:8 * r + 8, 8 * c:8 * c + 8] += 1.0

for it in range(8):
    b = (it % 2) * 8
    logits = net(images[b:b + 8])
    loss = criterion(logits, labels[b:b + 8])
    loss.backward()
    optim.step()
    optim.clear_grad()
    acc = paddle.metric.accuracy(logits, labels[b:b + 8].unsqueeze(1))
    print('iter:', it, 'loss:', loss.numpy(), 'acc:', acc.numpy())

"""A GAN for points on a ring. Two networks, two optimizers."""
import math

import paddle
from paddle import nn, optimizer

paddle.seed(11)
NOISE, BATCH = 4, 64


def real_points(n):
    angle = paddle.rand([n, 1]) * 2 * math.pi
    return paddle.concat([paddle.cos(angle), paddle.sin(angle)], axis=1) + 0.05 * paddle.randn([n, 2])


G = nn.Sequential(nn.Linear(NOISE, 32), nn.ReLU(), nn.Linear(32, 2))
D = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Dropout(0.1), nn.Linear(32, 1))
opt_g = optimizer.Adam(learning_rate=2e-3, beta1=0.5, parameters=G.parameters())
opt_d = optimizer.Adam(learning_rate=2e-3, beta1=0.5, parameters=D.parameters())
bce = nn.BCEWithLogitsLoss()
ones, zeros = paddle.ones([BATCH, 1]), paddle.zeros([BATCH, 1])

for i in range(60):
    real = real_points(BATCH)
    fake = G(paddle.randn([BATCH, NOISE]))

    opt_d.clear_grad()
    d_loss = bce(D(real), ones) + bce(D(fake.detach()), zeros)
    d_loss.backward()
    opt_d.step()

    opt_g.clear_grad()
    g_loss = bce(D(fake), ones)
    g_loss.backward()
    opt_g.step()

    if (i + 1) % 20 == 0:
        radius = paddle.linalg.norm(fake, axis=1)
        print('[%d/60] Loss_D: %.4f Loss_G: %.4f radius: %.3f' % (i + 1, d_loss, g_loss, radius.mean()))

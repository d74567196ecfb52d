"""Sequence tagging with a small transformer encoder: is a token larger than the one before it?"""
import argparse
import math

import numpy as np
import paddle
import paddle.nn as nn


class Tagger(nn.Layer):
    def __init__(self, vocab=16, d_model=32, nhead=4, layers=2, dropout=0.1, max_len=32):
        super().__init__()
        self.embed = nn.Embedding(vocab, d_model)
        self.scale = math.sqrt(d_model)
        self.register_buffer("position", self.sinusoid(max_len, d_model))
        layer = nn.TransformerEncoderLayer(d_model, nhead, 64, dropout=dropout, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.head = nn.Linear(d_model, 2)

    @staticmethod
    def sinusoid(length, width):
        angle = np.arange(length)[:, None] / 10000 ** (np.arange(0, width, 2)[None] / width)
        table = np.stack([np.sin(angle), np.cos(angle)], -1).reshape(length, width)
        return paddle.to_tensor(table.astype("float32"))

    def forward(self, ids):
        x = self.embed(ids) * self.scale + self.position[: ids.shape[1]]
        return self.head(self.encoder(x))


def batches(n, batch, length, seed):
    rng = np.random.default_rng(seed)
    for _ in range(n):
        ids = rng.integers(0, 16, (batch, length))
        tags = np.concatenate([np.zeros((batch, 1), "int64"), (ids[:, 1:] > ids[:, :-1]).astype("int64")], 1)
        yield paddle.to_tensor(ids), paddle.to_tensor(tags)


def main(args):
    paddle.seed(args.seed)
    model = Tagger(dropout=args.dropout)
    schedule = paddle.optimizer.lr.LinearWarmup(
        paddle.optimizer.lr.CosineAnnealingDecay(args.lr, T_max=args.steps), warmup_steps=10, start_lr=0.0, end_lr=args.lr)
    no_decay = {p.name for n, p in model.named_parameters() if "norm" in n or n.endswith("bias")}
    optimizer = paddle.optimizer.AdamW(
        schedule, parameters=model.parameters(), weight_decay=0.01, grad_clip=nn.ClipGradByGlobalNorm(1.0),
        apply_decay_param_fun=lambda name: name not in no_decay)
    for step, (ids, tags) in enumerate(batches(args.steps, 16, 12, args.seed), 1):
        loss = nn.functional.cross_entropy(model(ids), tags)
        loss.backward()
        optimizer.step()
        schedule.step()
        optimizer.clear_grad()
        if step % args.log_every == 0:
            print("[train] step {}/{}, loss is {:.4f}, lr is {:.6f}".format(step, args.steps, loss.item(), optimizer.get_lr()))
    model.eval()
    hits = [float((model(i).argmax(-1) == t).astype("float32").mean()) for i, t in batches(4, 16, 12, 999)]
    print("[eval] accuracy is {:.4f}".format(sum(hits) / len(hits)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--log-every", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())

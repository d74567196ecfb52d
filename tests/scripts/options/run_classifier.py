#!/usr/bin/env python
# -*- coding: utf-8 -*-
from __future__ import print_function

import argparse
import os
import sys

import numpy as np
import paddle
from sklearn import datasets


def parse_args():
    parser = argparse.ArgumentParser(description="train a classifier")
    parser.add_argument("--dataset", default="wine", choices=["wine", "iris", "breast_cancer"])
    parser.add_argument("--epochs", default=10, type=int)
    parser.add_argument("--batch_size", "-b", default=16, type=int)
    parser.add_argument("--learning_rate", default=0.01, type=float)
    parser.add_argument("--optimizer", default="Adam")
    parser.add_argument("--weight_decay", default=0.0, type=float)
    parser.add_argument("--hidden", nargs="+", type=int, default=[16])
    parser.add_argument("--seed", default=None, type=int)
    parser.add_argument("--output_dir", default="./checkpoints")
    parser.add_argument("--use_gpu", action="store_true")
    return parser.parse_args()


def build(inputs, hidden, classes):
    layers = []
    for h in hidden:
        layers += [paddle.nn.Linear(inputs, h), paddle.nn.Tanh()]
        inputs = h
    return paddle.nn.Sequential(*layers, paddle.nn.Linear(inputs, classes))


args = parse_args()
print("-----------  Configuration Arguments -----------")
for arg, value in sorted(vars(args).items()):
    print("%s: %s" % (arg, value))
print("------------------------------------------------")
paddle.set_device("gpu" if args.use_gpu else "cpu")
if args.seed is not None:
    paddle.seed(args.seed)
    np.random.seed(args.seed)
bunch = getattr(datasets, "load_" + args.dataset)()
x = (bunch.data - bunch.data.mean(0)) / bunch.data.std(0)
x, y = x.astype("float32"), bunch.target.astype("int64")
dataset = paddle.io.TensorDataset([paddle.to_tensor(x), paddle.to_tensor(y)])
loader = paddle.io.DataLoader(dataset, batch_size=args.batch_size, shuffle=True)
model = build(x.shape[1], args.hidden, len(bunch.target_names))
optimizer = getattr(paddle.optimizer, args.optimizer)(
    learning_rate=args.learning_rate, parameters=model.parameters(), weight_decay=args.weight_decay or None)
if not os.path.exists(args.output_dir):
    os.makedirs(args.output_dir)
best = 0.0
for epoch in range(args.epochs):
    for bx, by in loader:
        loss = paddle.nn.functional.cross_entropy(model(bx), by)
        loss.backward()
        optimizer.step()
        optimizer.clear_grad()
    acc = float((model(paddle.to_tensor(x)).argmax(1).numpy() == y).mean())
    best = max(best, acc)
    print("Epoch {}/{} - loss: {:.4f} - acc: {:.4f} - best_acc: {:.4f}".format(epoch + 1, args.epochs, float(loss), acc, best))
paddle.save(model.state_dict(), os.path.join(args.output_dir, "final.pdparams"))
sys.stdout.flush()

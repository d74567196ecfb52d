#!/usr/bin/env bash
# paddlepaddle 3.3.1: step() still updates a parameter that was in no loss since clear_grad().
#
# Expected: after optimizer.clear_grad() and a backward that leaves a layer out (an auxiliary head that is used in the first phase only),
#           step() leaves that layer alone, as in PyTorch, where zero_grad() sets gradients to None.
# Happens:  clear_grad() fills gradients with zeros (set_to_zero=True is the default). To step() a zero is a gradient: weight decay and the
#           moments of AdamW move the unused layer every step. A layer that never had a gradient keeps None and does not move,
#           so "grad is None" finds layers that were never used, not layers that are unused now.
# Workaround: optimizer.clear_grad(set_to_zero=False), or layer.stop_gradient for unused layers. To find dead layers, look for
#           gradients that are None or all zero.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq paddlepaddle==3.3.1

cat > show.py <<'PY'
import sys

import paddle

print("paddlepaddle", paddle.__version__)
paddle.device.set_device("cpu")


def movement(clear_grad):
    paddle.seed(0)
    body, head = paddle.nn.Linear(4, 4), paddle.nn.Linear(4, 1)
    optimizer = paddle.optimizer.AdamW(0.1, parameters=body.parameters() + head.parameters(), weight_decay=0.1)
    x = paddle.ones([2, 4])
    head(body(x)).sum().backward()
    optimizer.step()
    clear_grad(optimizer)
    gradient = "None" if head.weight.grad is None else "zeros" if not head.weight.grad.any() else "other"
    before = head.weight.clone()
    body(x).sum().backward()
    optimizer.step()
    moved = bool((head.weight != before).any())
    print(f"gradient of the unused head: {gradient}, moved by the next step: {moved}")
    return gradient, moved


print("clear_grad()")
zeroed = movement(lambda optimizer: optimizer.clear_grad())
print("clear_grad(set_to_zero=False)")
dropped = movement(lambda optimizer: optimizer.clear_grad(set_to_zero=False))
if (zeroed, dropped) != (("zeros", True), ("None", False)):
    sys.exit("CHANGED: the behaviour is no longer as described")
print("as described: after clear_grad() a head without a loss still moves")
PY
venv/bin/python -W 'ignore:No ccache found' show.py

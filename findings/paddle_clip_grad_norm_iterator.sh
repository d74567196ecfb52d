#!/usr/bin/env bash
# paddlepaddle 3.3.1: nn.utils.clip_grad_norm_ given an iterator of parameters returns the norm and clips nothing.
#
# Expected: clip_grad_norm_(iterator, 0.01) clips the gradients as with a list, or refuses the iterator. Its documentation allows any
#           iterable of parameters. In PyTorch, model.parameters() is an iterator, so ported code may pass one.
# Happens:  the norm that it returns is right, and the gradients stay as they are: the iterator is used up when the norm has been computed.
#           There is no warning.
# Workaround: pass a list: clip_grad_norm_(list(parameters), 0.01).
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq paddlepaddle==3.3.1 setuptools

cat > show.py <<'PY'
import sys

import paddle

print("paddlepaddle", paddle.__version__)
paddle.device.set_device("cpu")


def norm_after(given):
    layer = paddle.nn.Linear(4, 1, weight_attr=paddle.nn.initializer.Constant(1.0))
    layer(paddle.ones([2, 4])).sum().backward()
    returned = float(paddle.nn.utils.clip_grad_norm_(given(layer.parameters()), 0.01))
    after = sum(float((parameter.grad**2).sum()) for parameter in layer.parameters()) ** 0.5
    print(f"{given.__name__}: returned {returned:.3f}, norm afterwards {after:.3f}")
    return returned, after


(_, with_list), (returned, with_iterator) = norm_after(list), norm_after(iter)
if not (with_list < 0.011 and returned > 1.0 and abs(with_iterator - returned) < 1e-4):
    sys.exit("CHANGED: the behaviour is no longer as described")
print("as described: an iterator is not clipped")
PY
venv/bin/python -W ignore show.py 2>/dev/null

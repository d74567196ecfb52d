#!/usr/bin/env bash
# paddlepaddle 3.3.1: paddle.amp.auto_cast has no effect on the CPU, bfloat16 included.
#
# Expected: auto_cast(dtype="bfloat16") on the CPU computes matrix products in bfloat16 (as PyTorch does), or raises if it cannot.
# Happens:  everything stays float32; a UserWarning ("it makes no effect") is the only sign.
#           A test or an ablation of mixed precision without a GPU compares float32 with float32.
# Workaround: assert an output's dtype in such a test, or turn that warning into an error. Compare precisions on a GPU.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install -qq paddlepaddle==3.3.1

cat > show.py <<'PY'
import sys
import warnings

import paddle

print("paddlepaddle", paddle.__version__)
paddle.device.set_device("cpu")
layer, x = paddle.nn.Linear(4, 4), paddle.ones([2, 4])
seen = {}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for level in ("O1", "O2"):
        with paddle.amp.auto_cast(level=level, dtype="bfloat16"):
            seen[f"auto_cast {level} bfloat16"] = layer(x).dtype
for how, dtype in seen.items():
    print(f"{how}: {dtype}")
for warning in caught:
    print(f"{warning.category.__name__}: {warning.message}")
warned = any("no effect" in str(warning.message) for warning in caught)
if list(seen.values()) != [paddle.float32, paddle.float32] or not warned:
    sys.exit("CHANGED: the behaviour is no longer as described")
print("as described: outputs stay float32 under auto_cast, with a UserWarning")
PY
venv/bin/python -W 'ignore:No ccache found' show.py

"""Takes Paddle's first training step in the warm parent, which spares each forked trial 10 to 25 ms of CPU time.

Paddle sets up its kernels, its autograd engine and its memory pools during the first step of a process. A child that is
forked later inherits them. The trials' results must not change: the step restores all that later code can see, and
trials seed their random generators themselves.
"""

import sys
from typing import Any

from sweep.worker.proven import is_harmless


def take_first_step() -> str | None:
    """Take a step of a tiny network if it is harmless; return why it was not taken, or None if it was.

    A build of Paddle for an accelerator is left alone, because a step could create a context on the device, and a
    process with one must not be forked.
    """
    paddle: Any = sys.modules.get("paddle")
    if paddle is None:
        return "the task has not imported paddle"
    if paddle.is_compiled_with_cuda() or paddle.device.get_all_custom_device_type():
        return "this build of Paddle may use an accelerator"
    if not is_harmless(lambda: _step(paddle)):
        return "the step was tried in a child and failed, or left traces there"
    _step(paddle)
    return None


def _step(paddle: Any) -> None:
    """Take one training step. Restores Paddle's random state and name counters."""
    from paddle.utils import unique_name

    state = paddle.get_rng_state()
    try:
        with unique_name.guard():
            weight = paddle.to_tensor([[0.5, 0.25], [0.25, 0.5]], dtype="float32", stop_gradient=False)
            inputs = paddle.to_tensor([[1.0, 2.0]], dtype="float32")
            optimizer = paddle.optimizer.Adam(learning_rate=0.1, parameters=[weight])
            loss = paddle.nn.functional.relu(paddle.matmul(inputs, weight)).mean()
            loss.backward()
            optimizer.step()
            optimizer.clear_grad()
    finally:
        paddle.set_rng_state(state)

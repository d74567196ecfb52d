"""Takes Paddle's first training step in the warm parent, which spares each forked trial 10 to 25 ms of CPU time.

Paddle sets up its kernels, its autograd engine and its memory pools during the first step of a process. A child that is
forked later inherits them. The trials' results must not change: the step restores all that later code can see, and
trials seed their random generators themselves.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from sweep.worker.process_exit import flush_output

PROVEN, UNPROVEN = 0, 1
"""Exit codes of the child that tries the step out."""


def take_first_step() -> str | None:
    """Take a step of a tiny network if it is safe; return why it was not taken, or None if it was.

    It is first tried in a forked child: it must leave the child with one thread, the same open files and the same
    random states. A build of Paddle for an accelerator is left alone, because a step could create a context on the
    device, and a process with one must not be forked.
    """
    paddle: Any = sys.modules.get("paddle")
    if paddle is None:
        return "the task has not imported paddle"
    if paddle.is_compiled_with_cuda() or paddle.device.get_all_custom_device_type():
        return "this build of Paddle may use an accelerator"
    flush_output()
    pid = os.fork()
    if pid == 0:
        _try_and_exit(paddle)
    _, status = os.waitpid(pid, 0)
    if status != PROVEN:
        return "the step was tried in a child and failed, or left traces there"
    _step(paddle)
    return None


def _try_and_exit(paddle: Any) -> None:
    """Take the step and end this process with the result. Never returns."""
    code = UNPROVEN
    with suppress(BaseException):
        before = _traces(paddle)
        _step(paddle)
        code = PROVEN if _traces(paddle) == before else UNPROVEN
    os._exit(code)


def _step(paddle: Any) -> None:
    """Take one training step. Restores Paddle's random state, device, default type and name counters."""
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


def _traces(paddle: Any) -> tuple[object, ...]:
    """Return what a step must leave as it is: the number of threads, the open files and the random states."""
    random, numpy = sys.modules.get("random"), sys.modules.get("numpy")
    return (
        len(list(Path("/proc/self/task").iterdir())),
        sorted(entry.name for entry in Path("/proc/self/fd").iterdir()),
        [[word for word in str(state).split() if word[:2] != "0x"] for state in paddle.get_rng_state()],  # no addresses
        random and random.getstate(),
        numpy and str(numpy.random.get_state()),
        paddle.get_device(),
        paddle.get_default_dtype(),
    )

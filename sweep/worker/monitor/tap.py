"""Who calls `backward` on what: the one place where the loss of any training loop can be seen.

While anyone listens, `paddle.Tensor.backward` and `AmpScaler.scale` are wrapped; both do what they did.
"""

from collections.abc import Callable
from typing import Any

import paddle
from paddle.amp.grad_scaler import AmpScaler

Listener = Callable[[Any], None]

_listeners: list[Listener] = []
_originals: list[Any] = []
_scaled: list[Any] = [None, None]  # what a GradScaler returned last, and of what


def listen(listener: Listener) -> None:
    """Call `listener(loss)` before each backward; of a loss scaled for mixed precision, with the unscaled one."""
    _listeners.append(listener)
    if len(_listeners) == 1:
        _originals[:] = [paddle.Tensor.backward, AmpScaler.scale]
        paddle.Tensor.backward = _wrapped_backward(_originals[0])
        AmpScaler.scale = _wrapped_scale(_originals[1])


def unlisten(listener: Listener) -> None:
    """Stop calling this listener; with the last one gone paddle is as it was."""
    if listener in _listeners:
        _listeners.remove(listener)
        if not _listeners:
            paddle.Tensor.backward, AmpScaler.scale = _originals
            _scaled[:] = [None, None]


def _wrapped_backward(original: Any) -> Any:
    def backward(self: Any, *args: Any, **kwargs: Any) -> Any:
        loss = _scaled[1] if self is _scaled[0] else self
        for listener in _listeners.copy():  # one that fails leaves
            listener(loss)
        if _scaled[0] is not None:
            _scaled[:] = [None, None]
        return original(self, *args, **kwargs)

    return backward


def _wrapped_scale(original: Any) -> Any:
    def scale(self: Any, var: Any) -> Any:
        result = original(self, var)
        _scaled[:] = [result, var]
        return result

    return scale

"""What a program may call by itself while sweep runs it. Standard library only; outside a trial it does nothing."""

from collections.abc import Callable, Mapping

_Listener = Callable[[int | None, Mapping[str, float]], None]
_listeners: list[_Listener] = []


def log(step: int | None = None, /, **values: float) -> None:
    """Report metrics of a program that runs as `task=script`: `sweep.log(val_acc=0.9)`.

    Names are recorded as `split/name`: `val_acc` and `val/acc` are one. Values are recorded at the optimizer step of
    this moment; `step` counts only in a program that takes no step of a Paddle optimizer. Outside a trial this does
    nothing. Raises TypeError in a trial if a value is not one number.
    """
    for listener in _listeners:
        listener(step, values)


def listen(listener: _Listener) -> Callable[[], None]:
    """Call `listener(step, values)` at each `log`, until the returned function is called."""
    _listeners.append(listener)
    return lambda: _listeners.remove(listener)

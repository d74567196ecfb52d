"""What of Paddle can be hooked. Each point says which calls reach it, and which do not."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paddle
from paddle.amp.grad_scaler import AmpScaler

from sweep.worker.hooks.patching import Function, Hooks, Make

STEPS = ("step", "minimize")
"""What makes an optimizer step. `minimize` may call `step`, and a class's `step` that of its base class: to count
steps, count the outermost calls."""

CLEARS = ("clear_grad", "clear_gradients")
"""What clears gradients by an optimizer. A model's `clear_gradients`, or each tensor's, is another way."""


def around_optimizers(hooks: Hooks, names: Sequence[str], make: Make) -> None:
    """Hook functions of all optimizers, which come as the first argument, of classes defined later, too.

    An optimizer whose class neither defines nor inherits from `paddle.optimizer.Optimizer` is not reached.
    """
    reached: set[tuple[type, str]] = set()

    def reach(kind: type) -> None:
        for name in names:
            if name in vars(kind) and (kind, name) not in reached:
                reached.add((kind, name))
                hooks.around(kind, name, make)

    def make_init(init: Function) -> Function:
        def __init__(optimizer: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            for kind in type(optimizer).__mro__:
                if issubclass(kind, paddle.optimizer.Optimizer):
                    reach(kind)
            init(optimizer, *args, **kwargs)

        return __init__

    for kind in _with_subclasses(paddle.optimizer.Optimizer):
        reach(kind)
    hooks.around(paddle.optimizer.Optimizer, "__init__", make_init)


def around_optimizer(hooks: Hooks, optimizer: Any, names: Sequence[str], make: Make) -> None:
    """Hook functions of one optimizer, as far as it has them.

    Where its class has the function, calls of other optimizers come, too: the first argument says whose it is.
    """
    for name in names:
        kind = _definer(type(optimizer), name)
        if kind is not None and name not in getattr(optimizer, "__dict__", {}):
            hooks.around(kind, name, make)
        elif hasattr(optimizer, name):  # one that forwards to another optimizer, or has a function of its own
            hooks.around(optimizer, name, _of_one(optimizer, make))


def on_backward(hooks: Hooks, listener: Callable[[Any], None]) -> None:
    """Have `listener(loss)` called before each `backward` of a tensor.

    Of a loss scaled for mixed precision by a GradScaler it is given the unscaled one.
    """
    scaled: list[Any] = [None, None]  # what a GradScaler returned last, and of what

    def make_backward(below: Function) -> Function:
        def backward(tensor: Any, *args: Any, **kwargs: Any) -> Any:
            loss = scaled[1] if tensor is scaled[0] else tensor
            if scaled[0] is not None:
                scaled[:] = (None, None)
            listener(loss)
            return below(tensor, *args, **kwargs)

        return backward

    def make_scale(below: Function) -> Function:
        def scale(scaler: Any, loss: Any, *args: Any, **kwargs: Any) -> Any:
            result = below(scaler, loss, *args, **kwargs)
            scaled[:] = (result, loss)
            return result

        return scale

    hooks.around(paddle.Tensor, "backward", make_backward)
    hooks.around(AmpScaler, "scale", make_scale)


def on_call(hooks: Hooks, model: Any, listener: Callable[[Any, tuple[Any, ...], dict[str, Any]], None]) -> None:
    """Have `listener(model, arguments, named arguments)` called before each call of `model`, but not of its copies.

    It is the model's class that is hooked: a forward hook would send each call down Paddle's slow path. (One costs a
    call some 20 us, this less than 1 us: 2 % of a small network's step.)
    """

    def make(below: Function) -> Function:
        def __call__(layer: Any, *inputs: Any, **named: Any) -> Any:  # noqa: N807 - what it stands for
            if layer is model:
                listener(model, inputs, named)
            return below(layer, *inputs, **named)

        return __call__

    hooks.around(type(model), "__call__", make)


def around_train_batch(hooks: Hooks, make: Make) -> None:
    """Hook `train_batch`, by which `paddle.Model.fit` trains on one batch; the model comes as the first argument."""
    hooks.around(paddle.Model, "train_batch", make)


def _with_subclasses(kind: Any) -> Iterator[type]:
    yield kind
    for sub in kind.__subclasses__():
        yield from _with_subclasses(sub)


def _definer(kind: type, name: str) -> type | None:
    return next((base for base in kind.__mro__ if name in vars(base)), None)


def _of_one(optimizer: Any, make: Make) -> Make:
    def bound(below: Function) -> Function:
        made = make(lambda _, *args, **kwargs: below(*args, **kwargs))
        return lambda *args, **kwargs: made(optimizer, *args, **kwargs)

    return bound

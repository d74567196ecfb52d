"""What can be hooked in Paddle. Each function says which calls are hooked, and which are not."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paddle
from paddle.amp.grad_scaler import AmpScaler

from sweep.worker.hooks.patching import Function, Hooks, Make

STEPS = ("step", "minimize")
"""The functions that make an optimizer step. `minimize` may call `step`, and `step` that of a base class, so count only
the outermost calls as steps."""

CLEARS = ("clear_grad", "clear_gradients")
"""The optimizer's functions that clear gradients. `clear_gradients` of a model or a tensor clears them, too."""


def around_optimizers(hooks: Hooks, names: Sequence[str], make: Make) -> None:
    """Hook functions of all optimizers, also of classes defined later. The optimizer is the first argument.

    An optimizer whose class does not inherit from `paddle.optimizer.Optimizer` is not hooked.
    """
    hooked: set[tuple[type, str]] = set()

    def hook(kind: type) -> None:
        for name in names:
            if name in vars(kind) and (kind, name) not in hooked:
                hooked.add((kind, name))
                hooks.around(kind, name, make)

    def make_init(init: Function) -> Function:
        def init_of(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            for kind in type(optimizer).__mro__:
                if issubclass(kind, paddle.optimizer.Optimizer):
                    hook(kind)
            init(optimizer, *args, **kwargs)

        return init_of

    for kind in _with_subclasses(paddle.optimizer.Optimizer):
        hook(kind)
    for name in ("__init__", "_create_master_grad_states"):  # AdamW's __init__ calls only the latter
        hooks.around(paddle.optimizer.Optimizer, name, make_init)


def around_optimizer(hooks: Hooks, optimizer: Any, names: Sequence[str], make: Make) -> None:
    """Hook those of the named functions that an optimizer has.

    A function of its class is hooked for other optimizers of the class, too: the first argument says which one it is.
    """
    for name in names:
        kind = _definer(type(optimizer), name)
        if kind is not None and name not in getattr(optimizer, "__dict__", {}):
            hooks.around(kind, name, make)
        elif hasattr(optimizer, name):  # it forwards to another optimizer, or the object itself has the function
            hooks.around(optimizer, name, _of_one(optimizer, make))


def on_backward(hooks: Hooks, listener: Callable[[Any], None]) -> None:
    """Call `listener(loss)` before each backward pass: `backward` of a tensor, or `paddle.autograd.backward`.

    If a GradScaler has scaled the loss for mixed precision, the listener gets the unscaled loss.
    """
    scaled: list[Any] = [None, None]  # the last result of a GradScaler, and the loss that it scaled

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

    def make_passes(below: Function) -> Function:
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            for loss in tensors if isinstance(tensors, list | tuple) else [tensors]:
                listener(loss)
            return below(tensors, *args, **kwargs)

        return backward

    hooks.around(paddle.Tensor, "backward", make_backward)
    hooks.around(paddle.autograd, "backward", make_passes)
    hooks.around(AmpScaler, "scale", make_scale)


def on_call(hooks: Hooks, model: Any, listener: Callable[[Any, tuple[Any, ...], dict[str, Any]], None]) -> None:
    """Call `listener(model, arguments, named arguments)` before each call of `model`, but not of copies of it.

    This hooks the model's class, because a forward hook would make each call take Paddle's slow path: about 20 us per
    call, or 2 % of a small network's step, instead of less than 1 us.
    """

    def make(below: Function) -> Function:
        def __call__(layer: Any, *inputs: Any, **named: Any) -> Any:  # noqa: N807 - what it stands for
            if layer is model:
                listener(model, inputs, named)
            return below(layer, *inputs, **named)

        return __call__

    hooks.around(type(model), "__call__", make)


def around_train_batch(hooks: Hooks, make: Make) -> None:
    """Hook `train_batch`, with which `paddle.Model.fit` trains on one batch. The model is the first argument."""
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

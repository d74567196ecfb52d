"""Lets a program that asks for a GPU, or another accelerator, run on the CPU where there is none."""

from collections.abc import Callable
from typing import Any

import paddle
from paddle.base import core, framework

from sweep.worker.hooks import Hooks, around_function
from sweep.worker.hooks.patching import Function

ACCELERATORS = ("gpu", "cuda", "dcu", "xpu", "npu")
_MEMORY = (
    "max_memory_allocated", "max_memory_reserved", "memory_allocated", "memory_reserved", "reset_max_memory_allocated",
    "reset_max_memory_reserved",
)  # fmt: skip
"""Functions of `paddle.device.cuda` that raise without a GPU: they return 0."""


def fall_back_on_cpu(hooks: Hooks, say: Callable[[str], None]) -> None:
    """Turn requests for accelerators that this process does not have into the CPU, and `say` so, once.

    Reached are `set_device`, `place=` and `to("gpu")`, `CUDAPlace(0)`, `Tensor.cuda()`, and functions about a GPU's
    memory.
    """
    if _has_accelerator():
        return
    said: list[str] = []

    def on_cpu(asked: str) -> Any:
        if not said:
            said.append(asked)
            say(f"the program asks for {asked}; there is none for this trial, and it runs on the CPU")
        return core.CPUPlace()

    def make_place(below: Function) -> Function:
        def place(device: Any = None, *args: Any, **kwargs: Any) -> Any:
            if isinstance(device, str) and device.lower().startswith(ACCELERATORS):
                return on_cpu(repr(device))
            return below(device, *args, **kwargs)

        return place

    # Paddle 3.3 replaces the module by a copy, whose functions call those of the module that it was made from.
    for module in {paddle.device, getattr(paddle.device, "_self", paddle.device)}:
        hooks.around(module, "_convert_to_place", make_place)
    around_function(hooks, framework._get_paddle_place, make_place)

    def make_new(_: Function) -> Function:
        return lambda kind, *_args, **_kwargs: on_cpu(kind.__name__)

    def make_same(_: Function) -> Function:
        return lambda tensor, *_args, **_kwargs: tensor

    for kind in (core.CUDAPlace, core.CUDAPinnedPlace, core.XPUPlace):
        hooks.around(kind, "__new__", make_new)
    for name in ("cuda", "pin_memory"):
        hooks.around(paddle.Tensor, name, make_same)
    for name in _MEMORY:
        if hasattr(paddle.device.cuda, name):
            hooks.around(paddle.device.cuda, name, lambda _: lambda *_args, **_kwargs: 0)
    hooks.around(paddle.device.cuda, "synchronize", lambda _: lambda *_args, **_kwargs: None)


def _has_accelerator() -> bool:
    if core.get_all_custom_device_type():
        return True
    return bool(core.is_compiled_with_cuda() and paddle.device.cuda.device_count()) or bool(core.is_compiled_with_xpu())

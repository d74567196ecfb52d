"""`amp`: mixed precision, which Paddle 3.3 has on GPUs and other accelerators, not on the CPU."""

import inspect
from typing import Any

from paddle.amp import amp_decorate, amp_guard
from paddle.amp.grad_scaler import AmpScaler
from paddle.base.framework import _dygraph_tracer

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.values import switch


def install(surgery: Surgery, value: object | None) -> None:
    """Record the uses of mixed precision; with false, disable them: autocast, weights in float16, scaled losses.

    True changes nothing, as it does not say where. Raises ValueError for another value.
    """
    is_off = value is not None and not switch("amp", value)
    uses = _Uses(surgery, is_off)
    around_function(surgery.hooks, amp_guard, uses.around_guard)  # auto_cast and autocast call it
    around_function(surgery.hooks, amp_decorate, uses.around_decorate)
    surgery.hooks.around(AmpScaler, "__init__", uses.around_scaler)


class _Uses:
    def __init__(self, surgery: Surgery, is_off: bool) -> None:
        self._book, self._is_off = surgery.book, is_off
        self._noted: set[tuple[str, str | None]] = set()

    def around_guard(self, below: Function) -> Function:
        signature = inspect.signature(below)

        def amp_guard(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            level = str(given.arguments["level"]).upper()
            if given.arguments["enable"] and level != "O0" and self._note(f"auto_cast {level}"):
                given.arguments["enable"] = False
            return below(*given.args, **given.kwargs)

        return amp_guard

    def around_decorate(self, below: Function) -> Function:
        signature = inspect.signature(below)

        def amp_decorate(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            level = str(given.arguments["level"]).upper()
            if level == "O2" and self._note(f"amp.decorate {level}"):
                given.arguments["level"] = "O1"  # at which it returns what it was given
            return below(*given.args, **given.kwargs)

        return amp_decorate

    def around_scaler(self, below: Function) -> Function:
        signature = inspect.signature(below)

        def __init__(*args: Any, **kwargs: Any) -> None:  # noqa: N807 - what it stands for
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            if given.arguments["enable"] and self._note("GradScaler"):
                given.arguments["enable"] = False
            below(*given.args, **given.kwargs)

        return __init__

    def _note(self, what: str) -> bool:
        """Record a use once for each line. Return whether it is to be switched off."""
        if not has_effect():
            self._book.limit("amp: Paddle has no mixed precision on this device, so the program trains without it")
            return False
        place = what, self._book.sites.here()
        if place not in self._noted:
            self._noted.add(place)
            self._book.found("amp", what, where=place[1])
            if self._is_off:
                self._book.changed("amp", what, where=place[1])
        return self._is_off


def has_effect() -> bool:
    """Return whether Paddle can train in mixed precision on the present device."""
    place = _dygraph_tracer()._expected_place
    return bool(place.is_gpu_place() or place.is_xpu_place() or place.is_custom_place())

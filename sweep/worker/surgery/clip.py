"""`clip`: the clipping of gradients by the optimizers, and by hand with `paddle.nn.utils.clip_grad_*`."""

import inspect
import math
from typing import Any

import paddle
from paddle.nn import ClipGradByGlobalNorm, ClipGradByValue
from paddle.nn.clip import ClipGradBase
from paddle.nn.utils import clip_grad_norm_, clip_grad_value_

from sweep.worker.hooks import around_function
from sweep.worker.hooks.patching import Function
from sweep.worker.surgery import Surgery
from sweep.worker.surgery.optimizers import Seen, groups_of, optimizers_of, parameters_of
from sweep.worker.surgery.values import number


def install(surgery: Surgery, value: object | None) -> None:
    """Record the clips. With a number, every optimizer clips its gradients by this global norm, and only so; with
    `none` nothing is clipped. Raises ValueError for another value.

    A clip by hand with the 2-norm keeps its place and gets the number; an optimizer of only such parameters gets no
    second clip. Other clips by hand do nothing.
    """
    limit = None if value is None else number("clip", value, low=0.0, high=math.inf, none=math.inf)
    by_hand = _ByHand(surgery, limit)
    around_function(surgery.hooks, clip_grad_norm_, by_hand.around_norm)
    around_function(surgery.hooks, clip_grad_value_, by_hand.around_value)

    def look(optimizer: Any, seen: Seen) -> None:
        groups = groups_of(optimizer)
        holders = [(group, "grad_clip") for group in groups] or [(vars(optimizer), "_grad_clip")]
        clips = {id(holder[name]): holder[name] for holder, name in holders}
        for clip in clips.values():
            if clip is not None:
                surgery.book.found("clip", _what(clip), value=_limit(clip), where=seen.where)
        if limit is None:
            return
        new = None
        if limit < math.inf:
            new = None if by_hand.covers(optimizer) else ClipGradByGlobalNorm(limit)
        for clip in clips.values():
            if not _is_same(clip, new):
                what = f"no clip ({seen.kind})" if clip is None else _what(clip)
                surgery.book.changed("clip", what, value=_limit(clip), where=seen.where)
        for holder, name in holders:
            if not _is_same(holder[name], new):
                holder[name] = new

    optimizers_of(surgery).before_first_step(look)


class _ByHand:
    """Clips that the program makes itself between the backward pass and the step."""

    def __init__(self, surgery: Surgery, limit: float | None) -> None:
        self._book, self._limit = surgery.book, limit
        self._parameters: set[str] = set()  # names of those clipped by their 2-norm
        self._found: set[tuple[str, str | None]] = set()

    def covers(self, optimizer: Any) -> bool:
        """Return whether the program clips all parameters of an optimizer by hand, and nothing else does."""
        names = {parameter.name for parameter in parameters_of(optimizer) if not parameter.stop_gradient}
        return bool(names) and names <= self._parameters

    def around_norm(self, below: Function) -> Function:
        signature = inspect.signature(below)

        def clip_grad_norm_(*args: Any, **kwargs: Any) -> Any:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            named = given.arguments
            own, order = float(named["max_norm"]), float(named["norm_type"])
            what = f"clip_grad_norm_(max_norm={own:g})" if order == 2.0 else f"clip_grad_norm_(norm_type={order:g})"
            parameters = named["parameters"]
            if not isinstance(parameters, list | tuple | paddle.Tensor):
                return below(*args, **kwargs)  # Paddle reads it twice: from an iterator it clips nothing
            wanted = self._limit
            if wanted is not None and order != 2.0:
                wanted = math.inf  # it still returns the norm
            if order == 2.0:
                listed = [parameters] if isinstance(parameters, paddle.Tensor) else parameters
                self._parameters |= {parameter.name for parameter in listed}
            if self._note(what, own, wanted):
                named["max_norm"] = wanted
            return below(*given.args, **given.kwargs)

        return clip_grad_norm_

    def around_value(self, below: Function) -> Function:
        signature = inspect.signature(below)

        def clip_grad_value_(*args: Any, **kwargs: Any) -> Any:
            own = float(signature.bind(*args, **kwargs).arguments["clip_value"])
            if self._note(f"clip_grad_value_({own:g})", own, None if self._limit is None else math.inf):
                return None
            return below(*args, **kwargs)

        return clip_grad_value_

    def _note(self, what: str, own: float, wanted: float | None) -> bool:
        """Record a call once for each line. Return whether it is to be changed."""
        is_other = wanted is not None and own != wanted
        place = what, self._book.sites.here()
        if place not in self._found:
            self._found.add(place)
            self._book.found("clip", what, value=own, where=place[1])
            if is_other:
                self._book.changed("clip", what, value=own, where=place[1])
        return is_other


def _is_same(clip: Any, new: Any) -> bool:
    if clip is None or new is None:
        return clip is new
    return type(clip) is ClipGradByGlobalNorm and clip.clip_norm == new.clip_norm


def _limit(clip: ClipGradBase | None) -> float | None:
    """Return the largest norm or value of a clip, None if it has none or hides it."""
    found = getattr(clip, "max" if isinstance(clip, ClipGradByValue) else "clip_norm", None)
    return None if found is None else float(found)


def _what(clip: Any) -> str:
    limit = _limit(clip)
    return f"{type(clip).__name__}({'...' if limit is None else format(limit, 'g')})"

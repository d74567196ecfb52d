"""Counts a program's optimizer steps, with one or several optimizers. Does not need Paddle."""

from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary, ref


class StepCounter:
    """The program's position, in steps of the optimizer that steps most often. It only rises.

    Each optimizer has its own count, and the position is the largest one. An optimizer that joins later begins at the
    position of that moment, so that a program with stages, or with a new optimizer in each epoch, counts on; one that
    trains the parameters of an earlier one continues its count.
    """

    def __init__(self) -> None:
        self.position = 0
        self._counts: WeakKeyDictionary[Any, list[int]] = WeakKeyDictionary()
        self._latest: Callable[[], Any] = lambda: None  # a weak reference to the optimizer that stepped last
        self._latest_count = [0]
        self._by_parameter: dict[int, list[int]] = {}

    def advance(self, optimizer: Any) -> int:
        """Count a step of an optimizer; return the position after it."""
        if self._latest() is optimizer:
            count = self._latest_count
        else:
            known = self._counts.get(optimizer)
            if known is None:
                known = self._counts[optimizer] = self._joined(optimizer)
            self._latest, self._latest_count = ref(optimizer), known
            count = known
        count[0] += 1
        if count[0] > self.position:
            self.position = count[0]
        return self.position

    def _joined(self, optimizer: Any) -> list[int]:
        begin = max(self.position - 1, 0)
        first = _first_parameter(optimizer)
        if first is None:
            return [begin]
        count = self._by_parameter.setdefault(id(first), [begin])
        count[0] = max(count[0], begin)  # the parameter of a dead optimizer may have had this id
        return count


def _first_parameter(optimizer: Any) -> Any:
    entries = getattr(optimizer, "_parameter_list", None) or [None]
    entry = entries[0]
    return next(iter(entry["params"]), None) if isinstance(entry, dict) else entry

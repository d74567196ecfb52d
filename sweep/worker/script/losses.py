"""The losses of a program's backward passes, by call site."""

from typing import Any

from sweep.domain.inventory import LossSite
from sweep.worker.callsite import CallSites

LOSS = "step/loss"
"""Series of the loss at the first call site of a backward pass. Those of further sites are `step/loss_2`, ..."""
HeldLosses = dict[str, list[Any]]
"""By series, the losses of its backward passes before one step, as tensors."""
HELD_MOST = 16
"""Maximum number of losses of a site that are held unread between two steps."""


class Losses:
    """Holds the losses since the last step. Reading one waits for the device, so it is put off until the step."""

    def __init__(self, sites: CallSites) -> None:
        self._sites = sites
        self._series: dict[str | None, str] = {}  # by call site
        self._calls: dict[str, int] = {}
        self._held: HeldLosses = {}

    def take(self, loss: Any) -> None:
        """Hold the loss of a backward pass, which is called from the program's present line."""
        site = self._sites.here()
        series = self._series.get(site)
        if series is None:
            number = len(self._series) + 1
            series = self._series[site] = LOSS if number == 1 else f"{LOSS}_{number}"
            self._calls[series] = 0
        self._calls[series] += 1
        # Another view of the same memory: the loss itself would keep the graph behind it. Reading takes longer, also on
        # the CPU, if it is not done for many at once.
        one = loss.detach()
        held = self._held.get(series)
        if held is None:
            self._held[series] = [one]
            return
        held.append(one)
        if len(held) > HELD_MOST:
            held[:] = [_Sum.of(held)]

    def __bool__(self) -> bool:
        return bool(self._held)

    def drain(self) -> HeldLosses:
        """Return the losses since the last call, unread."""
        held, self._held = self._held, {}
        return held

    def found(self) -> tuple[LossSite, ...]:
        """Return the call sites, the first one first."""
        return tuple(
            LossSite(series=series, where=site, calls=self._calls[series]) for site, series in self._series.items()
        )


def read(held: HeldLosses) -> dict[str, float]:
    """Return, by series, the mean of its losses. This waits for the device."""
    return {name: _value(one[0]) if len(one) == 1 else _Sum.of(one).mean for name, one in held.items()}


class _Sum:
    """The sum of several losses."""

    def __init__(self, total: float, number: int) -> None:
        self._total, self._number = total, number

    @classmethod
    def of(cls, losses: list[Any]) -> "_Sum":
        """Return the sum of losses and of earlier sums."""
        sums = [loss for loss in losses if isinstance(loss, cls)]
        values = [_value(loss) for loss in losses if not isinstance(loss, cls)]
        return cls(sum(values) + sum(s._total for s in sums), len(values) + sum(s._number for s in sums))

    @property
    def mean(self) -> float:
        """The mean of the losses."""
        return self._total / self._number


def _value(loss: Any) -> float:
    """Return a loss as a number: the mean of its elements if it has several."""
    if isinstance(loss, _Sum):
        return loss.mean
    shape = loss.shape
    if shape and shape != [1]:
        loss = loss.astype("float32").mean()
    return float(loss.item())

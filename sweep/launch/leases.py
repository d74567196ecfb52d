"""Which run may use which device: places per device, exclusive devices, quarantined devices."""

from collections import Counter
from collections.abc import Sequence

from sweep.errors import DeviceBusyError

CPU = "cpu"
"""The one device of a machine without GPUs: its places are the slots."""

QUARANTINE_AFTER = 3
"""Number of failures in a row after which a device gets no more runs."""


def device_text(device: str) -> str:
    """Return a device's name for readers: `GPU 1`, `GPU-5f3c...`, or the device as it is named."""
    return f"GPU {device}" if device.isdecimal() else device


class DeviceLeases:
    """Hands out places: on the least loaded device, never on a quarantined one.

    A device with `QUARANTINE_AFTER` failures in a row is quarantined while another is left: if all fail, it is not
    the device, and the study's own circuit breaker decides. `limit` bounds the leases of all devices together.
    """

    def __init__(self, devices: Sequence[str], *, places: int, limit: int) -> None:
        self._places = dict.fromkeys(devices, places)
        self._limit = limit
        self._leases: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._alone: set[str] = set()
        self._quarantined: set[str] = set()

    @property
    def quarantined(self) -> frozenset[str]:
        """The devices that get no more runs."""
        return frozenset(self._quarantined)

    @property
    def free(self) -> int:
        """Number of leases that could be taken now."""
        room = sum(max(0, self._places[device] - self._leases[device]) for device in self._usable())
        return max(0, min(room, self._limit - self._leases.total()))

    def can_take(self, *, exclusive: bool = False) -> bool:
        """Return whether `take` would find a device."""
        return self._choose(exclusive) is not None

    def take(self, *, exclusive: bool = False) -> str:
        """Lease a place; `exclusive` means a whole device without other runs. Raises DeviceBusyError."""
        device = self._choose(exclusive)
        if device is None:
            raise DeviceBusyError("no device is free for exclusive use" if exclusive else "no slot is free")
        self._leases[device] += 1
        if exclusive:
            self._alone.add(device)
        return device

    def take_over(self, device: str) -> None:
        """Record the lease of a run that an earlier orchestrator started, even beyond the limit."""
        self._leases[device] += 1

    def give_back(self, device: str, *, has_failed: bool) -> bool:
        """End a lease and record its outcome; return whether this quarantines the device."""
        self._leases[device] -= 1
        self._alone.discard(device)
        self._failures[device] = self._failures[device] + 1 if has_failed else 0
        others = self._places.keys() - self._quarantined - {device}
        if self._failures[device] < QUARANTINE_AFTER or not others or device in self._quarantined:
            return False
        self._quarantined.add(device)
        return True

    def _usable(self) -> list[str]:
        barred = self._quarantined | self._alone
        return [device for device in self._places if device not in barred]

    def _choose(self, exclusive: bool) -> str | None:
        if self._leases.total() >= self._limit:
            return None
        most = 1 if exclusive else None
        fits = [d for d in self._usable() if self._leases[d] < (most or self._places[d])]
        return min(fits, key=lambda device: self._leases[device], default=None)

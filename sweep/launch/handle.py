"""The handle of a run on a machine: the host, the pid and its start time, which no later process has again."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessHandle:
    """A process, on whatever host. `started_at` is in seconds since the epoch, as psutil gives it."""

    host: str
    pid: int
    started_at: float

    def __str__(self) -> str:
        """Return it as the store keeps it."""
        return f"{self.host}:{self.pid}:{self.started_at!r}"

    @classmethod
    def parse(cls, text: str) -> "ProcessHandle | None":
        """Return the handle that a text is, None for another launcher's."""
        host, _, rest = text.rpartition(":")
        host, _, pid = host.rpartition(":")
        try:
            return cls(host=host, pid=int(pid), started_at=float(rest))
        except ValueError:
            return None

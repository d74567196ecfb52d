"""What `run.watch` records of a training run, without touching its loop or its random state (docs/monitor.md)."""

from sweep.worker.monitor.monitor import Monitor
from sweep.worker.monitor.sampling import SAMPLINGS

__all__ = ["SAMPLINGS", "Monitor"]

"""A running trial: what its events file contains so far."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.states import TrialState
from sweep.domain.trial import RunRecord, TrialRecord
from sweep.drivers.protocol import Proposal
from sweep.launch import Launched
from sweep.rundir import RunDir, facts_of, points_of


@dataclass(slots=True)
class LiveRun:
    """A live run. `read_bytes` is how much of events.jsonl has been read, in bytes.

    `is_wanted` is False for a run of a retired trial, whose outcome is no longer needed. `has_folder` is False if the
    files in `dir` are not this run's. `exclusive` is True if it needs a device alone. `handle` is its launcher's, None
    until it is launched; `device` is where its process runs, None while it is queued.
    """

    trial: TrialRecord
    run: RunRecord
    dir: RunDir
    is_wanted: bool = True
    has_folder: bool = True
    exclusive: bool = False
    handle: str | None = None
    device: str | None = None
    has_started: bool = False
    is_marked_running: bool = False
    is_whole: bool = False  # everything it logged was ingested at once, at its end
    read_bytes: int = 0
    last_step: int = 0
    facts: dict[str, float | str] = field(default_factory=dict)
    chunks: dict[str, list[Series]] = field(default_factory=dict)
    shown: int = 0  # number of chunks of the target's metric that the driver has seen
    is_pruned: bool = False

    @property
    def proposal(self) -> Proposal:
        """The proposal that the driver made."""
        return Proposal(self.trial.cell, self.trial.seed)

    def take(self, launched: Launched) -> None:
        """Keep its launcher's handle, and where its process runs if it has one."""
        self.handle = launched.handle
        if launched.started is not None:
            self.device = launched.started.device

    def read(self) -> Mapping[str, Series]:
        """Read what the run has written since the last call; return its new points by metric."""
        if not self.has_folder:
            return {}
        events, self.read_bytes = self.dir.read_events(self.read_bytes)
        self.has_started = self.has_started or bool(events)
        self.facts.update(facts_of(events))
        points = points_of(events)
        for metric, series in points.items():
            self.chunks.setdefault(metric, []).append(series)
            self.last_step = max(self.last_step, int(series.steps.max(initial=0)))
        return points

    def resume(self, stored: Mapping[str, Series]) -> None:
        """Continue after an earlier orchestrator; `stored` is what it has ingested of this run, by metric."""
        events, _ = self.dir.read_events(0)
        self.facts.update(facts_of(events))
        self.has_started = bool(events)
        self.is_marked_running = self.run.state in (TrialState.RUNNING, TrialState.PAUSED)
        self.read_bytes = self.run.ingested_bytes
        self.chunks = {metric: [series] for metric, series in stored.items()}
        self.last_step = max((int(s.steps.max(initial=0)) for s in stored.values()), default=0)

    def series(self) -> dict[str, Series]:
        """Return everything logged so far, by metric."""
        return {metric: joined(chunks) for metric, chunks in self.chunks.items()}

    def unseen(self, metric: str | None) -> Iterator[tuple[int, float]]:
        """Yield (step, value) of each point of `metric` not yielded before, in order."""
        chunks = self.chunks.get(metric or "", [])[self.shown :]
        self.shown += len(chunks)
        for chunk in chunks:
            yield from zip(chunk.steps.tolist(), chunk.values.tolist(), strict=True)

    def latest(self, metric: str | None) -> tuple[int, float] | None:
        """Return (step, value) of the last point of `metric`, None if it has none."""
        chunks = self.chunks.get(metric or "")
        return None if not chunks else (int(chunks[-1].steps[-1]), float(chunks[-1].values[-1]))


def joined(chunks: list[Series]) -> Series:
    """Return the chunks of one metric as one series."""
    if len(chunks) == 1:
        return chunks[0]
    return Series(np.concatenate([c.steps for c in chunks]), np.concatenate([c.values for c in chunks]))

"""A trial that runs now: what its events file has said so far."""

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
    """One run being followed. `read_bytes` is how much of events.jsonl has been taken in.

    `is_wanted` is False for a run of a retired trial, whose outcome nobody asks for any more; `has_folder` is False
    if what lies in `dir` is not this run's; `exclusive` is True if it is to have a device alone. `handle` is its
    launcher's, None until it is launched; `device` where its process runs, None while it is queued.
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
    is_whole: bool = False  # all it logged came into the store at once, at its end
    read_bytes: int = 0
    last_step: int = 0
    facts: dict[str, float | str] = field(default_factory=dict)
    chunks: dict[str, list[Series]] = field(default_factory=dict)
    shown: int = 0  # how many chunks of the target's metric the driver has seen
    is_pruned: bool = False

    @property
    def proposal(self) -> Proposal:
        """What the driver asked for."""
        return Proposal(self.trial.cell, self.trial.seed)

    def take(self, launched: Launched) -> None:
        """Note by what its launcher knows it, and where its process runs if it has one."""
        self.handle = launched.handle
        if launched.started is not None:
            self.device = launched.started.device

    def read(self) -> Mapping[str, Series]:
        """Take in what the run has written since the last call and return its new points by metric."""
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
        """Go on where an earlier driver left off: `stored` is what it brought into the store of this run."""
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
        """Yield (step, value) of each point of `metric` that this has not yielded before, in their order."""
        chunks = self.chunks.get(metric or "", [])[self.shown :]
        self.shown += len(chunks)
        for chunk in chunks:
            yield from zip(chunk.steps.tolist(), chunk.values.tolist(), strict=True)

    def latest(self, metric: str | None) -> tuple[int, float] | None:
        """Return (step, value) of the last point of `metric`, None where it has none."""
        chunks = self.chunks.get(metric or "")
        return None if not chunks else (int(chunks[-1].steps[-1]), float(chunks[-1].values[-1]))


def joined(chunks: list[Series]) -> Series:
    """Return the chunks of one metric as one series."""
    if len(chunks) == 1:
        return chunks[0]
    return Series(np.concatenate([c.steps for c in chunks]), np.concatenate([c.values for c in chunks]))

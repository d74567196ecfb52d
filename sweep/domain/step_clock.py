"""The step clock: maps the steps that a task logs to positions in its run, in optimizer steps (docs/tasks.md).

It sees the order in which all metrics are logged, which stored series do not keep. A task whose steps only ever rise is
left unchanged. Standard library only; used while a run logs, never when reading.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from sweep.domain.steps import StepFinding, StepKind

LAG_LEAST, LAG_MOST, LAG_SHARE = 2, 10, 50
"""A series at most this many steps behind (a 50th of the budget, between these bounds) is in step with the others."""
RESUMED_SHARE = 4
"""A counter was resumed if its first step, beyond the budget, is this many times the distance to the next one."""
BACK_LEAST = 3
"""Steps that go back less often are a few late values, and are not reported."""

RATIO = {StepKind.BEHIND: 3, StepKind.BEHIND_OPTIMIZER: 8}
"""A series has another unit if the run advances this many times as fast as its own steps do.

The run is all other series, or the watched optimizer. A series that steps 5 times in each round of a GAN does not have
another unit.
"""

Placed = Sequence[tuple[int, Mapping[str, float]]]
"""Values, each with its position."""


class _Track:
    """One series: what it logged last, and how its steps relate to the position of the run."""

    __slots__ = (
        "anchor_at", "anchor_raw", "at", "backs", "first", "first_odd", "held", "is_free", "offset", "raw", "stride",
        "times", "unit",
    )  # fmt: skip

    def __init__(self, raw: int) -> None:
        self.first = raw  # its first logged step, at which a restarted counter starts again
        self.raw = raw  # the last one
        self.at = raw  # the position of the last one
        self.stride = 0  # from one logged step to the next, 0 before there are two
        self.anchor_raw = self.anchor_at = raw  # the last time it was in step with the run
        self.offset = 0  # added to its steps since its counter restarted
        self.times = 0  # number of restarts
        self.backs: list[tuple[int, int]] = []
        self.held: list[tuple[int, int, float]] = []  # (logged step, position of the run, value), not placed yet
        self.is_free = False  # logged after the training: its own steps count
        self.unit: StepKind | None = None  # counts something else: BEHIND or BEHIND_OPTIMIZER
        self.first_odd: tuple[int, int] = (raw, raw)

    def see(self, raw: int, at: int) -> None:
        """Record a logged step and its position."""
        if raw > self.raw:
            self.stride = raw - self.raw
        self.raw, self.at = raw, at


class StepClock:
    """Places the values of one run. `is_plain`: no step was placed elsewhere than logged, and none is held back."""

    def __init__(self, budget_steps: int) -> None:
        self._budget = budget_steps
        self._lag = min(LAG_MOST, max(LAG_LEAST, budget_steps // LAG_SHARE))
        self._tracks: dict[str, _Track] = {}
        self._reached = 0  # the furthest position of a series that counts steps
        self._leader = ""
        self.is_plain = True
        self._origin = 0  # steps made before this run
        self._offset = 0  # of the last series whose counter restarted
        self._early: list[tuple[int, Mapping[str, float]]] = []  # first values, beyond the budget, not placed yet
        self._resumed_at: int | None = None
        self._taken = 0  # steps of the watched optimizer

    def place(self, step: int, values: Mapping[str, float], taken: int | None = None) -> Placed:
        """Return values with their positions: those of this call, and earlier ones whose position is known only now.

        `taken` is the number of steps of the watched optimizer, None if none is watched. Values whose position is not
        known yet come with a later call, or with `finish`.
        """
        if taken is not None:
            self._taken = taken
        is_in_order = step >= self._reached and (taken is None or taken - step <= self._lag)
        if self.is_plain and is_in_order and (step <= self._budget or self._reached):
            self._reached = step
            run = step if taken is None or taken < step else taken
            for name in values:
                track = self._tracks.get(name)
                if track is None:
                    track = self._tracks[name] = _Track(step)
                    track.anchor_at = run
                elif step != track.raw:
                    track.stride = step - track.raw
                    track.raw = track.at = track.anchor_raw = step
                    track.anchor_at = run
                self._leader = name
            return ((step, values),)
        return self._place_odd(step, values, taken)

    def finish(self) -> Placed:
        """Return the values whose position never became known.

        First values beyond the budget stay where they were logged; one that came far behind is placed at the step
        reached.
        """
        placed: list[tuple[int, Mapping[str, float]]] = []
        kind = StepKind.BEHIND if self._leader else StepKind.BEHIND_OPTIMIZER
        for name, track in self._tracks.items():
            for raw, at, value in track.held:
                self._set_unit(track, kind, raw, at)
                track.see(raw, at)
                placed.append((at, {name: value}))
            track.held = []
        early, self._early = self._early, []
        return [*placed, *early]

    def findings(self, *, is_over: bool = False) -> tuple[StepFinding, ...]:
        """Return the findings so far; with `is_over`, also those that only the whole run can show."""
        found = [finding for name, track in self._tracks.items() for finding in self._of_series(name, track)]
        if self._resumed_at is not None:
            found.append(
                StepFinding(
                    kind=StepKind.RESUMED,
                    series="",
                    first=self._resumed_at,
                    last=self._reached + self._origin,
                    at_first=self._resumed_at - self._origin,
                    at_last=self._reached,
                    times=1,
                )
            )
        far = RATIO[StepKind.BEHIND_OPTIMIZER] * self._taken + self._lag
        if is_over and self._taken >= LAG_LEAST and self._reached >= far:
            found.append(
                StepFinding(
                    kind=StepKind.AHEAD,
                    series=self._leader,
                    first=0,
                    last=self._reached,
                    at_first=0,
                    at_last=self._taken,
                    times=1,
                )
            )
        return tuple(found)

    def _of_series(self, name: str, track: _Track) -> Iterable[StepFinding]:
        if track.unit is not None:
            first, at = track.first_odd
            yield StepFinding(
                kind=track.unit,
                series=name,
                first=first,
                last=track.raw,
                at_first=at,
                at_last=track.at,
                times=track.times,
                leader=self._leader if track.unit is StepKind.BEHIND else "",
            )
        elif track.offset > self._lag:
            yield StepFinding(
                kind=StepKind.RESTARTS,
                series=name,
                first=track.first,
                last=track.raw,
                at_first=track.first_odd[1],
                at_last=track.at,
                times=track.times,
            )
        if len(track.backs) >= BACK_LEAST:
            before, after = track.backs[0]
            yield StepFinding(
                kind=StepKind.BACK,
                series=name,
                first=before,
                last=after,
                at_first=before,
                at_last=after,
                times=len(track.backs),
            )

    # Anything that is not plain

    def _place_odd(self, step: int, values: Mapping[str, float], taken: int | None) -> Placed:
        waiting: list[tuple[int, Mapping[str, float]]] = []
        if not self._reached and step > self._budget and not self._origin:
            if not self._is_next_known(step, values):
                return ()
            waiting, self._early = self._early, []
        else:  # no longer beyond the budget: the counter was not resumed
            waiting, self._early = [*self._early, (step, values)], []
        return [each for at, some in waiting for each in self._place_each(at, some, taken)]

    def _is_next_known(self, step: int, values: Mapping[str, float]) -> bool:
        """Hold back the first values, which lie beyond the budget, until the next step shows what the counter does.

        The distance between two steps shows whether it was resumed or the task logs rarely.
        """
        self._early.append((step, values))
        self.is_plain = False
        first = self._early[0][0]
        distance = step - first
        if 0 < distance < self._budget and RESUMED_SHARE * distance <= first:
            self._origin, self._resumed_at = first - distance, first
        return distance != 0

    def _place_each(self, step: int, values: Mapping[str, float], taken: int | None) -> Placed:
        raw = step - self._origin if step > self._origin else step
        reached, kind = self._reached, StepKind.BEHIND
        if taken is not None and taken > reached + self._lag:
            reached, kind = taken, StepKind.BEHIND_OPTIMIZER
        if not values:
            return ((raw, values),)
        each: list[tuple[int, int, str, float]] = []
        for name, value in values.items():
            furthest = 0  # a series keeps its own order, even if its steps go back
            for at, one in self._place_one(name, raw, value, reached, kind):
                furthest = max(furthest, at)
                each.append((furthest, at, name, one))
        return _grouped(sorted(each, key=itemgetter(0)))

    def _place_one(self, name: str, raw: int, value: float, reached: int, kind: StepKind) -> list[tuple[int, float]]:
        track = self._tracks.get(name)
        if track is None:
            track = self._tracks[name] = _Track(raw)
            if self._in_lap(raw, reached) is None:
                track.anchor_at = max(raw, reached)
                if RATIO[kind] * raw <= reached - self._lag and not self._is_shuffled():
                    track.held = [(raw, reached, value)]
                    self.is_plain = False
                    return []
        elif track.held:
            return self._release(track, raw, value, reached, kind)
        at = self._position(track, raw, reached, kind)
        track.see(raw, at)
        if track.unit is None and at >= self._reached:
            self._reached, self._leader = at, name
        return [(at, value)]

    def _release(self, track: _Track, raw: int, value: float, reached: int, kind: StepKind) -> list[tuple[int, float]]:
        """Place the first values of a series that began far behind, once its steps or the run's have moved."""
        first, at_first, _ = track.held[0]
        track.held.append((raw, reached, value))
        own, run = raw - first, reached - at_first
        if own == 0 and run == 0:
            return []
        held, track.held = track.held, []
        if run > 0 and run >= RATIO[kind] * own:
            self._set_unit(track, kind, first, at_first)
            track.see(raw, reached)
            return [(at, one) for _, at, one in held]
        track.is_free = run == 0
        track.see(raw, raw)
        track.anchor_raw, track.anchor_at = raw, reached
        return [(logged, one) for logged, _, one in held]

    def _position(self, track: _Track, raw: int, reached: int, kind: StepKind) -> int:
        if track.unit is not None:
            return reached
        if track.is_free:
            return raw
        if raw < track.raw:
            return self._after_drop(track, raw, reached, kind)
        at = raw + track.offset
        if reached - at <= self._lag:
            if raw != track.anchor_raw:
                track.anchor_raw, track.anchor_at = raw, max(reached, at)
            return at
        lap = self._in_lap(raw, reached)
        if lap is not None:
            return self._after_restart(track, raw, lap)
        own, run = raw - track.anchor_raw, reached - track.anchor_at
        if run > self._lag and run >= RATIO[kind] * own and not self._is_shuffled():
            self._set_unit(track, kind, raw, reached)
            return reached
        return at

    def _after_drop(self, track: _Track, raw: int, reached: int, kind: StepKind) -> int:
        """Return the position of a step below the previous one: the counter restarted, or steps are out of order."""
        lap = self._in_lap(raw, reached)
        if lap is not None:
            return self._after_restart(track, raw, lap)
        if not track.backs and track.stride and self._is_start(track, raw):
            self._offset = track.at + track.stride - raw
            return self._after_restart(track, raw, self._offset)
        if reached - track.at > self._lag and not track.backs and not self._is_shuffled():
            self._set_unit(track, kind, raw, reached)  # it falls back while the run continues
            return reached
        if track.raw - raw > self._lag:
            track.backs.append((track.raw, raw))
        return raw + track.offset

    def _is_start(self, track: _Track, raw: int) -> bool:
        return raw == track.first or (abs(raw - track.first) <= 1 and track.raw - track.first >= LAG_MOST)

    def _is_shuffled(self) -> bool:
        return any(len(track.backs) >= BACK_LEAST for track in self._tracks.values())

    def _in_lap(self, raw: int, reached: int) -> int | None:
        """Return the offset of the restarted counter that this step belongs to."""
        is_near = self._offset and abs(raw + self._offset - reached) <= self._lag
        return self._offset if is_near else None

    def _after_restart(self, track: _Track, raw: int, offset: int) -> int:
        """Return the position of a step of a restarted counter."""
        if offset != track.offset:
            if not track.times:
                track.first_odd = (track.raw, track.at)
            track.offset = offset
            track.times += 1
            self.is_plain = False
        at = raw + offset
        track.anchor_raw, track.anchor_at = raw, at
        return at

    def _set_unit(self, track: _Track, kind: StepKind, raw: int, at: int) -> None:
        track.unit, track.first_odd, self.is_plain = kind, (raw, at), False


def _grouped(each: Iterable[tuple[int, int, str, float]]) -> Placed:
    """Return values, in this order, with those of different series at one position together."""
    placed: list[tuple[int, dict[str, float]]] = []
    for _, at, name, value in each:
        if not placed or placed[-1][0] != at or name in placed[-1][1]:
            placed.append((at, {}))
        placed[-1][1][name] = value
    return placed

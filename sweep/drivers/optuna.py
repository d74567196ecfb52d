"""The optuna driver: a search over axes and params by one of Optuna's samplers.

Optuna's study lives in memory and is never the source of truth: a resume rebuilds it from the outcomes in our store
(docs/decisions/0004).
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import TrialState as OptunaState

from sweep.domain.axis import BASE, Axis, Cell
from sweep.domain.space import Categorical, IntRange, Param, Value
from sweep.domain.target import Mode, Target
from sweep.domain.trial import Outcome
from sweep.drivers.optuna_settings import OptunaSettings
from sweep.drivers.points import PointSpace
from sweep.drivers.protocol import Proposal
from sweep.drivers.scores import Penalty, Score, ScoreKind, Scoring, combine
from sweep.seeds import stream_seed

_RESAMPLES = 16
"""Number of times a repeating sampler is asked again, then random draws, before an untried point is taken."""

_FOLLOWS_ITS_OWN_TRACE = frozenset({"CmaEsSampler", "NSGAIISampler", "QMCSampler"})
"""Samplers that store attributes on a trial when they draw it and need them later: they draw replayed trials, too."""


@dataclass(slots=True)
class _Point:
    """One point of the search: its cell, the outcome of each of its seeds, and its trial in Optuna's study."""

    cell: Cell
    values: dict[str, Value]
    trial: optuna.Trial
    scores: dict[int, Score] = field(default_factory=dict)
    reported: dict[int, float] = field(default_factory=dict)
    is_closed: bool = False


class OptunaDriver:
    """Ask / tell over Optuna.

    Each point is tried on the first `seeds_per_point` seeds and told to Optuna once all of them are in. With
    `base_first` the base comes first, since everything is compared with it. `n_trials` counts points, however they
    end, including those told on resume; the base counts as one only if it is a point of the space (no params). The
    search ends earlier if the whole space has been tried.

    Every draw has a sampler seeded by the number of points so far, so that proposals depend on the settings and the
    told history alone: with one slot, a search that is interrupted at any point and resumed proposes the same points.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        axes: Sequence[Axis],
        space: Sequence[Param],
        target: Target,
        seed: int,
        seeds: Sequence[int],
    ) -> None:
        self.settings = OptunaSettings.read(settings)
        self._seed = seed if self.settings.seed is None else self.settings.seed
        self._seeds = tuple(dict.fromkeys(seeds))[: self.settings.seeds_per_point]
        self._space = PointSpace(axes, space)
        self._scoring = Scoring(objective=self.settings.objective, target=target)
        self._penalty = Penalty(self._scoring)
        self._points: dict[Cell, _Point] = {}  # in the order in which they were proposed or told
        self._seen: set[Proposal] = set()
        self._queue: deque[Proposal] = deque()
        self._study = self._new_study()
        self.settings.build_sampler(0)  # a wrong argument is an error now, not after the first trial

    def ask(self, count: int) -> Sequence[Proposal]:
        """Return up to `count` trials: missing seeds of open points first, then new points."""
        proposals: list[Proposal] = []
        while len(proposals) < count:
            if not self._queue and not self._open_next():
                break
            proposal = self._queue.popleft()
            if proposal not in self._seen:
                self._seen.add(proposal)
                proposals.append(proposal)
        return tuple(proposals)

    def tell(self, outcome: Outcome) -> None:
        """Record a finished trial; one outside the space or its seeds is only never proposed again."""
        point = self._known_point(Proposal(outcome.cell, outcome.seed))
        if point is None:
            return
        score = self._scoring.score(outcome)
        point.scores[outcome.seed] = score
        moved = score.kind is ScoreKind.VALUE and score.value is not None and self._penalty.is_moved_by(score.value)
        if moved and any(ScoreKind.DIVERGED in {s.kind for s in p.scores.values()} for p in self._points.values()):
            self._rebuild()  # Optuna's values cannot be changed once told
        else:
            self._close(point)

    def adopt(self, proposal: Proposal) -> None:
        """Record a trial as out: until it is told, the sampler keeps away from its point."""
        self._known_point(proposal)

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        """Return whether Optuna's pruner prunes the trial; a NaN is left to the judge."""
        point = self._points.get(self._space.canonical(proposal.cell))
        metric = self._scoring.intermediate(value)
        if self.settings.pruner == "NopPruner" or point is None or point.is_closed or metric is None:
            return False
        if step not in point.reported:
            point.reported[step] = metric
            point.trial.report(metric, step)
        return bool(point.trial.should_prune())  # numpy's bool in some pruners

    def expected_trials(self) -> int:
        """Return the total number of trials."""
        points = self.settings.n_trials if self._space.size is None else min(self.settings.n_trials, self._space.size)
        extra = self.settings.base_first and self._space.point(BASE) is None
        return (max(points, len(self._points)) + extra) * len(self._seeds)

    pauses: ClassVar[bool] = False

    @property
    def prunes(self) -> bool:
        """Whether a pruner is set."""
        return self.settings.pruner != "NopPruner"

    @property
    def study(self) -> optuna.Study:
        """Optuna's study in its current state, to read."""
        return self._study

    def _known_point(self, proposal: Proposal) -> _Point | None:
        """Return the point of a trial, created if it is new, None if the trial is not of this search."""
        self._seen.add(proposal)
        values = self._space.point(proposal.cell)
        if values is None:
            return None
        cell = self._space.cell(values)  # a trial on record may spell a value otherwise: 0.7000000000000001 for 0.7
        self._seen.add(Proposal(cell, proposal.seed))
        if proposal.seed not in self._seeds:
            return None
        return self._points.get(cell) or self._open(values)

    def _open_next(self) -> bool:
        """Queue the seeds of the next point; return False if there is none left to try."""
        if self.settings.base_first and not all(Proposal(BASE, seed) in self._seen for seed in self._seeds):
            values = self._space.point(BASE)
            if values is None:
                self._queue.extend(Proposal(BASE, seed) for seed in self._seeds)
            elif BASE not in self._points:
                self._open(values)
            return True
        if len(self._points) >= self.settings.n_trials or len(self._points) == self._space.size:
            return False
        for attempt in range(2 * _RESAMPLES):
            trial = self._draw(attempt)
            if self._space.cell(trial.params) not in self._points:
                self._add(trial)
                return True
            # Told as no evidence: its value is known already, and counted twice it would weigh double.
            self._study.tell(trial, state=OptunaState.FAIL)
        values = self._untried()
        if values is not None:
            self._open(values)
        return values is not None

    def _open(self, values: dict[str, Value]) -> _Point:
        """Return the new point with these values, drawn or not by the sampler."""
        return self._add(self._replay(values))

    def _add(self, trial: optuna.Trial) -> _Point:
        values = dict(trial.params)
        point = _Point(self._space.cell(values), values, trial)
        self._points[point.cell] = point
        self._queue.extend(Proposal(point.cell, seed) for seed in self._seeds)
        return point

    def _draw(self, attempt: int) -> optuna.Trial:
        """Return a trial with values from a sampler seeded by the number of points and of attempts so far."""
        if attempt < _RESAMPLES:
            self._study.sampler = self._sampler(attempt)
        else:
            self._study.sampler = optuna.samplers.RandomSampler(seed=self._stream(f"random/{attempt}"))
        return self._suggest(self._study.ask())

    def _replay(self, values: Mapping[str, Value]) -> optuna.Trial:
        """Return a trial with the values given; the sampler stores its attributes on it if it needs them later."""
        self._study.enqueue_trial(dict(values))
        if self.settings.sampler not in _FOLLOWS_ITS_OWN_TRACE:
            self._study.sampler = optuna.samplers.RandomSampler(seed=0)  # draws nothing, and costs nothing
            return self._suggest(self._study.ask())
        self._study.sampler = self._sampler(attempt=0)
        trial = self._study.ask()
        _ = trial.relative_params  # drawn lazily since Optuna 5, and not at all for values that are given
        return self._suggest(trial)

    def _sampler(self, attempt: int) -> BaseSampler:
        # QMC's place in its sequence is kept in the study under its seed: another seed would be another sequence.
        is_sequence = self.settings.sampler == "QMCSampler"
        return self.settings.build_sampler(self._seed % 2**32 if is_sequence else self._stream(f"sampler/{attempt}"))

    def _stream(self, name: str) -> int:
        """Return the seed of a draw, a different one for each number of points so far."""
        return stream_seed(self._seed, f"optuna/{len(self._points)}/{name}")

    def _suggest(self, trial: optuna.Trial) -> optuna.Trial:
        """Return `trial` with a value for each dimension: those it was enqueued with, or the sampler's."""
        for name, d in self._space.dimensions.items():
            if isinstance(d, Categorical):
                trial.suggest_categorical(name, d.choices)
            elif isinstance(d, IntRange):
                trial.suggest_int(name, d.low, d.high, step=d.step, log=d.log)
            else:
                trial.suggest_float(name, d.low, d.high, step=d.step, log=d.log)
        return trial

    def _untried(self) -> dict[str, Value] | None:
        """Return an untried point of a space that has a size: the first one from a random place on."""
        size = self._space.size
        if size is None:
            return None
        start = self._stream("untried") % size
        points = (self._space.at((start + offset) % size) for offset in range(size))
        return next((p for p in points if self._space.cell(p) not in self._points), None)

    def _close(self, point: _Point) -> None:
        """Tell Optuna of a point once all its seeds are in."""
        if point.is_closed or any(seed not in point.scores for seed in self._seeds):
            return
        point.is_closed = True
        score = combine([point.scores[seed] for seed in self._seeds], self._penalty.value)
        match score.kind:
            case ScoreKind.VALUE:
                self._study.tell(point.trial, score.value)
            case ScoreKind.DIVERGED:
                self._study.tell(point.trial, self._penalty.value)
            case ScoreKind.CUT_SHORT:
                if score.value is not None and all(step < score.step for step in point.reported):
                    point.reported[score.step] = score.value
                    point.trial.report(score.value, score.step)
                self._study.tell(point.trial, state=OptunaState.PRUNED)
            case ScoreKind.NO_EVIDENCE:
                self._study.tell(point.trial, state=OptunaState.FAIL)

    def _rebuild(self) -> None:
        """Recreate Optuna's study from the points, with the current penalty."""
        self._study = self._new_study()
        for point in self._points.values():
            point.trial = self._replay(point.values)
            for step, value in point.reported.items():
                point.trial.report(value, step)
            point.is_closed = False
            self._close(point)

    def _new_study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # Hyperband assigns brackets by the study's name: a fixed one keeps that the same on every run.
        return optuna.create_study(
            study_name="sweep",
            direction="minimize" if self._scoring.mode is Mode.MIN else "maximize",
            pruner=self.settings.build_pruner(),
            sampler=optuna.samplers.RandomSampler(seed=0),
        )

"""Judges trials with verdicts by earlier rules again, from the stored curves; runs that such a rule ended are rerun."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from sweep.config.schema import Adopted
from sweep.domain.kinds import StudyKind
from sweep.domain.plural import count_text
from sweep.domain.rules import RULES_VERSION
from sweep.domain.states import StopReason, TrialState
from sweep.domain.target import Target, TargetRule
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.domain.verdict import Judgement, Verdict
from sweep.judge import SymptomThresholds, judge
from sweep.judge.cutting import cut_to
from sweep.rundir import StudyDir, facts_of
from sweep.store import Store

_BY_RULES = frozenset({StopReason.CONVERGED, StopReason.DIVERGED})
_OF_FACTS = frozenset({str(TargetRule.SKILL), str(TargetRule.EXPLAINED_VARIANCE)})


@dataclass(slots=True)
class Counts:
    """Numbers of trials with verdicts by earlier rules. Those in `cut` and `lost` are run again."""

    again: int = 0  # judged again
    changed: int = 0  # of those, the ones with another verdict now
    cut: int = 0  # an earlier rule ended their run at a point where the current rules decide nothing
    lost: int = 0  # their curves, or what their task described of its data, are deleted

    def words(self) -> str:
        """Return the counts as a sentence for the user, empty if there was nothing to judge again."""
        parts = []
        if self.again:
            made = f"{count_text(self.again, 'trial')} judged again from the stored curves by rules "
            parts.append(f"{made}{RULES_VERSION}: {count_text(self.changed, 'verdict')} changed")
        for count, why in (
            (self.cut, "an earlier rule ended them too early for the current rules"),
            (self.lost, "their curves are deleted, so the current rules cannot judge them"),
        ):
            if count:
                parts.append(f"{count_text(count, 'trial')} to be run again: {why}")
        return "; ".join(parts)


class Rejudge:
    """Judges recorded trials by the current rules, for the target of one study. It only reads; the caller saves."""

    def __init__(
        self, store: Store, target: Target, thresholds: SymptomThresholds, adopted: Adopted | None = None
    ) -> None:
        self._store, self._target = store, target
        self._adopted = adopted
        self._thresholds = thresholds
        self._known: dict[int, Judgement | None] = {}
        self.counts = Counts()

    def again(self, trial: TrialRecord) -> Judgement | None:
        """Return the judgement of a recorded trial by the current rules, None if the data to judge it are gone."""
        if trial.id not in self._known:
            self._known[trial.id] = now = self._judge(trial)
            old = trial.judgement
            if now is None:
                self.counts.lost += 1
            elif self.was_cut(trial, now):
                self.counts.cut += 1
            else:
                self.counts.again += 1
                self.counts.changed += old is not None and old.verdict is not now.verdict
        return self._known[trial.id]

    def was_cut(self, trial: TrialRecord, now: Judgement) -> bool:
        """Return whether earlier rules ended a run by a decision that the current judgement `now` does not confirm."""
        if now.verdict is not Verdict.UNDECIDED or trial.state is not TrialState.COMPLETED:
            return False
        run = self._store.latest_run(trial.id)
        return run is not None and _ended(run) in _BY_RULES

    def reusable(self, fingerprints: Iterable[str]) -> dict[str, tuple[int, Judgement]]:
        """Return (trial id, new judgement) by fingerprint, for trials judged by earlier rules that can be reused, and
        for the run of an inventory that stands for a trial of the base."""
        found = {}
        fingerprints = set(fingerprints)
        adopted = self._adopted
        if adopted is not None and adopted.fingerprint in fingerprints:
            judgement = self._judge_inventory(adopted.trial_id)
            if judgement.verdict is not Verdict.UNDECIDED:
                found[adopted.fingerprint] = (adopted.trial_id, judgement)
        for fingerprint, trial in self._store.find_outdated(fingerprints).items():
            now = self.again(trial)
            if now is not None and now.verdict is not Verdict.UNDECIDED:
                found[fingerprint] = (trial.id, now)
        return found

    def _judge(self, trial: TrialRecord) -> Judgement | None:
        run, old = self._store.latest_run(trial.id), trial.judgement
        assert old is not None
        series = self._store.series(trial.id)
        if run is None or not series:
            # Nothing was logged, which is undecided by any rules; or it was deleted, which leaves nothing to judge.
            return replace(old, rules_version=RULES_VERSION) if old.verdict is Verdict.UNDECIDED else None
        if self._home(trial.id).kind is StudyKind.INVENTORY:
            return self._judge_inventory(trial.id)
        facts = self._facts(trial.id)
        if old.rule in _OF_FACTS and not facts:
            return None
        return judge(series, self._target, facts, ended=_ended(run), state=trial.state, thresholds=self._thresholds)

    def _judge_inventory(self, trial_id: int) -> Judgement:
        """Return the judgement of an inventory's run as a trial with this target: up to where that would have ended."""
        facts = self._facts(trial_id)
        series, ended = cut_to(self._store.series(trial_id), self._target, facts)
        state = TrialState.COMPLETED
        return judge(series, self._target, facts, ended=ended, state=state, thresholds=self._thresholds)

    def _home(self, trial_id: int) -> StudyRecord:
        return self._store.study_running(trial_id)[0]

    def _facts(self, trial_id: int) -> Mapping[str, float | str]:
        """Return what a trial's task described of its data (`Run.describe`), empty if its folder is gone."""
        study, number = self._store.study_running(trial_id)
        with suppress(OSError):
            events, _ = StudyDir.of(study).trial(number).read_events(0)
            return facts_of(events)
        return {}


def reuse_finished(store: Store, added: Sequence[TrialRecord], rejudge: Rejudge) -> None:
    """Complete pending trials that any study has finished; those judged by earlier rules are judged again first.

    The study that ran them keeps its own verdicts until its command is run again.
    """
    finished = store.find_finished(trial.fingerprint for trial in added)
    older = rejudge.reusable(trial.fingerprint for trial in added if trial.fingerprint not in finished)
    for trial in added:
        if trial.fingerprint in finished:
            store.reuse(trial.id, finished[trial.fingerprint])
        elif trial.fingerprint in older:
            source, judgement = older[trial.fingerprint]
            store.reuse(trial.id, source)
            store.save_judgement(trial.id, judgement)


def usable_trials(store: Store, trials: Sequence[TrialRecord], rejudge: Rejudge) -> list[TrialRecord]:
    """Return the trials of a study with verdicts by the current rules; the others are judged again if possible.

    A trial that cannot be used is left out: the caller retires it and adds another in its place. Two trials of the same
    cell, seed and fingerprint mean that this has happened before; the old one is left out.
    """
    renewed = {_key(trial) for trial in trials if not _is_outdated(trial) and not _is_cut(trial, rejudge)}
    kept = []
    for trial in trials:
        if _is_outdated(trial):
            now = None if _key(trial) in renewed else rejudge.again(trial)
            if now is None:
                continue
            store.save_judgement(trial.id, now)
            if rejudge.was_cut(trial, now):
                continue
        elif _is_cut(trial, rejudge):
            continue
        kept.append(trial)
    return kept


def _is_outdated(trial: TrialRecord) -> bool:
    return trial.judgement is not None and not trial.judgement.is_current


def _is_cut(trial: TrialRecord, rejudge: Rejudge) -> bool:
    return trial.judgement is not None and rejudge.was_cut(trial, trial.judgement)


def _key(trial: TrialRecord) -> tuple[str, int, str]:
    return trial.cell.key, trial.seed, trial.fingerprint


def _ended(run: RunRecord) -> StopReason | None:
    return StopReason(run.stop_reason) if run.stop_reason else None

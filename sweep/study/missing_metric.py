"""Warns early, not only at the end of a study, if its trials do not log the target's metric."""

import logging
from collections.abc import Callable, Mapping

from sweep.domain.metric import Series
from sweep.domain.plural import count_text
from sweep.domain.states import TrialState
from sweep.domain.target import HOLD_EVALUATIONS, Target
from sweep.domain.trial import Outcome, StudyRecord
from sweep.domain.verdict import Verdict
from sweep.store import Store

logger = logging.getLogger(__name__)

ENOUGH = 3
"""Number of trials without a verdict, and none with one, after which the logged metrics are checked."""


class MetricWarning:
    """Follows the first outcomes of a session. It only warns: the base may fail before its first evaluation.

    `say` gets at most two messages: that the metric is not logged, and that it is evaluated too rarely.
    """

    def __init__(self, store: Store, record: StudyRecord, target: Target, say: Callable[[str], None]) -> None:
        self._store, self._record, self._target, self._say = store, record, target, say
        self._unjudged: list[Outcome] = []
        self._is_settled = self._is_hold_seen = record.kind.is_check  # it is not judged

    def take(self, outcome: Outcome, curves: Mapping[str, Series] | None = None) -> None:
        """Take the next outcome, with what its run logged; None if it ran in an earlier session."""
        if not self._is_hold_seen and curves is not None and outcome.state is TrialState.COMPLETED:
            self._is_hold_seen = True
            self._look_at_hold(outcome, curves)
        if self._is_settled:
            return
        self._unjudged.append(outcome)
        self._is_settled = outcome.is_evidence or len(self._unjudged) == ENOUGH
        if self._is_settled and not outcome.is_evidence:
            from sweep.analysis.unlogged import unlogged_sentences  # it imports SciPy

            said = unlogged_sentences(self._unjudged, self._target, self._store.metric_names(self._record.id))
            if said:
                logger.warning("%s", said)
                self._say(f"{said} (Checked after {ENOUGH} trials. Press Ctrl-C to stop the study.)")

    def _look_at_hold(self, outcome: Outcome, curves: Mapping[str, Series]) -> None:
        """Warn if a completed run has fewer evaluations than the target has to hold for."""
        target = self._target
        need = HOLD_EVALUATIONS if target.hold is None else target.hold
        metric = target.metric
        count = len(curves[metric]) if metric is not None and metric in curves else 0
        if not outcome.converged and outcome.verdict is not Verdict.DIVERGED and 0 < count < need:
            self._say(
                f"{metric} was evaluated {count_text(count, 'time')} in the first trial, and its target has to hold "
                f"for {need} evaluations. Evaluate more often, or add converge.hold={count}."
            )

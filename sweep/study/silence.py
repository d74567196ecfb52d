"""Says early what the answer would say at the end: that no trial logs what the target is judged by."""

from collections.abc import Callable

from sweep.domain.target import Target
from sweep.domain.trial import Outcome, StudyRecord
from sweep.store import Store

ENOUGH = 3
"""After so many trials without a verdict, and none with one, it is looked at what they log."""


class Silence:
    """Follows the first outcomes of a sitting. It only speaks: a base may break before its first evaluation.

    `say` is told at most once.
    """

    def __init__(self, store: Store, record: StudyRecord, target: Target, say: Callable[[str], None]) -> None:
        self._store, self._record, self._target, self._say = store, record, target, say
        self._unjudged: list[Outcome] = []
        self._is_settled = record.config.get("probe") is not None  # a probe is not judged

    def take(self, outcome: Outcome) -> None:
        """Take in the next outcome."""
        if self._is_settled:
            return
        self._unjudged.append(outcome)
        self._is_settled = outcome.is_evidence or len(self._unjudged) == ENOUGH
        if self._is_settled and not outcome.is_evidence:
            from sweep.analysis.unlogged import unlogged_sentences  # SciPy comes with it

            said = unlogged_sentences(self._unjudged, self._target, self._store.metric_names(self._record.id))
            if said:
                self._say(f"{said} (So it is after {ENOUGH} trials; Ctrl-C ends the study.)")

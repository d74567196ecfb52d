"""The outcome of a trial: symptoms and verdict. Separate from its execution state."""

from dataclasses import dataclass

from sweep.domain.enums import StrEnum
from sweep.domain.rules import RULES_VERSION
from sweep.domain.symptoms import layer_of, subject_of


class Verdict(StrEnum):
    """The scientific outcome of one trial."""

    CONVERGED = "converged"  # the target was met and held
    DIVERGED = "diverged"  # non-finite, or loss above 1e3 times its first value
    STALLED = "stalled"  # ran its budget short of the target with a flat loss
    NOT_CONVERGED = "not_converged"  # ran its budget short of the target, or reached and lost it
    UNDECIDED = "undecided"  # no evidence: crashed, cut short, or the target's metric was never logged


@dataclass(frozen=True, slots=True, kw_only=True)
class Symptom:
    """What a symptom rule found. `value` was measured at `step`; `threshold` is what the rule compares it with."""

    rule: str
    step: int
    value: float
    threshold: float
    metric: str = ""
    message: str = ""

    @property
    def layer(self) -> str:
        """The layer it is about, empty if none."""
        return layer_of(self.metric)

    @property
    def subject(self) -> str:
        """The metric without the layer: the same for runs that show the same thing in different layers."""
        return subject_of(self.metric)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on a trial with its evidence. All steps are optimizer steps."""

    verdict: Verdict
    reason: str  # one sentence: "val/acc >= 0.9 held for 3 evaluations from step 340"
    rule: str  # the rule of docs/method.md used: "target", "skill", "explained_variance", "half_loss"
    tau: int | None  # steps to target; None is a miss, censored at the budget
    last_step: int  # last step the run logged
    best: float | None = None  # best value of the target's metric; None if it never had a finite value
    final: float | None = None  # last value of it
    symptoms: tuple[Symptom, ...] = ()
    rules_version: int = RULES_VERSION  # version of the rules that made it (domain/rules)

    @property
    def is_current(self) -> bool:
        """Whether it was made by the current rules."""
        return self.rules_version == RULES_VERSION

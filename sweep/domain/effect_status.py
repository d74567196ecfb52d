"""What a study asks of a toggle, and how the answer is called. Light: verbs that print a summary read this."""

from collections.abc import Sequence

from sweep.domain.words import StrEnum

NOT_RUN_YET = "not run yet"
"""Of a trial, or of a toggle of which no trial has ended."""


class Question(StrEnum):
    """What the study answers."""

    RESTORE = "restore"  # the base does not converge: which change restores convergence?
    BREAK = "break"  # the base converges: which change breaks it?


class EffectStatus(StrEnum):
    """What may be said of a toggle, given the evidence. Public: these words are in summary.json."""

    RESTORES = "restores"  # base fails, base + toggle converges, and the exact test passed
    HELPS = "helps"  # measurably better than the base, short of `restores`
    NO_EFFECT = "no_effect"  # tried on enough seeds to rule a repair (or a break) out
    HARMS = "harms"  # measurably worse; where the base converges: breaks it
    INERT = "inert"  # touches nothing in this task; cost no trial
    UNDECIDED = "undecided"  # the evidence does not decide; see more_seeds


def together(toggles: Sequence[str]) -> str:
    """Return how the toggles of one set are named: `A`, `A with B`, `A with B and C`, `A with B, C and D`."""
    first, *rest = toggles
    if len(rest) < 2:
        return " with ".join(toggles)
    return f"{first} with {', '.join(rest[:-1])} and {rest[-1]}"

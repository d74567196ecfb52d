"""The question of a study, and the possible status of a toggle. Light: verbs that print a summary import it."""

from collections.abc import Sequence

from sweep.domain.enums import StrEnum

NOT_RUN_YET = "not run yet"
"""Status of a trial that has not ended, or of a toggle without an ended trial."""


class Question(StrEnum):
    """What the study asks."""

    RESTORE = "restore"  # the base does not converge: which change restores convergence?
    BREAK = "break"  # the base converges: which change breaks it?


class EffectStatus(StrEnum):
    """What the evidence says about a toggle. Public: these words are in summary.json."""

    RESTORES = "restores"  # base fails, base + toggle converges, and the exact test passed
    HELPS = "helps"  # measurably better than the base, short of `restores`
    NO_EFFECT = "no_effect"  # tried on enough seeds to rule out a repair (or a break)
    HARMS = "harms"  # measurably worse; if the base converges: breaks it
    INERT = "inert"  # changes nothing in this task; costs no trial
    UNDECIDED = "undecided"  # the evidence does not decide; see more_seeds


def together(toggles: Sequence[str]) -> str:
    """Return the toggles of a set as text: `A`, `A with B`, `A with B and C`, `A with B, C and D`."""
    first, *rest = toggles
    if len(rest) < 2:
        return " with ".join(toggles)
    return f"{first} with {', '.join(rest[:-1])} and {rest[-1]}"

"""Results of an adaptive study beside its ranking: how likely each toggle still is a repair, and the cost so far.

Computed by the analysis of an adaptive driver; the ranking of a fixed design has none.
"""

from dataclasses import dataclass

from sweep.domain.axis import Toggle
from sweep.domain.enums import StrEnum


class BaseFinding(StrEnum):
    """What an adaptive study found out about its base."""

    HEALTHY = "healthy"  # converges: nothing to repair
    FAILS = "fails"  # does not converge, by a sequential test over its seeds
    SEED_DEPENDENT = "seed_dependent"  # converges on some seeds only: no search


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleFinding:
    """What is known about one toggle. `posterior` is the probability that it repairs the base alone, in [0, 1].

    `verified`: it converged on the number of fresh seeds that the verification requires. `furthest` is how far its best
    run got from the base's final value (0) to the target (1); None without an evaluation.
    """

    toggle: Toggle
    posterior: float
    verified: bool
    furthest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Cost by purpose, in base-run equivalents: runs of the base, of the repair, and of everything else."""

    base: float
    repair: float
    other: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveFindings:
    """Findings of an adaptive driver. `p_single` and `p_pair` are the chances that a repair of that kind was missed.

    `pairs_tried` of `pairs` pairs of toggles were run; `questions` is the number of slices requested.
    """

    base: BaseFinding
    p_single: float
    p_pair: float
    pairs_tried: int
    pairs: int
    questions: int
    bre: Spent
    toggles: tuple[ToggleFinding, ...]

    def of(self, toggle: Toggle) -> ToggleFinding | None:
        """Return what is known about a toggle, or None."""
        return next((each for each in self.toggles if each.toggle == toggle), None)

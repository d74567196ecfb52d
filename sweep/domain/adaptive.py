"""What an adaptive study knows beside its ranking: how likely each toggle still is, and what the search has cost.

Computed by an adaptive driver's analysis; a ranking of a fixed design has none of it.
"""

from dataclasses import dataclass

from sweep.domain.axis import Toggle
from sweep.domain.words import StrEnum


class BaseFinding(StrEnum):
    """What an adaptive study found of its base."""

    HEALTHY = "healthy"  # it converges: there is nothing to repair
    FAILS = "fails"  # it does not, by a sequential test over its seeds
    SEED_DEPENDENT = "seed_dependent"  # it converges on some seeds: no search


@dataclass(frozen=True, slots=True, kw_only=True)
class ToggleFinding:
    """What is known of one toggle. `posterior` is the probability that it repairs the base alone, in [0, 1].

    `verified`: it converged on fresh seeds, as many as the verification asks for. `furthest` is how far its best run
    got from the base's final value (0) to the target (1); None without an evaluation.
    """

    toggle: Toggle
    posterior: float
    verified: bool
    furthest: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Cost by purpose, in base-run equivalents: runs of the base, of the repair, and of all that was tried else."""

    base: float
    repair: float
    other: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptiveFindings:
    """What an adaptive driver found. `p_single` and `p_pair` are the chances that a repair of that kind was missed.

    `pairs_tried` of `pairs` pairs of toggles were run; `questions` is how many slices were asked for.
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
        """Return what is known of a toggle, None if nothing is."""
        return next((each for each in self.toggles if each.toggle == toggle), None)

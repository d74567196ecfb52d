"""The kinds of studies: what a study's trials do with its task, and so what its result is."""

from collections.abc import Mapping, Sequence
from typing import Any

from sweep.domain.check import CheckName
from sweep.domain.words import StrEnum


class StudyKind(StrEnum):
    """What a study is. The store keeps it of each study; a night is not one: it has a table for itself."""

    ABLATION = "ablation"  # trains the cells of a design, or the base alone, and ranks them
    SEARCH = "search"  # trains the points that a sampler draws
    DATA = "data"  # looks at what the task trains on
    OVERFIT = "overfit"  # trains on ten samples until they are learnt
    LR_RANGE = "lr_range"  # trains with a learning rate that rises step by step
    CHECKS = "checks"  # made of several checks, one after the other
    DIAGNOSIS = "diagnosis"  # made of stages, each of which may decide what the next one is asked

    @property
    def is_staged(self) -> bool:
        """Whether such a study is made of others, has no trials, and a summary put together from theirs."""
        return self in (StudyKind.CHECKS, StudyKind.DIAGNOSIS)

    @property
    def is_check(self) -> bool:
        """Whether its trials do something else than train to the target, so that they are not judged."""
        return self in CHECKS_OF_TRIALS

    @property
    def has_verdicts(self) -> bool:
        """Whether its trials are trained and judged."""
        return not (self.is_staged or self.is_check)


CHECKS_OF_TRIALS = (StudyKind.DATA, StudyKind.OVERFIT, StudyKind.LR_RANGE)
"""The kinds whose trials are not judged; they have the names of their checks."""

_DECIDING_STAGE = "base"
"""The stage that every diagnosis has: what is asked after it depends on how the base did."""


def kind_of(*, stages: Sequence[str], check: CheckName | None) -> StudyKind:
    """Return the kind of a study with these stages and this check (None: its trials are trained).

    Of trained trials it is ABLATION; a driver may say otherwise of its studies.
    """
    if stages:
        return StudyKind.DIAGNOSIS if _DECIDING_STAGE in stages else StudyKind.CHECKS
    if check is not None:
        return StudyKind(str(check))
    return StudyKind.ABLATION


def kind_in(config: Mapping[str, Any]) -> StudyKind:
    """Return the kind of the study with this recorded config.

    Only for records of versions that kept no kind. They had two drivers, grid and optuna, and studies without one.
    """
    probe, driver = config.get("probe") or {}, config.get("driver") or {}
    kind = kind_of(
        stages=tuple(config.get("stages") or ()),
        check=CheckName(probe["name"]) if probe else None,
    )
    is_search = kind is StudyKind.ABLATION and driver.get("name", "grid") != "grid"
    return StudyKind.SEARCH if is_search else kind

"""Which of a program's metrics a user means by a name or its end. Standard library only."""

from collections.abc import Iterable
from dataclasses import dataclass

from sweep.domain.metric_names import WATCH
from sweep.domain.metric_words import PHASES, normal_name

FINAL = f"{PHASES['final']}/"
"""How names of figures begin that a program reports as its final ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoMatch:
    """No single metric is meant. `candidates`: those that could be meant, or, if none could, all that were seen."""

    asked: str
    candidates: tuple[str, ...]
    is_ambiguous: bool


def match_metric(asked: str, seen: Iterable[str]) -> str | NoMatch:
    """Return the full name of the metric that is asked for, or why there is none.

    An exact name wins, then one in the form in which names are recorded (`val_acc` is `val/acc`), then a name of which
    `asked` is the end, at a `/` or, if there is none, at a `_`: `acc` is `val/acc`. Final figures are meant by theirs
    only if no other metric is. Bests so far and the monitor's series must be named in full.
    """
    names = tuple(dict.fromkeys(seen))
    normal = normal_name(asked)
    for exact in (asked, normal):
        if exact in names:
            return exact
    others = [name for name in names if not name.startswith((WATCH, *(f"{phase}/" for phase in PHASES.values())))]
    finals = [name for name in names if name.startswith(FINAL)]
    for group in (others, finals):
        for end in (f"/{normal}", f"_{normal}"):
            found = tuple(name for name in group if name.endswith(end))
            if len(found) == 1:
                return found[0]
            if found:
                return NoMatch(asked=asked, candidates=found, is_ambiguous=True)
    reported = tuple(name for name in names if not name.startswith(WATCH))
    return NoMatch(asked=asked, candidates=reported, is_ambiguous=False)

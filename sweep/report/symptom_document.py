"""A symptom as documents have it. Alone here: `show` needs none of the others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SymptomDocument:
    """A symptom with its explanation: usual causes, toggles that test them, and what to change by hand.

    `fault` says what to fix (the code, the data, a setting), `fix` how; `fix` is empty if a toggle tests the cause. An
    `advisory` symptom also occurs in healthy runs.
    """

    rule: str
    title: str = ""
    step: int = 0
    layer: str = ""
    value: float | None = None
    threshold: float | None = None
    metric: str = ""
    message: str = ""
    causes: str = ""
    fault: str = ""
    fix: str = ""
    tests: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    advisory: bool = False

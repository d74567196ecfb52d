"""Drivers that decide as they learn, for tests: one of whole trials, one that pauses and abandons them."""

from collections.abc import Sequence
from typing import ClassVar

from sweep.config.values import Section
from sweep.domain.axis import BASE, Cell
from sweep.domain.kinds import StudyKind
from sweep.domain.states import TrialState
from sweep.domain.trial import Outcome
from sweep.drivers.protocol import Abandon, DriverInput, Expected, Price, Proposal, Question


class Confirming:
    """Each single toggle once, on the study's first seed; what converges again on `fresh` seeds after the study's."""

    kind: ClassVar[StudyKind] = StudyKind.ABLATION
    takes_params: ClassVar[bool] = False
    needs_space: ClassVar[bool] = True
    cells: ClassVar[None] = None

    def __init__(self, given: DriverInput) -> None:
        section = Section(given.settings, "driver", ("fresh",))
        self.settings = {"fresh": section.integer("fresh", low=1, high=9)}
        self.singles = (BASE, *(Cell.of([toggle]) for axis in given.axes for toggle in axis.toggles))
        self.seed = given.seeds[0]
        self.fresh = tuple(max(given.seeds) + 1 + n for n in range(self.settings["fresh"]))

    def accepts(self, cell: Cell, seed: int) -> bool:
        return cell in self.singles and seed >= 0

    def expected(self) -> Expected:
        most = len(self.singles) * (1 + len(self.fresh))
        return Expected(
            trials=most,
            summary="each toggle, then what converges",
            candidates=self.singles[1:],
            price=Price(healthy=1.0, typical=len(self.singles) + 2.5, none=len(self.singles), cap=most),
        )

    def build(self) -> "ConfirmingDriver":
        return ConfirmingDriver(self)


class ConfirmingDriver:
    prunes: ClassVar[bool] = False
    pauses: ClassVar[bool] = False

    def __init__(self, spec: Confirming) -> None:
        self.spec = spec
        self.known: set[Proposal] = set()
        self.wanted = [Proposal(cell, spec.seed) for cell in spec.singles]

    def ask(self, count: int) -> Sequence[Proposal]:
        new = [each for each in self.wanted if each not in self.known][:count]
        self.known.update(new)
        return new

    def tell(self, outcome: Outcome) -> None:
        self.known.add(Proposal(outcome.cell, outcome.seed))
        if outcome.converged and outcome.seed == self.spec.seed:
            self.wanted += [Proposal(outcome.cell, seed) for seed in self.spec.fresh]

    def adopt(self, proposal: Proposal) -> None:
        self.known.add(proposal)

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        return False

    def expected_trials(self) -> int | None:
        return None


SNIFF = 2
"""Steps after which a racing trial is first paused."""


class Racing(Confirming):
    """Each cell to step SNIFF, then the one that got furthest to its end, and so on until one converges.

    That is repeated on fresh seeds, and whatever got less far than half of the target is abandoned.
    """

    def build(self) -> "RacingDriver":
        return RacingDriver(self, can_pause=self.can_pause)

    def __init__(self, given: DriverInput) -> None:
        super().__init__(given)
        self.can_pause = given.can_pause


class RacingDriver:
    prunes: ClassVar[bool] = False

    def __init__(self, spec: Racing, *, can_pause: bool) -> None:
        self.spec = spec
        self.pauses = can_pause
        self.out: set[tuple[Cell, int]] = set()
        self.parts: dict[Cell, Outcome] = {}
        self.ended: dict[tuple[Cell, int], Outcome] = {}

    def ask(self, count: int) -> Sequence[Question]:
        found = self._wanted()
        questions: list[Question] = [each for each in found if isinstance(each, Abandon)]
        questions += [each for each in found if isinstance(each, Proposal)][:count]
        for each in questions:
            self.parts.pop(each.cell, None)
            self.out.add((each.cell, each.seed))
        return tuple(questions)

    def _wanted(self) -> list[Question]:
        seed, sniff = self.spec.seed, SNIFF if self.pauses else None
        known = {cell for cell, _ in self.out | self.ended.keys()} | self.parts.keys()
        new: list[Question] = [Proposal(cell, seed, sniff) for cell in self.spec.singles if cell not in known]
        hits = [cell for (cell, at), outcome in self.ended.items() if outcome.converged and at == seed]
        if new:
            return new
        if hits:
            fresh = [(cell, at) for cell in hits for at in self.spec.fresh]
            lost: list[Question] = [Abandon(c, seed) for c, part in self.parts.items() if (part.best or 0.0) < 0.45]
            return lost + [Proposal(*key) for key in fresh if key not in self.out and key not in self.ended]
        if self.out or not self.parts:
            return []
        best = max(self.spec.singles, key=lambda c: self.parts[c].best or 0.0 if c in self.parts else -1.0)
        return [Proposal(best, seed)]

    def tell(self, outcome: Outcome) -> None:
        self.out.discard((outcome.cell, outcome.seed))
        if outcome.state is TrialState.PAUSED:
            self.parts[outcome.cell] = outcome
        else:
            self.parts.pop(outcome.cell, None)
            self.ended[outcome.cell, outcome.seed] = outcome

    def adopt(self, proposal: Proposal) -> None:
        self.parts.pop(proposal.cell, None)
        self.out.add((proposal.cell, proposal.seed))

    def should_prune(self, proposal: Proposal, step: int, value: float) -> bool:
        return False

    def expected_trials(self) -> int | None:
        return None

"""The ranking of a study as last written: toggles with their findings, and repairs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, overload

from sweep.domain.json_form import JsonObject
from sweep.reading import display
from sweep.reading.source import missing
from sweep.report.documents import RepairDocument, ToggleDocument, read_ranking


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedToggle:
    """One change to the base, and what its trials showed.

    `status` is restores, helps, no_effect, harms, inert or undecided; `word` is the wording in reports. `probability`
    (that base + toggle converges) and its 95 % `interval` are in [0, 1]; `p_value` is exact and unadjusted,
    `p_adjusted` is corrected over the study (Holm). `median_steps` to the target is None if fewer than half of the
    trials converged; `steps_saved` is compared with the base.
    """

    toggle: str
    rank: int
    tied: bool
    status: str
    word: str
    trials: int
    converged: int
    probability: float
    interval: tuple[float, float]
    p_value: float | None
    p_adjusted: float | None
    test: str
    median_steps: float | None
    steps_saved: float | None
    more_seeds: int | None
    seeds: tuple[int, ...]
    overrides: tuple[str, ...]
    note: str

    @classmethod
    def of(cls, item: ToggleDocument) -> "RankedToggle":
        """Return the toggle for this entry of summary.json."""
        steps = item.steps_to_target
        return cls(
            toggle=item.toggle, rank=item.rank, tied=item.tied, status=str(item.status), word=item.word,
            trials=item.trials, converged=item.converged, probability=item.repair_probability,
            interval=item.interval, p_value=item.p_value, p_adjusted=item.p_adjusted, test=item.test,
            median_steps=steps.median, steps_saved=steps.saved, more_seeds=item.more_seeds, seeds=item.seeds,
            overrides=item.overrides, note=item.note,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRepair:
    """A minimal set of toggles that restores convergence (or breaks it, if the base converges)."""

    toggles: tuple[str, ...]
    probability: float
    interval: tuple[float, float]
    verified: bool
    p_value: float | None
    overrides: tuple[str, ...]

    @classmethod
    def of(cls, item: RepairDocument) -> "RankedRepair":
        """Return the repair for this entry of summary.json."""
        return cls(
            toggles=item.toggles, probability=item.probability, interval=item.interval, verified=item.verified,
            p_value=item.p_value, overrides=item.overrides,
        )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranking(Sequence[RankedToggle]):
    """The toggles of a study by rank, also found by name: `ranking["dropout=off"]`.

    `question` is `restore` (the base does not converge) or `break` (it does). `recommended` are the overrides of the
    best repair, empty if there is none.
    """

    study: str
    answer: str
    question: str
    toggles: tuple[RankedToggle, ...]
    repairs: tuple[RankedRepair, ...]
    recommended: tuple[str, ...]
    base: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, summary: JsonObject) -> "Ranking":
        """Return the ranking in a summary.json; it is empty if there are no toggles, as for a check."""
        document, base = read_ranking(summary), summary.get("base")
        return cls(
            study=document.study, answer=document.answer,
            question=str(document.question) if "question" in summary else "",
            toggles=tuple(RankedToggle.of(item) for item in document.toggles),
            repairs=tuple(RankedRepair.of(item) for item in document.repairs),
            recommended=document.recommended.overrides, base=base if isinstance(base, dict) else {},
        )  # fmt: skip

    @overload
    def __getitem__(self, index: int | str) -> RankedToggle: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RankedToggle, ...]: ...
    def __getitem__(self, index: int | str | slice) -> RankedToggle | tuple[RankedToggle, ...]:
        if not isinstance(index, str):
            return self.toggles[index]
        for toggle in self.toggles:
            if toggle.toggle == index:
                return toggle
        raise missing("toggle", index, [toggle.toggle for toggle in self.toggles])

    def __iter__(self) -> Iterator[RankedToggle]:
        return iter(self.toggles)

    def __len__(self) -> int:
        return len(self.toggles)

    def to_records(self) -> list[dict[str, Any]]:
        """Return a flat row per toggle, for `pandas.DataFrame(...)`; the interval is `low` and `high`."""
        rows = []
        for toggle in self.toggles:
            row = asdict(toggle)
            row["low"], row["high"] = row.pop("interval")
            row["overrides"] = " ".join(toggle.overrides)
            rows.append(row)
        return rows

    def __repr__(self) -> str:
        return f"<Ranking of {self.study}: {'; '.join(f'{t.toggle} {t.word}' for t in self.toggles) or 'no toggles'}>"

    def _repr_html_(self) -> str:
        heads = ("", "toggle", "finding", "converged", "95 %", "p (Holm)", "steps to target", "saved")
        base = self.base
        share = f"{base.get('converged')}/{base.get('seeds')}"
        first: tuple[object, ...] = ("", "base", base.get("verdict", ""), share,
                 "", "", base.get("median_steps_to_target"), "")  # fmt: skip
        rows = [
            (f"{'=' if t.tied else ''}{t.rank}", t.toggle, t.word, f"{t.converged}/{t.trials}",
             display.interval_bar(*t.interval, t.probability), t.p_adjusted, t.median_steps, t.steps_saved)
            for t in self.toggles
        ]  # fmt: skip
        return display.paragraph(self.answer, is_bold=True) + display.table(heads, [first, *rows] if base else rows)

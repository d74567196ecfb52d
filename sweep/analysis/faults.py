"""Faults that no setting removes, in a sentence: what was seen, where, what to change, and which toggles mask it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sweep.domain.symptom_entry import Fault
from sweep.domain.symptoms import about_of
from sweep.domain.verdict import Symptom

NAMED = 2
"""Number of faults named in a sentence, the most telling first."""

REPORTED = (Fault.CODE, Fault.DATA)
"""Faults that get a sentence here. Faults of logging and target are reported separately, before all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenFault:
    """A symptom of the base whose cause is the code or the data."""

    fault: str
    title: str
    step: int
    layer: str
    fix: str

    def __str__(self) -> str:
        place = [f"step {self.step:,}"] if self.step else []
        place += [f"layer {self.layer}"] if self.layer else []
        where = f" ({', '.join(place)})" if place else ""
        return f"{lowered(self.title)}{where}: {self.fix}"


def faults_seen(symptoms: Iterable[Symptom]) -> list[SeenFault]:
    """Return the faults among a base's symptoms, in order; hints (advisory rules) are left out."""
    found = []
    for symptom in symptoms:
        about = about_of(symptom.rule, symptom.metric)
        if about is not None and about.fault in REPORTED and not about.advisory:
            seen = SeenFault(
                fault=str(about.fault), title=about.title, step=symptom.step, layer=symptom.layer, fix=about.fix
            )
            found.append(seen)
    return found


def fault_sentences(faults: Sequence[SeenFault], masked_by: Sequence[str] = ()) -> str:
    """Return what to fix before any setting is changed, and that these toggles only mask it; empty without a fault."""
    if not faults:
        return ""
    first, *rest = faults[:NAMED]
    also = "".join(f" Fix the {fault.fault}, too: {fault}." for fault in rest)
    code = [fault for fault in faults if fault.fault == Fault.CODE]
    verb = "masks" if len(masked_by) == 1 else "mask"
    masks = f" {' and '.join(masked_by)} only {verb} the fault in the code." if masked_by and code else ""
    return f"Fix the {first.fault} first: {first}.{also}{masks}"


def lowered(text: str) -> str:
    """Return a title for use within a sentence: first letter in lower case, except in `NaN` and acronyms."""
    text = text.rstrip(".")
    return text if text[1:2].isupper() or text[2:3].isupper() else text[:1].lower() + text[1:]

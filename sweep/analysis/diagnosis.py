"""From what the stages of a diagnosis found to one paragraph that a person can act on. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sweep.analysis.choice import Choice
from sweep.analysis.faults import fault_sentences, faults_told, lowered
from sweep.domain.byhand import best_by_hand
from sweep.domain.counts import figure_text, share_text
from sweep.domain.effect import together
from sweep.domain.symptoms import LOGGING_RULES, kind_of
from sweep.domain.verdict import Verdict

NEAR = 3.0
"""A learning rate within this factor of the point that the range search suggests is not what is wrong."""

FAR = 10.0
"""One this far off is: where the point converges on every seed, other changes need not be tried."""

MISSED = (Verdict.DIVERGED, Verdict.STALLED, Verdict.NOT_CONVERGED)
"""Verdicts of a trial that was judged and did not converge."""

FAILED_GATE = ("not_learnt", "diverged")
"""Verdicts of the overfit gate that say that ten samples cannot be learnt."""

FITS = 0.1
"""Share of its first value up to which a loss on ten samples says that these were fitted."""

NO_AXES = (
    "No change was tried: the task has none of the knobs that the axes turn (task.dropout, task.clip, ...), or has "
    "them as the axes would set them; give it some, or name a change of your own: "
    "'+axes.NAME={levels: {LEVEL: [task.KEY=VALUE]}}'."
)

UNEXPLAINED = (
    "No check and no symptom rule found a cause: compare the curves of training and validation of the base, and its "
    "target (converge.target) with what this task has reached before."
)

NO_VERDICT = (
    "The diagnosis stopped here: without a verdict on the base, no change can be seen to help. Fix this first, then "
    "repeat the diagnosis."
)

NAMED = 8
"""Number of changes named in a sentence."""


WARNED = 2
"""Number of warnings of the data check that are named."""

TELLING = ("order of rows", "labels and inputs", "labels along the rows", "validation labels", "label range")
"""Checks of the data whose warnings are named before others: what they find can keep any training from converging."""

DATA_TOGGLES = {
    "order of rows": "shuffle=on",
    "input scale": "input_norm=standardize",
    "target scale": "target_norm=standardize",
}
"""The toggle that tests what a warning of the data check says."""

BY_HAND = 3
"""Number of things to do by hand that are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The summaries of the stages that were run, None for those that were not (summary.json's own keys)."""

    data: Mapping[str, Any] | None = field(default=None, hash=False)
    base: Mapping[str, Any] | None = field(default=None, hash=False)
    overfit: Mapping[str, Any] | None = field(default=None, hash=False)
    lr_range: Mapping[str, Any] | None = field(default=None, hash=False)
    ablation: Mapping[str, Any] | None = field(default=None, hash=False)
    verify: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def is_data_broken(self) -> bool:
        """Whether a data check found something broken; one that could not be made says nothing."""
        checks = _section(self.data).get("checks", ()) if self.data is not None else ()
        return any(check["severity"] == "broken" for check in checks)

    @property
    def is_base_judged(self) -> bool:
        """Whether a trial of the base has a verdict; true if the base has not run."""
        return self.base is None or bool(self.base["base"]["seeds"])

    @property
    def is_judged(self) -> bool:
        """Whether a trial of the base or of the ablation has a verdict; true if the diagnosis ended before the base."""
        if self.is_base_judged:
            return True
        return self.ablation is not None and any(toggle["trials"] for toggle in self.ablation["toggles"])

    @property
    def base_converges(self) -> bool:
        """Whether every seed of the base converged."""
        base = self.base["base"] if self.base else None
        return base is not None and 0 < base["seeds"] == base["converged"]

    @property
    def learns(self) -> bool:
        """Whether ten samples can be learnt, as far as is known."""
        return self.overfit is None or _section(self.overfit)["verdict"] not in FAILED_GATE

    @property
    def point(self) -> tuple[str, ...]:
        """The overrides that set the suggested learning rate; empty without a suggestion, or where it is near."""
        if self.lr_range is None or not self.lr_range["recommended"]["overrides"]:
            return ()
        ratio = self.lr_ratio
        if ratio is not None and 1 / NEAR <= ratio <= NEAR:
            return ()
        return tuple(self.lr_range["recommended"]["overrides"])

    @property
    def lr_ratio(self) -> float | None:
        """The suggested learning rate over the task's own, None where either is not known."""
        found = _section(self.lr_range) if self.lr_range else {}
        point, base = found.get("point"), found.get("base_lr")
        if not isinstance(point, int | float) or not isinstance(base, int | float) or base <= 0:
            return None
        return float(point) / float(base)

    @property
    def is_lr_decisive(self) -> bool:
        """Whether the learning rate is far off, and the suggested one converged on every seed that tried it."""
        ratio, confirmed = self.lr_ratio, self.lr_range is not None and _confirmed(self.lr_range)
        return bool(self.point) and confirmed and ratio is not None and abs(math.log10(ratio)) >= math.log10(FAR) - 1e-9


def diagnosis(found: Findings, *, has_axes: bool = True) -> str:
    """Return what is wrong, how sure that is and what to change, in one paragraph.

    `has_axes` is False where the ablation was not run, because there was nothing for it to vary.
    """
    if found.is_data_broken and found.data is not None:
        return f"{found.data['answer']} Fix the data first; no training was run."
    parts = [*_to_check(found.base), _base_words(found.base)] if found.base else []
    exceptions = list(found.base["base"].get("exceptions", ())) if found.base else []
    parts += exceptions
    if found.base_converges:
        last = "It converges all the same: no change was tried." if exceptions else "Nothing has to be repaired."
        return " ".join([*parts, *_data_warnings(found.data), last])
    if not found.is_judged:
        return " ".join([*parts, *_data_warnings(found.data), NO_VERDICT])
    parts += [text for text in (_fault_words(found), _overfit_words(found), _lr_words(found)) if text]
    if found.ablation is not None:
        parts.append(_ablation_words(found.ablation, found.verify))
    parts += _data_warnings(found.data, TELLING if recommendation(found).overrides else None)
    if not recommendation(found).overrides and not _is_explained(found):
        parts.append(UNEXPLAINED)
    if not has_axes:
        parts.append(NO_AXES)
    return " ".join([*parts, *_by_hand(found)])


def _is_explained(found: Findings) -> bool:
    """Return whether anything points to a cause: a symptom, a seed that differs, the data, ten samples, or the rate."""
    base = found.base["base"] if found.base else {}
    seen = base.get("symptoms") or base.get("exceptions") or not base.get("seeds")
    return bool(seen or _data_warnings(found.data) or not found.learns or found.point)


def recommendation(found: Findings) -> Choice:
    """Return what to use: what the last ranking recommends, with what ties with it; empty if it recommends nothing."""
    last = found.verify or found.ablation
    if last is None:
        return Choice()
    words = last["recommended"]
    ties = tuple(tuple(each) for each in words.get("ties", ()))
    return Choice(overrides=tuple(words["overrides"]), ties=ties, reason=str(words.get("reason", "")))


def ranked_symptoms(base: Mapping[str, Any] | None) -> Sequence[str]:
    """Return the rules that spoke in the base's trials (domain/symptoms.py kind_of), in the order of its summary."""
    found = base["base"]["symptoms"] if base else ()
    return [kind_of(str(symptom["rule"]), str(symptom.get("metric", ""))) for symptom in found]


def toggles_of_data(data: Mapping[str, Any] | None) -> list[str]:
    """Return the toggles that the warnings of the data check point to, most telling first."""
    checks = _section(data).get("checks", ()) if data is not None else ()
    warned = {check["name"] for check in checks if check["severity"] == "warning"}
    return [toggle for name, toggle in DATA_TOGGLES.items() if name in warned]


def _to_check(summary: Mapping[str, Any]) -> list[str]:
    """Return, as a sentence, what the base shows of how the task logs: before anything about its training."""
    if not summary["base"]["seeds"]:
        return []  # the answer of the base, which stands in place of its verdict, says so
    said = [s["message"] for s in summary["base"]["symptoms"] if s["rule"] in LOGGING_RULES]
    return [f"Check first: {'; '.join(said)}."] if said else []


def _base_words(summary: Mapping[str, Any]) -> str:
    base = summary["base"]
    if not base["seeds"]:
        return str(summary["answer"])
    if base["converged"]:
        return f"The base converges on {share_text(base['converged'], base['seeds'], 'seed')}."
    told = {fault.title for fault in faults_told(base["symptoms"])}  # these have a sentence that says what to fix
    titles = [
        str(symptom.get("title") or symptom["message"])
        for symptom in base["symptoms"]
        if symptom["rule"] not in LOGGING_RULES
    ]
    seen = [title for title in titles if title not in told][:2]
    missed = {word: count for word, count in base.get("verdicts", {}).items() if word in MISSED}
    kinds = ", ".join(f"{count} {word}" for word, count in missed.items()) if len(missed) > 1 else str(base["verdict"])
    words = "" if kinds == Verdict.NOT_CONVERGED else f", {kinds}".replace("_", " ")
    because = f": {'; '.join(lowered(text) for text in seen)}" if seen else ""
    return f"The base does not converge ({share_text(0, base['seeds'], 'seed')}{words}{because})."


def _data_warnings(data: Mapping[str, Any] | None, among: Sequence[str] | None = None) -> list[str]:
    """Return, as a sentence, what the data check warned of (only these checks, if given), the most telling first."""
    checks = _section(data).get("checks", ()) if data is not None else ()
    warned = [check for check in checks if check["severity"] == "warning"]
    warned = [check for check in warned if among is None or check["name"] in among]
    warned.sort(key=lambda check: TELLING.index(check["name"]) if check["name"] in TELLING else len(TELLING))
    found = [f"{check['name']}: {check['found']}" for check in warned]
    return [f"The data check warns of {'; '.join(found[:WARNED])}."] if found else []


def _by_hand(found: Findings) -> list[str]:
    """Return, as a sentence, what the symptoms of the base point to and the task has no knob for, most telling first.

    With a repair at hand only what a symptom points to before all else is named: the repair may hide that cause.
    """
    symptoms = [s for s in found.base["base"]["symptoms"] if not s.get("advisory")] if found.base else []
    texts: list[str] = []
    for symptom in symptoms:
        best = best_by_hand(kind_of(str(symptom["rule"]), str(symptom.get("metric", ""))), symptom.get("by_hand", ()))
        texts += [best] if best else []
    if not recommendation(found).overrides:
        texts += [text for symptom in symptoms for text in symptom.get("by_hand", ())]
    listed = list(dict.fromkeys(texts))[:BY_HAND]
    return [f"Not tried, because the task has no knob for it: {'; '.join(listed)}."] if listed else []


def _fault_words(found: Findings) -> str:
    """Return what of the code, the data or the target is to be fixed first, and which repairs only mask it."""
    last = found.verify or found.ablation
    is_restored = last is not None and last["question"] == "restore" and recommendation(found).overrides
    masked_by = [together(repair["toggles"]) for repair in last["repairs"]] if last is not None and is_restored else ()
    return fault_sentences(faults_told(found.base["base"]["symptoms"]), masked_by[:NAMED]) if found.base else ""


def _overfit_words(found: Findings) -> str:
    if found.overfit is None:
        return ""
    section = _section(found.overfit)
    verdict = section["verdict"]
    if verdict == "crashed":
        return "Not known whether it can overfit ten samples: its training fails on so few."
    if verdict == "learnt":
        high = [trial["loss_part"] for trial in section.get("trials", ()) if trial["note"]]
        if high:
            return (
                f"It gets ten samples right, and yet its loss stays at {max(high):.0%} of its first value: "
                "check that the last layer and the loss fit each other."
            )
        return "It can overfit ten samples, so model, head, loss and optimizer work."
    if verdict not in FAILED_GATE:
        return ""
    fits = [
        part for trial in section.get("trials", ()) if (part := trial.get("loss_part")) is not None and part <= FITS
    ]
    if fits and verdict == "not_learnt":
        return (
            f"On ten samples its loss falls to {max(fits):.0%} of its first value, yet it gets them wrong: look at how "
            "labels reach the loss and the metric, and at the evaluation."
        )
    if recommendation(found).overrides:
        return "As configured, it cannot even overfit ten samples."
    return (
        "It cannot even overfit ten samples: look at model, head, loss, labels, the scale of the inputs and "
        "the optimizer."
    )


def _lr_words(found: Findings) -> str:
    ratio = found.lr_ratio
    if found.lr_range is None or ratio is None:
        return ""
    section = _section(found.lr_range)
    own, factor = figure_text(section["base_lr"], 3), max(ratio, 1 / ratio)
    if factor <= NEAR:
        return f"Its learning rate ({own}) is where the range search puts it."
    if not found.point:
        return f"No other learning rate that was tried helps (its own is {own})."
    times = f"{factor:,.0f}" if factor >= 10 else figure_text(factor, 2)
    way = "above" if ratio < 1 else "below"
    point = figure_text(section["point"], 3)
    return f"Its learning rate ({own}) is {times} times {way} what the range search suggests ({point})."


def _ablation_words(ablation: Mapping[str, Any], verify: Mapping[str, Any] | None) -> str:
    """Return what restores convergence, with the counts behind it; otherwise what was ruled out and what was not."""
    if ablation["question"] != "restore":
        return str(ablation["answer"])
    last = verify or ablation
    base = last["base"]
    against = f"against {base['converged']} of {base['trials']} for the base"
    seeds = "fresh seeds" if verify else "seeds"
    proven = [toggle for toggle in last["toggles"] if toggle["status"] == "restores"]
    if last["repairs"] and last["recommended"]["overrides"] and proven:
        ways = [
            f"{together(r['toggles'])} ({r['converged']} of {r['seeds']} {seeds} {against})" for r in last["repairs"]
        ]
        alone = ", each alone" if len(ways) > 1 and all(len(r["toggles"]) == 1 for r in last["repairs"]) else ""
        least = max(proven, key=lambda toggle: toggle["p_adjusted"])
        p, adjusted = least["p_adjusted"], " after Holm" * (least["p_adjusted"] != least["p_value"])
        return f"What restores convergence{alone}: {', or '.join(ways)}; exact test, p = {figure_text(p, 2)}{adjusted}."
    tried = [toggle for toggle in ablation["toggles"] if toggle["trials"]]
    worse = [str(toggle["toggle"]) for toggle in tried if toggle["status"] == "harms" or toggle.get("makes_diverge")]
    others = [toggle for toggle in tried if str(toggle["toggle"]) not in worse]
    without = [str(toggle["toggle"]) for toggle in others if toggle["status"] == "no_effect"]
    open_ones = [str(toggle["toggle"]) for toggle in others if toggle["status"] in ("undecided", "helps")]
    words = ["No change tried restores convergence for certain."]
    words += [f"Without effect: {_listed(without)}."] if without else []
    words += [f"Worse: {_listed(worse)}."] if worse else []
    words += [f"Not decided: {_listed(open_ones)}."] if open_ones else []
    return " ".join(words)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def _section(summary: Mapping[str, Any]) -> Mapping[str, Any]:
    section: Mapping[str, Any] = summary["stages"][0]["section"]
    return section


def _confirmed(summary: Mapping[str, Any]) -> bool:
    for stage in summary["stages"]:
        if stage["stage"] == "lr_confirm":
            return bool(stage["section"].get("confirmed"))
    return False

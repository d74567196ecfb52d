"""From the measurements of the data check to one line for each check, and one answer."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sweep.analysis.checks.data_inputs import input_checks
from sweep.analysis.checks.data_labels import label_checks
from sweep.analysis.checks.data_model import model_checks
from sweep.domain.checked import CheckContext, CheckResult, CheckTrial
from sweep.domain.data_check import DataCheck, DataReport, Nothing, Severity, SeverityCounts
from sweep.domain.data_figures import DataFindings
from sweep.domain.plural import count_text

_IN_A_SCRIPT = (
    ("data(cfg) returns no validation set", "only what the training sees is read"),
    ("the task has no model(cfg)", "no network is called with the inputs alone, once a step"),
    ("data(cfg)", "the data"),
    ("model(cfg)", "the network"),
    ("train()", "the training"),
)
"""Words of the checks, and those for a script."""
HOW = "add a function data(cfg) that returns (train_set, val_set) to the task's module (docs/checks.md)"


def read_check(trials: Sequence[CheckTrial], context: CheckContext) -> CheckResult:
    """Return the checks of a study's data; of several trials, the worst result of each check.

    It is not ok if something is broken, or if nothing could be checked.
    """
    tables = [list(checks_of(trial, context)) for trial in trials]
    checks = _worst(tables)
    counts = SeverityCounts.of(checks)
    measured = ((trial, found) for trial in trials if (found := trial.found(DataFindings)) and found.train)
    seen, found = next(measured, (None, None))
    picture = found and found.picture
    is_checked = any(check.severity is not Severity.NOT_CHECKED for check in checks)
    return CheckResult(
        is_ok=is_checked and not counts.broken,
        answer=_answer(checks, counts) if checks else "No trial has ended yet, so nothing is known.",
        section=DataReport(
            checks=tuple(checks),
            counts=counts,
            picture=f"{seen.artifacts}/{picture}" if seen is not None and picture else None,
            measured=found or Nothing(),
        ),
    )


def checks_of(trial: CheckTrial, context: CheckContext) -> Iterator[DataCheck]:
    """Yield the checks of one trial, in the order of the table."""
    found = trial.found(DataFindings)
    if found is None:
        why = trial.message or f"the trial is {trial.state}"
        yield DataCheck.broken(
            "task", f"the check itself did not finish: {why}", "", f"see the logs of trial {trial.number}"
        )
    elif found.seen_steps is not None:
        yield from map(_of_script, _script_checks(found, context))
    elif not found.has_data:
        yield DataCheck.skipped("data", "the task has no function data(cfg): nothing could be checked", HOW)
    elif found.files is not None:
        yield DataCheck.broken("files", found.files, "data(cfg) returns (train_set, val_set)", "fix data(cfg)")
    else:
        yield DataCheck.ok("files", "data(cfg) reads them")
        yield from _set_checks(found, context)


def _set_checks(found: DataFindings, context: CheckContext) -> Iterator[DataCheck]:
    yield from input_checks(found, context)
    train = found.readable().get("train")
    if train is not None and train.inputs is not None:
        yield from label_checks(found, train, context)
        yield from model_checks(found, train)


def _script_checks(found: DataFindings, context: CheckContext) -> Iterator[DataCheck]:
    if not found.has_data:
        yield DataCheck.skipped("data", f"{found.not_seen or 'no batch of the training was seen'}")
    elif found.files is not None:
        yield DataCheck.skipped("files", found.files)
    else:
        steps = count_text(found.seen_steps or 0, "step")
        yield DataCheck.ok("files", f"read from the first {steps} of the training, as network and loss see them")
        yield from _set_checks(found, context)


def _of_script(check: DataCheck) -> DataCheck:
    """Return a check of a script's data in words that fit a script, which has no data(cfg) and no model(cfg)."""
    if check.severity is Severity.NOT_CHECKED:
        check = replace(check, advice="")
    return replace(
        check,
        found=_script_words(check.found),
        allowed=_script_words(check.allowed),
        advice=_script_words(check.advice),
    )


def _script_words(text: str) -> str:
    for words, instead in _IN_A_SCRIPT:
        text = text.replace(words, instead)
    return text


def _worst(tables: Sequence[Sequence[DataCheck]]) -> list[DataCheck]:
    order = list(Severity)
    worst: dict[str, DataCheck] = {}
    for check in (check for table in tables for check in table):
        known = worst.get(check.name)
        if known is None or order.index(check.severity) < order.index(known.severity):
            worst[check.name] = check
    return list(worst.values())


def _answer(checks: Sequence[DataCheck], counts: SeverityCounts) -> str:
    broken = [check for check in checks if check.severity is Severity.BROKEN]
    warned = [check for check in checks if check.severity is Severity.WARNING]
    if broken:
        said = "; ".join(f"{check.name}: {check.found.splitlines()[0]}" for check in broken)
        return f"The data are broken. {said[:1].upper()}{said[1:]}."
    if not counts.ok and not warned:
        return f"Nothing could be checked: {checks[0].found.partition(':')[0]}." if checks else ""
    left = f"; {counts.not_checked} could not be made" if counts.not_checked else ""
    if warned:
        said = "; ".join(f"{check.name}: {check.found}" for check in warned)
        return f"Nothing is broken, but there are warnings. {said[:1].upper()}{said[1:]}."
    return f"The data look right: {counts.ok} checks passed{left}."

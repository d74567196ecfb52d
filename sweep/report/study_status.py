"""The progress of one study: what `status` prints."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rich.console import Group, RenderableType
from rich.text import Text

from sweep.domain.plural import count_text, share_text
from sweep.domain.states import LIVE_STATES, TrialState, count_ended
from sweep.domain.trial import RunRecord, StudyRecord, TrialRecord
from sweep.domain.verdict import Verdict
from sweep.report.phrases import failure_text, verdicts_text
from sweep.report.symptom_document import SymptomDocument
from sweep.report.symptom_text import brief_lines
from sweep.report.tables import new_table, styled_state


def render_status(
    study: StudyRecord,
    states: Mapping[str, int],
    verdicts: Mapping[str, int],
    running: Sequence[tuple[TrialRecord, RunRecord | None]] = (),
    failed: Sequence[tuple[TrialRecord, RunRecord | None]] = (),
    progress: Mapping[int, str] = MappingProxyType({}),
    *,
    checks: Mapping[str, int] = MappingProxyType({}),
    seen: Sequence[SymptomDocument] = (),
    note: str = "",
) -> RenderableType:
    """Return the progress of a study: trials per state and verdict, symptoms, running trials, and failures.

    `progress` has the progress of running trials by number; `checks` counts trials that are not judged, by how they
    ended (`done`, `failed`); `seen` are the symptoms of the base; `note` is a line about the verdicts.
    """
    parts: list[RenderableType] = [
        Text.assemble((study.name, "bold"), "  ", styled_state(study.status), f"  task {study.task}"),
        Text.assemble(("trials    ", "dim"), verdicts_text(states) or "none"),
    ]
    is_check = study.kind.is_check
    if checks or is_check:
        parts.append(Text.assemble(("checks    ", "dim"), verdicts_text(checks) or "none yet"))
    if verdicts or not (checks or is_check):
        parts.append(Text.assemble(("verdicts  ", "dim"), verdicts_text(verdicts) or "none yet"))
    parts += [Text.assemble(("note      ", "dim"), note)] if note else []
    parts += brief_lines(seen, converges=set(verdicts) == {Verdict.CONVERGED})
    for label, trials in (("running", running), ("failed", failed)):
        if trials:
            parts += ["", _trial_table(label, trials, progress)]
    return Group(*parts)


def status_line(study: StudyRecord, states: Mapping[str, int], verdicts: Mapping[str, int]) -> str:
    """Return a study's progress in one line: `s: running, 3 of 8 trials ended (2 converged, 1 stalled), 2 running`.

    Paused trials, if any, are counted after running ones. Trials that are not judged count in `verdicts` as `done` or
    `failed`.
    """
    said = f" ({verdicts_text(verdicts)})" if verdicts else ""
    live = sum(count for state, count in states.items() if TrialState(state) in LIVE_STATES)
    paused = states.get(TrialState.PAUSED, 0)
    running = (f", {live} running" if live else "") + (f", {paused} paused" if paused else "")
    ended = share_text(count_ended(states), sum(states.values()), "trial")
    return f"{study.name}: {study.status}, {ended} ended{said}{running}"


def how_it_ended(study: StudyRecord, states: Mapping[str, int], answer: str, store_option: str = "") -> str:
    """Return how a study ended, and the next command to run.

    `store_option` is what a verb needs to find the study (` --store URL`).
    """
    again = f"`python -m sweep resume {study.name}{store_option}` resumes it"
    match study.status:
        case "interrupted":
            left = sum(states.values()) - count_ended(states)
            rest = f" with {count_text(left, 'trial')} still to run" if left else ""
            return f"{study.name} was interrupted{rest}; {again}"
        case "failed":
            see = f"`python -m sweep status {study.name}{store_option}` shows what failed"
            return f"{study.name} could not be completed; {see}"
        case _:
            return f"{study.name} {study.status}. {answer}".rstrip()


def _trial_table(
    label: str, trials: Sequence[tuple[TrialRecord, RunRecord | None]], progress: Mapping[int, str]
) -> RenderableType:
    table = new_table()
    table.add_column(label, justify="right", no_wrap=True)
    table.add_column("cell", overflow="fold")
    table.add_column("seed", justify="right", no_wrap=True)
    table.add_column("state", no_wrap=True)
    table.add_column("", overflow="fold")
    for trial, run in trials:
        about = "" if run is None else failure_text(run) if run.failure else _place(run)
        about = f"{progress[trial.number]}  {about}" if trial.number in progress else about
        table.add_row(
            str(trial.number),
            Text(str(trial.cell)),
            str(trial.seed),
            styled_state(trial.state),
            Text(about, style="dim"),
        )
    return table


def _place(run: RunRecord) -> str:
    return " ".join(f"{word}" for word in (run.device, run.host, f"pid {run.pid}" if run.pid else "") if word)

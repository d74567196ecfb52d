"""Composes a config and runs a study, or plans it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from sweep.cli.collecting import collecting_nothing
from sweep.cli.options import RunOptions, read_options
from sweep.cli.output import print_json
from sweep.cli.printing import Printer, print_rich, print_whole
from sweep.clock import now_utc
from sweep.config import LoadedConfig, load_study_config
from sweep.config.stores import store_option
from sweep.errors import NotFoundError
from sweep.launch import build_launcher, launcher_notes
from sweep.rundir import shown
from sweep.study.decisions import set_log_level
from sweep.study.resilient_progress import silence_broken_streams, surviving_hangup

if TYPE_CHECKING:
    from rich.console import RenderableType

    from sweep.launch import MakeLauncher
    from sweep.study.planning import StudyPlan


UNJUDGED = "exit code 1: no trial of this study has a verdict"
"""Why a study that ended has exit code 1 although nothing crashed."""


def study(arguments: list[str]) -> int:
    """Run a study; returns the exit code (docs/studies.md). A terminal that hangs up at any time does not end it."""
    with surviving_hangup():
        return _study(arguments)


def inventory(arguments: list[str]) -> int:
    """Run a script once as it is, and print what the knobs could change in it (docs/scripts.md)."""
    return study([*arguments[:1], "+check=inventory", *arguments[1:]])


def _study(arguments: list[str]) -> int:
    options = read_options("python -m sweep", arguments, is_plan=False)
    loaded = _load(options, options.words)
    if options.is_cfg:
        print(loaded.as_yaml(options.package), end="")
        return 0
    set_log_level(options.log_level)
    if loaded.study.regression is not None:
        return _regression(loaded)
    with _launcher_maker(loaded) as make_launcher:
        # Most of the orchestrator is imported while another core imports the task.
        from sweep.report.progress import LiveProgress
        from sweep.report.terminal import render_document
        from sweep.study.run_by_kind import run_job

        with LiveProgress(Printer()) as progress:
            end = run_job(loaded, progress=progress, make_launcher=make_launcher)
    answer = render_document(end.reported.document, store=store_option(loaded.study.store_url))
    _print_outcome(answer, end.folder, end.message if end.status != "ended" else UNJUDGED * end.is_unjudged)
    if end.status == "ended":
        return 0 if end.is_ok else 1
    return 130 if end.status == "interrupted" else 1


def _print_outcome(answer: "RenderableType", folder: Path, message: str) -> None:
    """Print the outcome. If stdout is closed, print nothing; the exit code still reports it."""
    silence_broken_streams()
    try:
        print_rich(answer)
        Printer().print(f"report: {shown(folder / 'report.html')}", highlight=False, soft_wrap=True)
        if message:
            Printer(stderr=True).print(message, highlight=False, soft_wrap=True, markup=False)
    except BrokenPipeError:
        silence_broken_streams()


def _launcher_maker(loaded: LoadedConfig) -> "AbstractContextManager[MakeLauncher]":
    """Return what makes the study's launcher. A process that runs are forked from imports the task meanwhile."""
    from sweep.launch import started_early  # imports psutil, which a plan does not need

    study = loaded.study
    if not study.kind.has_verdicts:  # other kinds may be several studies, each with its own launcher
        return nullcontext(build_launcher)
    return started_early(study.launcher, study.task, loaded.source.digests)


def _regression(loaded: LoadedConfig) -> int:
    """Run a night; returns 0, 1, 3 or 130 (docs/regression.md)."""
    from sweep.report.progress import LiveProgress
    from sweep.report.regression import render_regression
    from sweep.study.regression.night import run_regression

    with LiveProgress(Printer()) as progress:
        end = run_regression(loaded, progress=progress)
    _print_outcome(render_regression(end.document), end.folder, end.message)
    return end.exit_code


def plan(arguments: list[str]) -> int:
    """Compose and validate every trial; print table, reuse and cost; launch nothing and write nothing."""
    options = read_options("python -m sweep plan", arguments, is_plan=True)
    loaded = _load(options, options.overrides)
    if loaded.study.regression is not None:
        return _plan_night(loaded, is_json=options.is_json)
    with collecting_nothing():
        from sweep.study.inventory import settled_on_record
        from sweep.study.naming import named_on_record

        loaded, unknown = settled_on_record(loaded)
        named = named_on_record(loaded)
        loaded = named.loaded
        view = _stages_view(loaded) if loaded.study.kind.is_staged else _plan_view(loaded)
    if options.is_json:
        return print_json(view)
    from sweep.report.plans import render_plan

    if unknown:
        Printer(stderr=True).print(f"note: {unknown}", highlight=False, soft_wrap=True, markup=False)
    print_whole(f"study {loaded.study.name}" + (f"\n{named.note}" if named.note else ""))
    return print_rich(render_plan(view))


def _stages_view(loaded: LoadedConfig) -> Mapping[str, object]:
    from sweep.study.stages_plan import plan_stages  # imports SciPy

    return plan_stages(loaded)


def _plan_view(loaded: LoadedConfig) -> dict[str, object]:
    from sweep.study.planning import StudyPlan, expected_view

    planned = StudyPlan(loaded)
    planned.driver()  # raises the errors that a run would raise
    view = {**planned.to_dict(), **_cost(planned)}
    if planned.fixed is None:
        view["expected"] = expected_view(planned.spec.expected(), planned.config.target.budget_steps)
    if loaded.study.confirm is not None:
        from sweep.study.stages_plan import confirming_trials  # imports SciPy

        view["confirming"] = confirming_trials(loaded.study)
    return view


def _plan_night(loaded: LoadedConfig, *, is_json: bool) -> int:
    """Print the plans of all studies of a night: the given night, else today's."""
    from sweep.config.regression import NightName, read_regression, task_studies
    from sweep.report.plans import render_plan

    config = read_regression(loaded)
    night = config.night or NightName(day=now_utc().date(), repeat=1)
    tasks = task_studies(config, night)
    views = [_plan_view(each) for task in tasks for each in (task.determinism, task.nightly) if each is not None]
    if is_json:
        return print_json({"regression": config.name, "night": str(night), "studies": views})
    console = Printer()
    for view in views:
        console.print(f"[bold]{view['study']}[/bold]  task {view['task']}", highlight=False)
        console.print(render_plan(view))
    return 0


def _cost(planned: "StudyPlan") -> dict[str, object]:
    from sweep.store import Store
    from sweep.study.planning import estimate

    try:
        with Store.open(planned.config.store_url, read_only=True) as store:
            return estimate(planned, store)
    except NotFoundError:  # nothing has been run yet
        return estimate(planned, None)


def _load(options: RunOptions, command: Sequence[str]) -> LoadedConfig:
    """Return the validated study; print a note for each argument that has no effect, or was replaced."""
    with collecting_nothing():
        loaded = load_study_config(options.overrides, options.config_dirs, command=tuple(command))
    for note in (*loaded.notes, *launcher_notes(loaded.study.launcher)):
        Printer(stderr=True).print(f"note: {note}", highlight=False, soft_wrap=True, markup=False)
    return loaded

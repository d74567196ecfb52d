"""Trials in slices: paused, continued, abandoned, and resumed wherever a session ended."""

import pytest
from adaptive_driver import SNIFF, Racing
from loop_bench import TARGET, Bench
from test_loop_recovery import Reaper

from sweep.domain.axis import BASE, Axis, Cell, Level
from sweep.domain.states import TrialState
from sweep.domain.verdict import Verdict
from sweep.drivers import DriverInput, GridDriver
from sweep.launch.fake import FakeLauncher, FakeMachine, write_slice
from sweep.store import Store
from sweep.study.interrupts import Interrupt

LEVELS = ("poor", "slow", "good")
AXES = (Axis(name="x", levels=tuple(Level(name=name, overrides=()) for name in LEVELS)),)
POOR, SLOW, GOOD = (Cell.of([f"x={name}"]) for name in LEVELS)
CURVES = {"base": [0.1] * 5, "x=poor": [0.2] * 5, "x=slow": [0.3, 0.5, 0.5, 0.5, 0.5], "x=good": [0.3, 0.6, 0.8, 0.95]}


def trains(folder, after_step, until_step):
    spec = folder.read_spec()
    assert spec.get("until_step") is None or after_step or spec["until_step"] == until_step
    return write_slice(folder, {"val/acc": list(enumerate(CURVES[spec["cell"]], 1))}, after_step, until_step)


def racing(*, fresh=2, can_pause=True):
    given = DriverInput(
        settings={"fresh": fresh}, axes=AXES, space=(), target=TARGET, seeds=(0,), designs={}, can_pause=can_pause
    )
    return Racing(given).build()


def launcher(machine=None, slots=1):
    return FakeLauncher(slices=trains, slots=slots, machine=machine)


@pytest.fixture
def bench(tmp_path):
    with Store.open("sqlite://") as store:
        yield Bench(tmp_path / "results", store)


def by_text(rows):
    return sorted(rows, key=str)


def told(bench):
    """Return what the driver was told; of cancelled trials how far they got is not kept if their process was lost."""
    ended = [(o, None if o.state is TrialState.CANCELLED else o.best) for o in bench.driver.told]
    return [(o.cell.key, o.seed, str(o.state), o.steps, best) for o, best in ended]


SNIFFED = [
    ("base", 0, "paused", 2, 0.1),
    ("x=poor", 0, "paused", 2, 0.2),
    ("x=slow", 0, "paused", 2, 0.5),
    ("x=good", 0, "paused", 2, 0.6),
]
ABANDONED = [("base", 0, "cancelled", 2, None), ("x=poor", 0, "cancelled", 2, None)]
WHOLE = [
    *SNIFFED,
    ("x=good", 0, "completed", 4, 0.95),
    *ABANDONED,
    *(("x=good", seed, "completed", 4, 0.95) for seed in (1, 2)),
]
STATES = {(BASE, 0): "cancelled", (POOR, 0): "cancelled", (SLOW, 0): "paused"} | {
    (GOOD, seed): "completed" for seed in (0, 1, 2)
}


def states(bench):
    return {(o.cell, o.seed): str(o.state) for o in bench.outcomes()}


def test_parts_and_ends_are_told_as_they_come_and_the_best_is_continued(bench):
    bench.loop(launcher(), racing()).run()
    assert by_text(told(bench)) == by_text(WHOLE)
    assert told(bench)[:5] == WHOLE[:5]
    assert states(bench) == STATES


def test_a_continued_run_is_one_attempt_whose_points_are_stored_once(bench):
    bench.loop(launcher(), racing()).run()
    study = bench.store.study("s")
    [good] = [t for t in bench.store.trials(study.id) if (t.cell, t.seed) == (GOOD, 0)]
    assert [run.attempt for run in bench.store.runs(good.id)] == [1]
    assert bench.store.points(good.id) == {"val/acc": list(enumerate(CURVES["x=good"], 1))}


def test_what_is_abandoned_is_cancelled_without_a_verdict(bench):
    bench.loop(launcher(), racing()).run()
    gone = [o for o in bench.outcomes() if o.cell in (BASE, POOR)]
    assert [(o.state, o.verdict, o.tau, o.steps) for o in gone] == [
        (TrialState.CANCELLED, Verdict.UNDECIDED, None, 2)
    ] * 2


def test_no_process_is_left_of_a_study_that_has_ended_and_what_was_paused_stays_so(bench):
    machine = FakeMachine()
    bench.loop(launcher(machine), racing()).run()
    assert machine.jobs == {}
    [slow] = [t for t in bench.store.trials(bench.store.study("s").id) if t.cell == SLOW]
    assert slow.state is TrialState.PAUSED
    assert [run.state for run in bench.store.runs(slow.id)] == [TrialState.CANCELLED]


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_a_resumed_study_is_told_the_same_in_the_same_order_and_asks_nothing_new(bench, slots):
    bench.loop(launcher(slots=slots), racing()).run()
    before = told(bench)
    bench.loop(launcher(slots=slots), racing()).run()
    assert told(bench) == before
    assert len(bench.runs()) == 6


def test_a_larger_question_continues_a_paused_trial_whose_process_is_gone_by_a_new_run(bench):
    bench.loop(launcher(), racing()).run()

    def wants_slow(count, asked=[]):  # noqa: B006 - once
        return () if asked else (asked.append(1) or (wanted,))

    from sweep.drivers import Proposal

    wanted = Proposal(SLOW, 0, 3)
    driver = racing()
    driver.ask = wants_slow
    bench.loop(launcher(), driver).run()
    assert told(bench)[-1] == ("x=slow", 0, "paused", 3, 0.5)
    assert [run for run in bench.runs() if run[0] == 2] == [(2, 1, "cancelled", None), (2, 2, "cancelled", None)]


@pytest.mark.parametrize("is_machine_lost", [False, True])
@pytest.mark.parametrize("slots", [1, 2])
def test_a_loop_that_died_at_any_step_resumes_to_the_same_end(tmp_path, monkeypatch, slots, is_machine_lost):
    reaper, seen = Reaper(monkeypatch), set()
    for at in range(1, 500):
        with Store.open("sqlite://") as store:
            bench = Bench(tmp_path / str(at), store)
            machine = FakeMachine()
            has_died = reaper.run(bench.loop(launcher(machine, slots), racing()), at)
            if is_machine_lost:
                machine = FakeMachine()
            reaper.run(bench.loop(launcher(machine, slots), racing()), 0)
            assert states(bench) == STATES, reaper.name
            assert [job for job in machine.jobs.values() if job.exit is None] == [], reaper.name
            assert by_text(told(bench)) == by_text(WHOLE), reaper.name
            completed = [run for run in bench.runs() if run[2] == "completed"]
            assert len(completed) == 3, reaper.name
            seen.add(reaper.name)
        if not has_died:
            break
    assert {"pause recorded", "continuation recorded", "proposal enrolled", "driver told"} <= seen


def test_a_stopped_study_leaves_its_paused_trials_paused_and_resumes_them(bench):
    loop = bench.loop(launcher(), racing())
    tell = bench.driver.tell

    def stops(outcome):
        tell(outcome)
        if len(bench.driver.told) == 3:
            loop.interrupt = Interrupt.STOP

    bench.driver.tell = stops
    loop.run()
    assert list(states(bench).values()) == ["paused"] * 3
    bench.loop(launcher(), racing()).run()
    assert (by_text(told(bench)), states(bench)) == (by_text(WHOLE), STATES)


def test_the_process_of_a_paused_run_may_die_and_its_steps_are_run_again(bench):
    class Dies(FakeLauncher):
        def poll(self, wait_s):
            news = super().poll(wait_s)
            for _, job in self._live.values():
                if job.waits_at is not None and job.is_reported and job.exit is None:
                    from sweep.launch.ending import Exit

                    job.exit = Exit(code=-9)
            return news

    bench.loop(Dies(slices=trains), racing()).run()
    assert by_text(told(bench)) == by_text(WHOLE)
    assert states(bench)[GOOD, 0] == "completed"
    assert [run[2:] for run in bench.runs() if run[0] == 3] == [("failed", "killed"), ("completed", None)]


def test_a_driver_that_knows_no_parts_continues_what_another_has_paused(bench):
    bench.loop(launcher(), racing()).run()
    bench.loop(launcher(), GridDriver([BASE, POOR, SLOW, GOOD], [0])).run()
    assert {o.state for o in bench.outcomes()} == {TrialState.COMPLETED}
    assert "paused" not in [state for _, _, state, _, _ in told(bench)]


def test_without_a_launcher_that_can_pause_it_runs_whole_trials(bench):
    bench.loop(launcher(), racing(can_pause=False)).run()
    assert {state for _, _, state, _, _ in told(bench)} == {"completed"}
    assert all(trial.until_step is None for trial in bench.store.trials(bench.store.study("s").id))


def test_the_first_slice_ends_where_it_was_asked_to(bench):
    bench.loop(launcher(), racing()).run()
    trials = bench.store.trials(bench.store.study("s").id)
    assert {t.cell: t.until_step for t in trials if t.seed == 0} == {BASE: SNIFF, POOR: SNIFF, SLOW: SNIFF, GOOD: None}

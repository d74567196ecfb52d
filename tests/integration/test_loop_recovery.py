"""What a loop makes of what an earlier one has left, at every step at which that may have died."""

import pytest
from loop_bench import AS_PLANNED, CURVE, TARGET, Bench
from test_loop_retries import Failing, trains

from sweep.domain.axis import Cell
from sweep.domain.space import FloatRange, Param
from sweep.domain.states import TrialState
from sweep.drivers.optuna import OptunaDriver
from sweep.errors import RunElsewhereError
from sweep.launch.fake import FakeLauncher, FakeMachine, write_run
from sweep.rundir import RunDir
from sweep.store import Store
from sweep.study import loop as loop_module
from sweep.study import runs as runs_module
from sweep.study.loop import StudyLoop


@pytest.fixture
def bench(tmp_path):
    with Store.open("sqlite://") as store:
        yield Bench(tmp_path / "results", store)


class Dead(BaseException):
    """The orchestrator has died: nothing catches this."""


class Reaper:
    """Counts the loop's steps and dies at the one asked for."""

    def __init__(self, monkeypatch) -> None:
        self.at, self.count, self.name = 0, 0, ""
        for module in (loop_module, runs_module):
            monkeypatch.setattr(module, "step", self)

    def __call__(self, name: str) -> None:
        self.count += 1
        if self.count == self.at:
            self.name = name
            raise Dead(name)

    def run(self, loop: StudyLoop, at: int) -> bool:
        """Run a loop; return whether it died at step `at`."""
        self.at, self.count = at, 0
        try:
            loop.run()
        except Dead:
            return True
        return False


def walk(tmp_path, monkeypatch, script, make=None):
    """Yield (step, bench) for each step of a study at which its orchestrator died, after a second one has ended it."""
    reaper = Reaper(monkeypatch)
    for at in range(1, 500):
        with Store.open("sqlite://") as store:
            bench = Bench(tmp_path / str(at), store)
            machine = FakeMachine()
            played = script()  # what has happened in one session does not happen again in the next
            has_died = reaper.run(bench.loop(FakeLauncher(played, machine=machine), make and make()), at)
            step = reaper.name
            reaper.run(bench.loop(FakeLauncher(played, machine=machine), make and make()), 0)
            yield step, bench
        if not has_died:
            return
    raise AssertionError("the walk has no end")


def test_a_loop_that_died_at_any_step_is_ended_by_the_next_one_alike(tmp_path, monkeypatch):
    seen = set()
    for step, bench in walk(tmp_path, monkeypatch, lambda: trains):
        assert bench.verdicts() == AS_PLANNED, step
        assert [run for run in bench.runs() if run[2] == "completed"] == [
            (n, a, "completed", None) for n, a in done(bench)
        ]
        assert len(done(bench)) == 4, step
        assert sorted(o.number for o in bench.driver.told) == [0, 1, 2, 3], step
        assert len(bench.finished) == len(set(bench.finished)), step  # no trial is reported twice
        assert len(list(bench.folder.trials.glob("*/result.json"))) == 4, step  # no finished trial was run again
        seen.add(step)
    assert {"intent recorded", "folder renewed", "spec written", "process started", "end recorded"} <= seen


def done(bench: Bench) -> list[tuple[int, int]]:
    return [run[:2] for run in bench.runs() if run[2] == "completed"]


def test_a_loop_that_died_while_trials_fail_and_are_tried_again_is_ended_alike(tmp_path, monkeypatch):

    for step, bench in walk(tmp_path, monkeypatch, Failing):
        assert bench.verdicts() == AS_PLANNED, step
        assert len(done(bench)) == 4, step


def test_a_search_that_died_at_any_step_proposes_the_same_points(tmp_path, monkeypatch):
    space = (Param("task.lr", FloatRange(low=0.001, high=1.0, log=True)),)

    def make() -> OptunaDriver:
        return OptunaDriver({"n_trials": 4}, (), space, TARGET, 0, (0,))

    def script():
        def by_rate(folder: RunDir) -> int:
            rate = float(dict(folder.read_spec()["params"]).get("task.lr", 0.1))
            return write_run(folder, {"val/acc": [(step, 0.5 / (1 + rate * step)) for step in range(1, 6)]})

        return by_rate

    tables = {}
    for step, bench in walk(tmp_path, monkeypatch, script, make):
        tables[step, len(tables)] = [(o.number, o.cell.key, o.seed, o.best) for o in bench.outcomes()]
    assert len(tables) > 25
    assert len({str(table) for table in tables.values()}) == 1


def test_a_trial_that_hangs_on_is_adopted_and_not_started_again(bench, monkeypatch):
    machine, started = FakeMachine(), []

    def hangs(folder: RunDir) -> None:
        started.append(folder.read_spec()["trial"])

    reaper = Reaper(monkeypatch)
    assert reaper.run(bench.loop(FakeLauncher(hangs, slots=2, machine=machine)), 13)
    assert started == [0, 1]

    class Ends(FakeLauncher):
        def adopt(self, request, handle):
            launched = super().adopt(request, handle)
            if launched is not None:  # and then it trains to its end
                machine.jobs[handle].exit = ended(trains(RunDir(request.dir)))
            return launched

    loop = bench.loop(Ends(trains, slots=2, machine=machine))
    reaper.run(loop, 0)
    assert bench.verdicts() == AS_PLANNED
    assert len(bench.runs()) == 4


def ended(code: int):
    from sweep.launch.ending import Exit

    return Exit(code=code)


def test_a_run_of_a_retired_trial_is_stopped_and_not_reported(bench, monkeypatch):
    machine, started = FakeMachine(), []
    reaper = Reaper(monkeypatch)

    def hangs(folder: RunDir) -> None:
        started.append(folder.read_spec()["trial"])

    assert reaper.run(bench.loop(FakeLauncher(hangs, slots=2, machine=machine)), 13)
    study = bench.store.study("s")
    kept = [t.id for t in bench.store.trials(study.id) if t.number != 0]
    bench.store.set_current(study.id, kept)  # what `enrol` does when the question has changed
    bench.cells = (Cell.of(["stuck=off"]),)
    monkeypatch.setitem(CURVE, "base", CURVE["stuck=off"])
    loop = bench.loop(FakeLauncher(trains, slots=2, machine=machine))
    for run in bench.store.live_runs(study.id):
        if run.trial_id in kept:
            machine.lose(run.pid)  # this one is gone
    reaper.run(loop, 0)
    assert machine.hanging == set()
    assert 0 not in {o.number for o in bench.driver.told}
    states = {t.number: t.state for t in bench.store.trials(study.id, retired=True)}
    assert states[0] is TrialState.CANCELLED


def test_killed_again_and_again_a_trial_keeps_its_attempts(bench, monkeypatch):
    bench.retries = 0
    reaper = Reaper(monkeypatch)
    for _ in range(5):  # each time the machine goes down with it
        assert reaper.run(bench.loop(FakeLauncher(lambda folder: None, machine=FakeMachine())), 6)
    reaper.run(bench.loop(FakeLauncher(trains)), 0)
    assert bench.verdicts() == AS_PLANNED


def test_what_another_database_has_left_in_a_folder_is_no_result_of_this_one(bench, monkeypatch):
    folder = bench.folder.trial(0)
    folder.path.mkdir(parents=True)
    folder.write_spec({"run_id": 1, "begun": "2020-01-01T00:00:00+00:00", "cell": "stuck=off", "trial": 0})
    trains(folder)
    reaper = Reaper(monkeypatch)
    assert reaper.run(bench.loop(FakeLauncher(trains)), 2)
    assert reaper.name == "intent recorded"
    reaper.run(bench.loop(FakeLauncher(trains)), 0)
    assert bench.verdicts() == AS_PLANNED
    assert len(list(bench.folder.trials.glob("0.attempt-*"))) == 1  # kept, not read


def test_half_a_spec_is_that_of_a_run_that_has_not_begun(bench, monkeypatch):
    reaper = Reaper(monkeypatch)
    assert reaper.run(bench.loop(FakeLauncher(trains)), 3)
    assert reaper.name == "folder renewed"
    bench.folder.trial(0).spec.write_text('{"schema": 1, "run_id": 1, "beg')
    reaper.run(bench.loop(FakeLauncher(trains)), 0)
    assert bench.verdicts() == AS_PLANNED
    assert [run[:3] for run in bench.runs()][:2] == [(0, 1, "lost"), (0, 2, "completed")]


def test_a_trial_is_launching_while_its_run_is_queued_and_has_its_process_on_record_once_it_starts(bench):
    states = []

    class Watched(FakeLauncher):
        def poll(self, wait_s):
            states.append([(str(run.state), run.handle is not None, run.pid) for run in live(bench)])
            return super().poll(wait_s)

    bench.loop(Watched(trains, slots=2, queue_s=2.0)).run()
    assert bench.verdicts() == AS_PLANNED
    seen = [each for all_runs in states for each in all_runs]
    assert {state for state, _, _ in seen} == {"launching"}
    assert ("launching", True, None) in seen
    study = bench.store.study("s")
    runs = [run for trial in bench.store.trials(study.id) for run in bench.store.runs(trial.id)]
    assert all(run.pid and run.handle and run.device == "cpu" for run in runs)


def live(bench):
    return bench.store.live_runs(bench.store.study("s").id)


def test_an_orchestrator_that_died_while_runs_were_queued_adopts_them(bench, monkeypatch):
    machine, started = FakeMachine(), []

    def counted(folder: RunDir) -> int:
        started.append(folder.read_spec()["trial"])
        return trains(folder)

    reaper = Reaper(monkeypatch)
    assert reaper.run(bench.loop(FakeLauncher(counted, slots=2, machine=machine, queue_s=2.0)), 13)
    assert started == []
    reaper.run(bench.loop(FakeLauncher(counted, slots=2, machine=machine, queue_s=2.0)), 0)
    assert bench.verdicts() == AS_PLANNED
    assert sorted(started) == [0, 1, 2, 3]


def test_a_run_that_may_live_on_another_host_is_not_started_again(bench, monkeypatch):
    class Elsewhere(FakeLauncher):
        def adopt(self, request, handle):
            raise RunElsewhereError("0: this run was started on host gpu-7", hint="resume the study on gpu-7")

    machine = FakeMachine()
    reaper = Reaper(monkeypatch)
    assert reaper.run(bench.loop(FakeLauncher(lambda folder: None, machine=machine)), 7)
    with pytest.raises(RunElsewhereError, match=r"trial 0: .*gpu-7") as caught:
        reaper.run(bench.loop(Elsewhere(trains, machine=machine)), 0)
    assert caught.value.hint == "resume the study on gpu-7"
    assert [run[2] for run in bench.runs()] == ["launching"]

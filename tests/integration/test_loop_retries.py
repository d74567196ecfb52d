"""Which failures the loop tries again, how, and when it gives a study up."""

from collections import Counter

import pytest
from loop_bench import AS_PLANNED, CURVE, Bench

from sweep.domain.states import TrialState
from sweep.launch.fake import FakeLauncher, write_run
from sweep.rundir import RunDir
from sweep.store import Store
from sweep.study.interrupts import Interrupt


@pytest.fixture
def bench(tmp_path):
    with Store.open("sqlite://") as store:
        yield Bench(tmp_path / "results", store)


def trains(folder: RunDir) -> int:
    """Log the curve of the cell."""
    values = CURVE[folder.read_spec()["cell"]]
    return write_run(folder, {"val/acc": [(step, value) for step, value in enumerate(values, 1)]})


class Failing:
    """A script in which the first `times` attempts of the trials of `seed` end with `code` and `says`."""

    def __init__(self, code: int = -9, *, says: str = "", times: int = 1, seed: int | None = 0) -> None:
        self.code, self.says, self.times, self.seed = code, says, times, seed
        self.spent: Counter = Counter()

    def __call__(self, folder: RunDir) -> int:
        spec = folder.read_spec()
        if self.seed in (None, spec["seed"]) and self.spent[spec["trial"]] < self.times:
            self.spent[spec["trial"]] += 1
            folder.log.write_text(self.says)
            return self.code
        return trains(folder)


def test_an_undisturbed_study_runs_each_trial_once_and_reports_each_once(bench):
    bench.loop(FakeLauncher(trains, slots=2)).run()
    assert bench.verdicts() == AS_PLANNED
    assert len(bench.runs()) == 4
    assert sorted(o.number for o in bench.driver.told) == sorted(bench.finished) == [0, 1, 2, 3]


def test_a_killed_trial_is_tried_again(bench):
    bench.loop(FakeLauncher(Failing(-9))).run()
    assert bench.verdicts() == AS_PLANNED
    assert Counter(run[3] for run in bench.runs()) == {None: 4, "killed": 2}
    assert len(bench.driver.told) == 4


@pytest.mark.parametrize("retries", [0, 2])
def test_a_trial_killed_each_time_is_tried_as_often_as_retries_says(bench, retries):
    bench.retries = retries
    bench.loop(FakeLauncher(Failing(-9, times=99))).run()
    assert Counter(run[3] for run in bench.runs()) == {None: 2, "killed": 2 * (1 + retries)}
    assert Counter(str(o.state) for o in bench.outcomes()) == {"failed": 2, "completed": 2}


def test_a_crash_is_never_tried_again(bench):
    bench.loop(FakeLauncher(Failing(1, times=1))).run()
    assert Counter(run[3] for run in bench.runs()) == {None: 2, "crash": 2}


def test_out_of_memory_is_tried_again_once_whatever_retries_says_and_alone(bench):
    bench.retries = 0
    launcher = FakeLauncher(Failing(1, says="std::bad_alloc", times=99), slots=2)
    alone, start = [], launcher.start
    launcher.start = lambda request: (alone.append(request.exclusive), start(request))[1]
    bench.loop(launcher).run()
    assert Counter(run[3] for run in bench.runs()) == {None: 2, "oom": 4}
    assert sum(alone) == 2


def test_a_start_that_always_fails_ends_and_is_resumed_later(bench):
    def cannot(folder: RunDir) -> int:
        raise OSError("no space left")

    bench.loop(FakeLauncher(cannot)).run()
    assert {run[3] for run in bench.runs()} == {"infra"}
    assert max(Counter(run[0] for run in bench.runs()).values()) == 2
    bench.loop(FakeLauncher(trains)).run()
    assert bench.verdicts() == AS_PLANNED


def test_three_trials_that_crash_alike_stop_a_study_in_which_none_has_completed(bench):
    bench.seeds = tuple(range(10))
    loop = bench.loop(FakeLauncher(Failing(1, says="ImportError: no module", seed=None)))
    loop.run()
    assert loop.breaker.is_open
    assert len(bench.runs()) == 3
    assert "ImportError" in loop.breaker.failure_log(loop.folder)


def test_of_a_log_of_many_megabytes_only_the_end_is_shown(bench):
    loop = bench.loop(FakeLauncher(Failing(1, says="x" * (4 << 20) + "\nImportError: no module", seed=None)))
    loop.run()
    shown = loop.breaker.failure_log(loop.folder)
    assert shown.endswith("| ImportError: no module")
    assert len(shown) < 10_000


def test_failures_of_one_exception_type_count_as_alike_whatever_they_say(bench):
    bench.seeds = tuple(range(10))

    def crashes(folder: RunDir) -> int:
        return write_run(folder, {}, crash=f"ValueError: bad value in {folder.path.name}")

    loop = bench.loop(FakeLauncher(crashes))
    loop.run()
    assert len(bench.runs()) == 3


def test_trials_that_fail_in_different_ways_do_not_stop_a_study(bench):
    bench.seeds = tuple(range(3))
    kinds = iter(["ValueError: a", "TypeError: b", "KeyError: c", "ValueError: d", "OSError: e", "EOFError: f"])
    loop = bench.loop(FakeLauncher(lambda folder: write_run(folder, {}, crash=next(kinds))))
    loop.run()
    assert not loop.breaker.is_open
    assert len(bench.runs()) == 6


def test_a_level_that_always_crashes_stops_no_study_that_has_completed_trials_before(bench):
    bench.seeds = (0,)
    bench.loop(FakeLauncher(trains)).run()
    bench.seeds = tuple(range(6))
    loop = bench.loop(FakeLauncher(Failing(1, seed=None)))
    loop.run()
    assert not loop.breaker.is_open
    assert len(bench.runs()) == 12


def test_one_bad_gpu_is_no_systematic_failure(bench):
    bench.seeds = tuple(range(4))
    loop = bench.loop(FakeLauncher(Failing(1, seed=None)))
    loop.breaker.devices.add("1")  # in use, and nothing has failed on it
    loop.run()
    assert not loop.breaker.is_open


def test_a_drain_lets_running_trials_end_and_launches_no_more(bench):
    def once(folder: RunDir) -> int:
        loop.interrupt = Interrupt.DRAIN
        return trains(folder)

    loop = bench.loop(FakeLauncher(once, slots=1))
    loop.run()
    assert [run[2] for run in bench.runs()] == ["completed"]
    assert any("Ctrl-C again" in text for text in bench.watcher.messages)


def test_a_stop_cancels_what_runs_and_the_next_session_runs_it(bench):
    def hangs(folder: RunDir) -> None:
        loop.interrupt = Interrupt.STOP

    loop = bench.loop(FakeLauncher(hangs))
    loop.run()
    assert {o.state for o in bench.outcomes() if o.state is not TrialState.PENDING} == {TrialState.CANCELLED}
    assert bench.driver.told == []
    bench.loop(FakeLauncher(trains)).run()
    assert bench.verdicts() == AS_PLANNED

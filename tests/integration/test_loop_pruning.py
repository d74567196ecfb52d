"""What a driver sees of running trials: each logged value in its order, however often the loop looks."""

from dataclasses import replace

import pytest
from loop_bench import CURVE, Bench
from test_loop_retries import trains

from sweep.domain.axis import Cell
from sweep.domain.states import TrialState
from sweep.drivers import GridDriver
from sweep.launch.fake import FakeLauncher, write_run
from sweep.rundir import EventWriter
from sweep.store import Store

STUCK = Cell.of(["stuck=off"])


class Watching(GridDriver):
    """A grid that notes what it sees, and gives a trial up at a value."""

    prunes = True

    def __init__(self, cells, seeds, gives_up_at=None):
        super().__init__(cells, seeds)
        self.seen, self.calls, self.gives_up_at = [], [], gives_up_at

    def should_prune(self, proposal, step, value):
        self.seen.append((proposal.cell, proposal.seed, step, value))
        self.calls.append("seen")
        return value == self.gives_up_at

    def tell(self, outcome):
        self.calls.append("told")
        super().tell(outcome)

    def adopt(self, proposal):
        self.calls.append("adopted")
        super().adopt(proposal)


@pytest.fixture
def bench(tmp_path):
    with Store.open("sqlite://") as store:
        yield Bench(tmp_path / "results", store)


def curve(cell, seed=0):
    return [(cell, seed, step, value) for step, value in enumerate(CURVE[cell.key], 1)]


def test_a_trial_that_ends_before_it_was_looked_at_is_seen_whole_and_in_order(bench):
    driver = Watching([Cell(), STUCK], [0])
    bench.loop(FakeLauncher(trains), driver).run()
    assert driver.seen == curve(Cell()) + curve(STUCK)
    assert driver.calls == [*["seen"] * 5, "told", *["seen"] * 3, "told"]


def test_a_value_that_is_not_the_latest_gives_a_running_trial_up(bench):
    def lasts(folder):
        events = EventWriter(folder.events)
        events.write("start", pid=0, host="fake")
        for step, value in enumerate([0.3, 0.1, 0.2], 1):
            events.log(step, {"val/acc": value})
        events.close()

    driver = Watching([Cell()], [0], gives_up_at=0.1)
    bench.loop(FakeLauncher(lasts), driver).run()
    assert [step for _, _, step, _ in driver.seen] == [1, 2]
    assert [outcome.state for outcome in bench.outcomes()] == [TrialState.PRUNED]


def test_a_resumed_driver_sees_again_what_finished_trials_had_logged_before_it_is_told(bench):
    bench.loop(FakeLauncher(trains), Watching([Cell(), STUCK], [0])).run()
    resumed = Watching([Cell(), STUCK], [0])
    bench.loop(FakeLauncher(trains), resumed).run()
    assert resumed.seen == curve(Cell()) + curve(STUCK)
    assert resumed.calls == ["adopted", *["seen"] * 5, "told", "adopted", *["seen"] * 3, "told"]


def test_a_driver_that_does_not_prune_is_not_asked(bench):
    driver = Watching([Cell()], [0])
    driver.prunes = False
    bench.loop(FakeLauncher(trains), driver).run()
    assert driver.seen == []


def test_a_target_without_a_metric_shows_nothing(bench, monkeypatch):
    target = replace(bench.config().target, metric=None)
    monkeypatch.setattr("loop_bench.TARGET", target)
    driver = Watching([Cell()], [0])
    bench.loop(FakeLauncher(lambda folder: write_run(folder, {"train/loss": [(1, 1.0)]})), driver).run()
    assert driver.seen == []

import io
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.report.progress import BURST_LINES, LINE_EVERY_S, LiveProgress


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(scope="module")
def outcomes():
    return samples.three_axes().outcomes


def plain(clock=None):
    console = Console(file=io.StringIO(), width=100)
    return LiveProgress(console, clock=clock or Clock()), console.file


def test_without_a_terminal_each_trial_is_a_line_between_a_first_and_a_last(outcomes):
    progress, out = plain()
    with progress:
        progress.start(3)
        for outcome in outcomes[:3]:
            progress.trial_started(outcome.number, str(outcome.cell), outcome.seed, 600)
            progress.trial_progress(outcome.number, 300, "val/acc", 0.5)
            progress.trial_ended(outcome)
    lines = out.getvalue().splitlines()
    assert lines[0] == "running 3 trials"
    assert lines[1].startswith("[1/3] base seed 0: not converged (1.9 s)")
    assert lines[-1] == "3/3 trials ended in 0.0 s: 2 not converged, 1 stalled"
    assert len(lines) == 5


def test_a_fast_study_does_not_flood_a_log_and_counts_what_it_held_back(outcomes):
    clock = Clock()
    progress, out = plain(clock)
    progress.start(10_000)
    for number in range(9_999):
        clock.now += 0.001
        progress.trial_ended(replace(outcomes[0], number=number))
    lines = out.getvalue().splitlines()
    assert len(lines) <= 1 + BURST_LINES + 10 / LINE_EVERY_S + 1
    assert any("more)" in line for line in lines)
    progress.trial_ended(replace(outcomes[0], number=9_999))
    assert out.getvalue().splitlines()[-1].startswith("[10,000/10,000] ")


def test_time_left_follows_the_throughput_running_trials_included(outcomes):
    clock = Clock()
    progress, out = plain(clock)
    progress.start(4)
    clock.now += 60
    progress.trial_started(1, "base", 1, 600)
    progress.trial_progress(1, 600, "val/acc", 0.5)
    progress.trial_ended(outcomes[0])
    assert out.getvalue().splitlines()[-1].endswith("60 s left")


def test_on_a_terminal_the_view_shows_counts_verdicts_cells_and_what_runs(outcomes):
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    with LiveProgress(console, clock=Clock()) as progress:
        progress.start(40)
        for outcome in outcomes[:12]:
            progress.trial_ended(outcome)
        progress.trial_started(12, "dropout=off + [x]", 2, 600)
        progress.trial_progress(12, 250, "val/acc", float("nan"))
        view = Console(file=io.StringIO(), width=100)
        view.print(progress.render())
    text = view.file.getvalue()
    assert "12/40 trials · 1 running" in text
    assert "base 0/5" in text
    assert "dropout=off + [x]" in text
    assert "250/600" in text
    assert "val/acc NaN" in text


def test_a_message_is_shown_as_it_is():
    progress, out = plain()
    progress.message("trial 3: killed ([signal 9]); retrying")
    assert out.getvalue() == "trial 3: killed ([signal 9]); retrying\n"


def test_progress_of_a_trial_that_is_not_running_is_ignored(outcomes):
    progress, _ = plain()
    progress.start(None)
    progress.trial_progress(99, 1, None, None)
    progress.trial_ended(outcomes[0])
    assert progress.render() is not None


def test_what_was_finished_before_is_not_among_the_verdicts_and_is_said(outcomes):
    progress, out = plain()
    with progress:
        progress.start(3, done=2)
        progress.trial_ended(outcomes[2])
    lines = out.getvalue().splitlines()
    assert lines[0] == "running 1 trial (2 finished before)"
    assert lines[-1].startswith("3/3 trials ended")
    assert lines[-1].endswith(": 1 not converged (2 finished before)")


def test_a_study_with_nothing_left_says_so():
    progress, out = plain()
    with progress:
        progress.start(3, done=3)
    assert out.getvalue() == "no trial left to run (3 finished before)\n"

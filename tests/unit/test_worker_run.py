"""What a task may do with its run, and when the run tells it to end."""

import contextlib
import os
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from sweep.domain.states import StopReason
from sweep.domain.steps import StepKind, findings_of
from sweep.domain.target import Mode, Target
from sweep.rundir import EventWriter, RunDir, facts_of, points_of, read_events
from sweep.task import StopTrial
from sweep.worker.run import WorkerRun


def target(**changes: object) -> Target:
    values = {
        "metric": "val/acc",
        "mode": Mode.MAX,
        "threshold": 0.9,
        "hold": 2,
        "budget_steps": 100,
        "stop_early": True,
        **changes,
    }
    return Target(**values)  # type: ignore[arg-type]


def make(path: Path, **changes: object) -> WorkerRun:
    folder = RunDir(path)
    return WorkerRun(folder, seed=0, target=target(**changes), events=EventWriter(folder.events))


def logged(path: Path) -> dict[str, list[tuple[int, float]]]:
    points = points_of(read_events(RunDir(path).events, 0)[0])
    return {m: list(zip(s.steps.tolist(), s.values.tolist(), strict=True)) for m, s in points.items()}


def end_of(run: WorkerRun, steps: range, value: float = 0.5) -> str:
    try:
        for step in steps:
            run.log(step, **{"val/acc": value})
    except StopTrial as stop:
        return stop.reason
    raise AssertionError("the run was never told to end")


@pytest.mark.parametrize(
    "value", [1, 0.5, True, np.float32(0.5), np.int64(3), np.array(0.5), Decimal("0.5"), float("nan")]
)
def test_whatever_is_one_number_is_logged(tmp_path: Path, value: float) -> None:
    make(tmp_path).log(1, metric=value)
    np.testing.assert_equal(logged(tmp_path), {"metric": [(1, float(value))]})


@pytest.mark.parametrize("shape", [(1,), (1, 1)])
def test_an_array_of_one_number_is_logged_whatever_its_shape(tmp_path: Path, shape: tuple[int, ...]) -> None:
    make(tmp_path).log(1, metric=np.full(shape, 0.5, dtype=np.float32))
    assert logged(tmp_path) == {"metric": [(1, 0.5)]}


def test_a_metric_without_a_value_is_to_be_left_out(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"'val/acc' .* got None.* leave it out"):
        make(tmp_path).log(1, **{"val/acc": None})


@pytest.mark.parametrize("value", ["0.5", b"1", None, [1.0], np.zeros(2), 1j, {}, 10**400])
def test_what_is_not_one_number_is_refused_by_name_and_nothing_is_recorded(tmp_path: Path, value: float) -> None:
    with pytest.raises(TypeError, match="'metric' must be one number"):
        make(tmp_path).log(1, good=1.0, metric=value)
    assert logged(tmp_path) == {}


@pytest.mark.parametrize("step", [1.5, float("nan"), float("inf"), "1", None, True])
def test_a_step_that_is_no_whole_number_is_refused(tmp_path: Path, step: int) -> None:
    with pytest.raises(TypeError, match="step must be a whole number"):
        make(tmp_path).log(step, metric=1.0)


@pytest.mark.parametrize("step", [-1, 2**63])
def test_a_step_out_of_range_is_refused(tmp_path: Path, step: int) -> None:
    with pytest.raises(ValueError, match=r"from 0 to 2\*\*63 - 1"):
        make(tmp_path).log(step, metric=1.0)


@pytest.mark.parametrize("step", [np.int64(4), 4.0, np.float64(4.0)])
def test_a_whole_number_of_another_type_is_a_step(tmp_path: Path, step: int) -> None:
    make(tmp_path).log(step, metric=1.0)
    assert logged(tmp_path) == {"metric": [(4, 1.0)]}


def test_a_validation_by_epoch_is_recorded_and_followed_at_the_step_reached(tmp_path: Path) -> None:
    run = make(tmp_path, stop_early=False)
    for epoch in range(1, 10):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            run.log(step, **{"train/loss": 1.0})
        run.log(epoch, **{"val/acc": 0.95})
    assert [step for step, _ in logged(tmp_path)["val/acc"]][:3] == [10, 20, 30]
    [found] = findings_of(facts_of(read_events(RunDir(tmp_path).events, 0)[0])["log/steps"])
    assert (found.kind, found.series) == (StepKind.BEHIND, "val/acc")


def test_a_value_that_is_held_back_is_recorded_in_the_end_at_the_step_reached(tmp_path: Path) -> None:
    run = make(tmp_path)
    for step in range(1, 51):
        run.log(step, **{"train/loss": 1.0})
    run.log(1, **{"val/acc": 0.5})
    assert "val/acc" not in logged(tmp_path)
    run.conclude()
    assert logged(tmp_path)["val/acc"] == [(50, 0.5)]


def test_an_evaluation_by_epoch_at_the_last_step_of_the_budget_is_taken(tmp_path: Path) -> None:
    run = make(tmp_path)
    for epoch in range(1, 11):
        for step in range(10 * epoch - 9, 10 * epoch + 1):
            run.log(step, **{"train/loss": 1.0})
        run.log(epoch, **{"val/acc": 0.5})
    assert [step for step, _ in logged(tmp_path)["val/acc"]] == list(range(10, 101, 10))
    with pytest.raises(StopTrial, match="budget"):
        run.log(101, **{"train/loss": 1.0})


def test_curves_logged_after_the_training_are_taken_within_the_budget(tmp_path: Path) -> None:
    run = make(tmp_path)
    for step in range(1, 101):
        run.log(step, **{"train/loss": 1.0})
    for step in range(10, 101, 10):
        run.log(step, **{"val/acc": 0.5})
    assert [step for step, _ in logged(tmp_path)["val/acc"]] == list(range(10, 101, 10))
    with pytest.raises(StopTrial, match="budget"):
        run.log(110, **{"val/acc": 0.5})


def test_a_resumed_counter_has_the_whole_budget(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert end_of(run, range(100_001, 200_000)) == "budget"
    assert logged(tmp_path)["val/acc"][-1][0] == run.last_step == 100


def test_a_task_that_logs_as_it_should_leaves_no_fact(tmp_path: Path) -> None:
    run = make(tmp_path)
    end_of(run, range(1, 200))
    run.conclude()
    assert facts_of(read_events(RunDir(tmp_path).events, 0)[0]) == {}


@pytest.mark.parametrize(
    ("value", "text"),
    [({"loss": 0.1, "acc": 1}, "a dict (loss, acc)"), (0.5, "a float"), ([1, 2], "a list"), (3, "an int")],
)
def test_what_the_task_returned_is_recorded(tmp_path: Path, value: object, text: str) -> None:
    make(tmp_path).conclude(value)
    assert facts_of(read_events(RunDir(tmp_path).events, 0)[0]) == {"log/returned": text}


def test_the_budget_ends_the_trial_at_its_last_step(tmp_path: Path) -> None:
    run = make(tmp_path, budget_steps=3)
    assert end_of(run, range(1, 100)) == StopReason.BUDGET
    assert [step for step, _ in logged(tmp_path)["val/acc"]] == [1, 2, 3]


def test_a_held_target_ends_the_trial(tmp_path: Path) -> None:
    assert end_of(make(tmp_path), range(1, 100), 0.95) == StopReason.CONVERGED
    assert len(logged(tmp_path)["val/acc"]) == 2


def test_without_early_stop_a_held_target_runs_its_budget(tmp_path: Path) -> None:
    assert end_of(make(tmp_path, stop_early=False), range(1, 1000), 0.95) == StopReason.BUDGET


def test_divergence_ends_the_trial(tmp_path: Path) -> None:
    assert end_of(make(tmp_path), range(1, 100), float("nan")) == StopReason.DIVERGED


def test_all_of_the_last_step_is_taken_and_nothing_after_it(tmp_path: Path) -> None:
    run = make(tmp_path, budget_steps=3)
    for step in (1, 2, 3):
        run.log(step, **{"train/loss": 0.5})
    run.log(3, **{"val/acc": 0.5})
    assert run.stop_reason is None
    with pytest.raises(StopTrial, match="budget"):
        run.log(4, **{"train/loss": 0.5})
    assert logged(tmp_path)["val/acc"] == [(3, 0.5)]
    assert [step for step, _ in logged(tmp_path)["train/loss"]] == [1, 2, 3]
    assert run.last_step == 3


def test_what_else_is_logged_at_the_deciding_step_may_change_the_decision(tmp_path: Path) -> None:
    run = make(tmp_path, hold=1)
    run.log(5, **{"val/acc": 0.95})
    run.log(5, **{"train/loss": float("nan")})
    with pytest.raises(StopTrial, match="diverged"):
        run.log(6, **{"val/acc": 0.95})


def test_a_decision_at_the_last_log_is_the_reason_once_the_task_has_returned(tmp_path: Path) -> None:
    run = make(tmp_path, hold=1)
    run.log(5, **{"val/acc": 0.95})
    run.conclude()
    assert run.stop_reason == StopReason.CONVERGED
    undecided = make(tmp_path)
    undecided.log(5, **{"val/acc": 0.5})
    undecided.conclude()
    assert undecided.stop_reason is None


def test_a_crash_after_the_decision_changes_a_budget_only(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    broken, used_up = make(tmp_path / "a"), make(tmp_path / "b", budget_steps=5)
    for run, value in ((broken, float("nan")), (used_up, 0.5)):
        run.log(5, **{"train/loss": value})
        run.conclude(has_failed=True)
    assert (broken.stop_reason, used_up.stop_reason) == (StopReason.DIVERGED, None)


def test_what_the_monitor_sees_after_the_decision_is_not_recorded(tmp_path: Path) -> None:
    run = make(tmp_path, budget_steps=3)
    for step in (1, 2, 3, 4):
        run.record_watched(step, {"watch/loss": 0.5})
        if step < 4:
            run.log(step, **{"val/acc": 0.5})
    assert [step for step, _ in logged(tmp_path)["watch/loss"]] == [1, 2, 3]


def test_a_stop_that_is_noticed_within_a_step_waits_for_the_next_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("sweep.worker.run.monotonic_s", lambda: now)
    run = make(tmp_path)
    run.log(0, metric=1.0)
    RunDir(tmp_path).request_stop("pruned")
    now = 0.06
    run.log(0, other=1.0)
    with pytest.raises(StopTrial, match="pruned"):
        run.log(1, metric=1.0)
    assert set(logged(tmp_path)) == {"metric", "other"}
    (tmp_path / "always_0").mkdir()
    run = make(tmp_path / "always_0")
    run.log(0, metric=1.0)
    RunDir(tmp_path / "always_0").request_stop("pruned")
    now = 1.0
    run.log(0, metric=1.0)
    now = 2.1
    with pytest.raises(StopTrial, match="pruned"):
        run.log(0, metric=1.0)


def test_once_ended_every_log_raises_again_and_records_nothing(tmp_path: Path) -> None:
    run = make(tmp_path, budget_steps=1)
    for _ in range(3):
        assert end_of(run, range(1, 3)) == StopReason.BUDGET
    assert logged(tmp_path) == {"val/acc": [(1, 0.5)]}


def test_a_stop_file_ends_the_trial_with_the_reason_in_it(tmp_path: Path) -> None:
    run = make(tmp_path)
    RunDir(tmp_path).request_stop("pruned")
    assert end_of(run, range(1, 2)) == StopReason.PRUNED


def test_a_stop_file_touched_by_hand_stops(tmp_path: Path) -> None:
    run = make(tmp_path)
    RunDir(tmp_path).stop.touch()
    assert end_of(run, range(1, 2)) == StopReason.STOPPED


def test_the_stop_file_is_not_looked_for_at_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("sweep.worker.run.monotonic_s", lambda: now)
    run = make(tmp_path)
    run.log(1, metric=1.0)
    RunDir(tmp_path).request_stop("pruned")
    run.log(2, metric=1.0)
    now = 0.06
    assert end_of(run, range(3, 4)) == StopReason.PRUNED


def test_sigterm_ends_the_trial_at_the_next_log(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(1, metric=1.0)
    run.is_terminated = True
    assert end_of(run, range(2, 3)) == StopReason.STOPPED


def test_the_reason_given_in_a_stop_file_outweighs_the_signal_that_follows_it(tmp_path: Path) -> None:
    run = make(tmp_path)
    run.log(1, metric=1.0)
    RunDir(tmp_path).request_stop("pruned")
    run.is_terminated = True
    assert end_of(run, range(2, 3)) == StopReason.PRUNED


def test_facts_decide_the_rule_where_no_target_is_given(tmp_path: Path) -> None:
    run = make(tmp_path, metric="loss", mode=Mode.MIN, threshold=None, hold=1)
    run.describe(label_entropy=2.0, kind="classification")
    run.log(1, loss=1.5)
    run.log(60, loss=0.1)
    with pytest.raises(StopTrial, match="converged"):
        run.log(61, loss=0.1)
    assert facts_of(read_events(RunDir(tmp_path).events, 0)[0]) == {"label_entropy": 2.0, "kind": "classification"}


def test_streams_differ_by_name_and_not_by_cell(tmp_path: Path) -> None:
    run = make(tmp_path)
    assert run.stream("init") != run.stream("order")
    assert run.stream("init") == make(tmp_path).stream("init")


def test_an_artifact_lies_in_the_runs_own_folder(tmp_path: Path) -> None:
    path = make(tmp_path).artifact("plots/loss.png")
    assert path == tmp_path / "artifacts" / "plots" / "loss.png"
    assert path.parent.is_dir()


@pytest.mark.parametrize("name", ["", "../x", "/x", "a/../../x"])
def test_an_artifact_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="inside the run's folder"):
        make(tmp_path).artifact(name)


def test_a_full_disk_is_an_error_of_the_log_and_later_events_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make(tmp_path)
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:10]) and 1 // 0)
        with pytest.raises(ZeroDivisionError):
            run.log(1, metric=1.0)
    run.log(2, metric=2.0)
    assert logged(tmp_path) == {"metric": [(2, 2.0)]}


@pytest.mark.parametrize(("evaluated_at", "is_told"), [(101, True), (100, False)])
def test_a_metric_that_is_logged_only_beyond_the_budget_is_reported(
    tmp_path: Path, evaluated_at: int, is_told: bool
) -> None:
    run = make(tmp_path)
    for step in range(1, 101):
        run.log(step, **{"train/loss": 1.0})
    with contextlib.suppress(StopTrial):
        run.log(evaluated_at, **{"val/acc": 0.95})
    found = facts_of(read_events(RunDir(tmp_path).events, 0)[0])
    assert found.get("log/late") == (101 if is_told else None)


def test_a_metric_that_was_evaluated_before_is_not_reported_late(tmp_path: Path) -> None:
    assert end_of(make(tmp_path), range(10, 200, 10)) == "budget"
    assert "log/late" not in facts_of(read_events(RunDir(tmp_path).events, 0)[0])

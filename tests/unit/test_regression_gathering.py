"""Loss digests, target texts, and what a task's runs were made with."""

import math

import numpy as np

from sweep.domain.metric import Series
from sweep.domain.target import Mode, Target
from sweep.study.regression.environment import device_model, environment_of
from sweep.study.regression.gathering import loss_digest, target_text


def series(*values: float, steps=None) -> Series:
    return Series(
        np.array(steps if steps is not None else range(len(values)), dtype=np.int64), np.array(values, dtype=np.float64)
    )


def target(**changes) -> Target:
    given = {
        "metric": "val/acc", "mode": Mode.MAX, "threshold": 0.9, "hold": 3, "budget_steps": 400, "stop_early": True
    }  # fmt: skip
    return Target(**{**given, **changes})


def test_a_digest_tells_what_float32_tells_apart_and_nothing_finer():
    one = loss_digest({"train/loss": series(0.1, 0.2)})
    assert loss_digest({"train/loss": series(0.1 + 1e-12, 0.2)}) == one
    assert loss_digest({"train/loss": series(0.1, float(np.nextafter(np.float32(0.2), np.float32(1))))}) != one


def test_a_digest_is_of_losses_with_their_steps_and_of_nothing_else():
    one = loss_digest({"train/loss": series(0.1, 0.2)})
    assert loss_digest({"train/loss": series(0.1, 0.2), "val/acc": series(0.5), "watch/loss": series(9.0)}) == one
    assert loss_digest({"train/loss": series(0.1, 0.2, steps=[0, 2])}) != one
    assert loss_digest({"val/loss": series(0.1, 0.2)}) != one


def test_without_a_loss_the_digest_is_of_all_metrics_the_task_logs():
    assert loss_digest({"val/acc": series(0.5)}) != loss_digest({"val/acc": series(0.6)})
    assert loss_digest({"val/acc": series(0.5), "watch/lr": series(1.0)}) == loss_digest({"val/acc": series(0.5)})


def test_losses_that_are_no_numbers_have_a_digest_too():
    wild = loss_digest({"train/loss": series(math.nan, math.inf, 1e300)})
    assert wild == loss_digest({"train/loss": series(math.nan, math.inf, 1e300)})


def test_a_target_text_is_equal_where_steps_to_target_can_be_compared():
    assert target_text(target()) == target_text(target(stop_early=False))
    others = [target(threshold=0.91), target(hold=None), target(budget_steps=500), target(metric="val/f1")]
    assert len({target_text(each) for each in [target(), *others]}) == 5
    assert "rules" in target_text(target(threshold=None))


def test_runs_on_the_cpu_are_of_the_device_cpu():
    assert device_model(["cpu"]) == device_model([]) == "cpu"


def test_what_a_provenance_lacks_is_empty():
    found = environment_of({"host": "vm", "git_sha": None}, devices=["cpu"])
    assert (found.host, found.git_sha, found.packages, found.settings) == ("vm", "", (), ())

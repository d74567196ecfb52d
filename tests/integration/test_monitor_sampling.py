"""Which steps the monitor looks at."""

import pytest

from sweep.domain.metric_names import is_loss
from sweep.worker.monitor.sampling import SAMPLINGS, Sampling

RULE = Sampling(opening=3, scalars=10, layers=50, until=1000, most_layers=8)


def test_the_first_steps_and_every_tenth_are_sampled() -> None:
    assert [step for step in range(1, 41) if RULE.has_scalars(step)] == [1, 2, 3, 10, 20, 30, 40]


def test_layers_are_looked_at_in_the_first_step_and_every_fiftieth() -> None:
    assert [step for step in range(1, 201) if RULE.has_layers(step)] == [1, 50, 100, 150, 200]


@pytest.mark.parametrize(
    ("above", "until", "distance"), [(100, 1000, 10), (1000, 2000, 20), (2000, 4000, 40), (8000, 16_000, 160)]
)
def test_distances_double_as_the_run_gets_longer(above: int, until: int, distance: int) -> None:
    sampled = [step for step in range(above + 1, until + 1) if RULE.has_scalars(step)]
    assert sampled == list(range(above + distance, until + 1, distance))


@pytest.mark.parametrize("name", SAMPLINGS)
def test_a_step_with_layers_is_one_with_scalars_and_a_long_run_stays_small(name: str) -> None:
    rule = SAMPLINGS[name]
    assert all(rule.has_scalars(step) for step in range(1, 20_000) if rule.has_layers(step))
    per_doubling = sum(rule.has_scalars(step) for step in range(32_001, 64_001))
    assert per_doubling <= rule.until / rule.scalars / 2


def test_what_the_monitor_saw_of_a_loss_is_no_loss_of_the_task() -> None:
    assert is_loss("train/loss")
    assert not is_loss("watch/loss")

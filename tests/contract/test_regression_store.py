"""Nights and baselines in the store: kept, replaced, found again, and the same when read back."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from sweep.domain.nights import Baseline, Environment, Night, NightRun
from sweep.store import Regressions, Store, TaskNight
from sweep.store.regressionjson import environment_of

AT = datetime(2026, 11, 23, 2, 15, tzinfo=timezone.utc)


def run(seed: int = 0, **changes) -> NightRun:
    return replace(NightRun(seed=seed, tau=100, budget=400, verdict="converged", trial=f"s/{seed}"), **changes)


def night(name: str = "2026-11-23", **changes) -> Night:
    made = Night(name=name, at=AT, runs=(run(),), wanted=3, target="t", environment=Environment(device="cpu"))
    return replace(made, **changes)


def baseline(task: str = "mlp", device: str = "cpu", **changes) -> Baseline:
    made = Baseline(
        task=task, runs=(run(),), target="t", environment=Environment(device=device), accepted_at=AT, studies=("s",)
    )
    return replace(made, **changes)


@pytest.fixture(params=["memory", "postgresql"])
def kept(request):
    url = "sqlite://" if request.param == "memory" else request.getfixturevalue("postgres_url")
    with Store.open(url) as store:
        yield Regressions(store)


def save(kept: Regressions, regression: str, found: Night, task: str = "mlp", verdict: str = "ok") -> None:
    kept.begin_night(regression, found.name, at=found.at)
    kept.save_task(regression, TaskNight(task=task, night=found, verdict=verdict, studies=("s",)))


def test_nights_come_in_the_order_in_which_they_began(kept):
    save(kept, "nightly", night("2026-11-24"))
    save(kept, "nightly", night("2026-11-22", at=AT + timedelta(hours=1)))
    assert [each.night.name for each in kept.task_nights("nightly", "mlp")] == ["2026-11-24", "2026-11-22"]
    assert [each.name for each in kept.nights()] == ["2026-11-24", "2026-11-22"]


def test_a_night_begun_again_is_the_same_night(kept):
    first = kept.begin_night("nightly", "2026-11-23", at=AT)
    kept.end_night("nightly", "2026-11-23", "interrupted")
    again = kept.begin_night("nightly", "2026-11-23", at=AT + timedelta(hours=2))
    assert (again.created_at, again.status, again.ended_at) == (first.created_at, "running", None)


def test_what_a_night_did_for_a_task_is_replaced_not_doubled(kept):
    save(kept, "nightly", night())
    save(kept, "nightly", night(runs=(run(), run(1))), verdict="slower")
    [found] = kept.task_nights("nightly")
    assert (len(found.night.runs), found.verdict) == (2, "slower")


def test_regressions_do_not_see_each_other(kept):
    save(kept, "nightly", night())
    save(kept, "weekly", night())
    kept.accept("weekly", [baseline()])
    assert len(kept.task_nights("nightly")) == 1
    assert kept.baselines("nightly") == []
    assert set(kept.names()) == {"nightly", "weekly"}


def test_a_new_baseline_counts_and_the_old_one_stays_on_record(kept):
    kept.accept("nightly", [baseline(), baseline("cnn")])
    kept.accept("nightly", [baseline(target="another")])
    assert [(each.task, each.target) for each in kept.baselines("nightly")] == [("cnn", "t"), ("mlp", "another")]
    assert [each.target for each in kept.baselines("nightly", "mlp", superseded=True)] == ["t", "another"]


def test_each_kind_of_device_has_a_baseline_of_its_own(kept):
    kept.accept("nightly", [baseline(), baseline(device="H100")])
    kept.accept("nightly", [baseline(target="newer")])
    for device, target in (("H100", "t"), ("cpu", "newer"), ("A100", "newer")):
        found = kept.baseline("nightly", "mlp", device)
        assert found is not None
        assert found.target == target
    assert kept.baseline("nightly", "cnn", "cpu") is None


def test_studies_of_superseded_baselines_are_kept_too(kept):
    kept.accept("nightly", [baseline(studies=("a", "b"))])
    kept.accept("nightly", [baseline(studies=("c",))])
    assert kept.kept_studies() == {"a", "b", "c"}


def test_the_studies_behind_each_night_are_found_without_reading_it_whole(kept):
    save(kept, "nightly", night("2026-11-23"), "mlp")
    save(kept, "nightly", night("2026-11-23"), "cnn")
    assert kept.studies("nightly") == {"2026-11-23": {"s"}}
    assert kept.studies("weekly") == {}


def test_an_environment_of_another_version_reads_what_both_know():
    assert environment_of({"host": "vm", "weather": "fair"}) == Environment(host="vm")

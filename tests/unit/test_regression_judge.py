import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import regression_samples as samples
from regression_samples import BUDGET, HERE, SETTINGS, baseline_of, drawn, history, night_of, run, seeds_of

from sweep.analysis.regression import judge_task, suspects
from sweep.analysis.regression.changepoints import change_points
from sweep.analysis.regression.cusum import fewer_p
from sweep.analysis.regression.reference import log_tau, reference_of, slack_of, threshold_of
from sweep.domain.nights import LossHash, night_seeds
from sweep.domain.regression import Leaning, NumericsStatus, RegressionSettings, TaskVerdict, exit_code_of


@pytest.fixture
def rng():
    return np.random.default_rng(11)


@pytest.fixture
def baseline(rng):
    return baseline_of(drawn(rng, range(20)))


def judged(baseline, nights, settings=SETTINGS):
    return judge_task("digits", baseline, nights, settings)


def missed(number, count=3):
    return [run(seed, None) for seed in seeds_of(number)][:count]


def test_a_miss_counts_as_two_budgets():
    assert log_tau(run(1, None)) == pytest.approx(np.log(2 * BUDGET))
    assert log_tau(run(1, 200)) == pytest.approx(np.log(200))


def test_quiet_nights_are_ok(rng, baseline):
    report = judged(baseline, history(rng, 14))
    assert (report.verdict, report.suspects, report.alarm) == (TaskVerdict.OK, (), None)


def test_a_slower_task_asks_for_fresh_seeds_before_it_is_called(rng, baseline):
    nights = [*history(rng, 10), night_of(11, drawn(rng, seeds_of(11), 1.5))]
    report = judged(baseline, nights)
    assert report.needs_confirmation
    assert report.verdict == TaskVerdict.NOT_RUN
    assert "looks slower" in report.words


def test_slower_is_called_where_fresh_seeds_are_slower_too(rng, baseline):
    nights = [*history(rng, 10), night_of(11, drawn(rng, seeds_of(11), 1.5))]
    nights[-1] = replace(nights[-1], confirmation=drawn(rng, [7, 8, 9], 1.5))
    report = judged(baseline, nights)
    assert (report.verdict, report.alarm.confirmed, report.needs_confirmation) == (TaskVerdict.SLOWER, True, False)
    assert report.change.low < 50 < report.change.high


def test_an_alarm_that_fresh_seeds_refute_is_ok_and_says_so(rng, baseline):
    nights = [*history(rng, 10), night_of(11, drawn(rng, seeds_of(11), 1.5))]
    nights[-1] = replace(nights[-1], confirmation=drawn(rng, [7, 8, 9]))
    report = judged(baseline, nights)
    assert (report.verdict, report.alarm.confirmed) == (TaskVerdict.OK, False)
    assert any("not confirmed on 3 fresh seeds" in note for note in report.notes)


def slower_night(times=1.3, **changes):
    """A night after a ten-run baseline whose interval excludes 0, and whose CUSUM stays below the threshold."""
    rng = np.random.default_rng(1)
    baseline = baseline_of(drawn(rng, range(10)))
    return baseline, [night_of(1, drawn(rng, seeds_of(1), times), **changes)]


def test_a_night_that_is_slower_by_its_interval_says_so_with_how_near_an_alarm_is():
    report = judged(*slower_night())
    assert (report.verdict, report.needs_confirmation, report.leaning) == (TaskVerdict.OK, False, Leaning.SLOWER)
    assert "slower so far, not confirmed" in report.words
    assert f"CUSUM {report.path[-1].upper:.2f} of {report.threshold:.2f}" in report.words


def test_other_losses_on_a_slower_night_are_not_called_no_worse():
    baseline, nights = slower_night(hashes=(LossHash(seed=0, steps=30, digest="bb"),))
    report = judged(replace(baseline, hashes=(LossHash(seed=0, steps=30, digest="aa"),)), nights)
    assert (report.verdict, report.leaning) == (TaskVerdict.NUMERICS_CHANGED, Leaning.SLOWER)
    assert "no worse" not in report.words
    assert "slower so far, not confirmed" in report.words


def test_a_night_that_is_faster_by_its_interval_says_so():
    report = judged(*slower_night(0.75))
    assert (report.verdict, report.leaning) == (TaskVerdict.OK, Leaning.FASTER)
    assert "faster so far, not confirmed" in report.words


def test_an_interval_around_0_leans_to_no_side(rng, baseline):
    report = judged(baseline, [night_of(1, drawn(rng, seeds_of(1)))])
    assert report.change.low < 0 < report.change.high
    assert (report.leaning, "so far" in report.words) == (None, False)


def test_a_slower_night_that_fresh_seeds_refute_says_which(rng, baseline):
    nights = [*history(rng, 10), night_of(11, drawn(rng, seeds_of(11), 1.5), confirmation=drawn(rng, [7, 8, 9]))]
    report = judged(baseline, nights)
    assert (report.verdict, report.leaning, report.alarm.confirmed) == (TaskVerdict.OK, Leaning.SLOWER, False)
    assert "not confirmed by 3 fresh seeds" in report.words


def test_a_confirmed_alarm_stays_on_without_asking_again_and_ends_when_the_old_level_is_back(rng, baseline):
    nights = [*history(rng, 10), night_of(11, drawn(rng, seeds_of(11), 1.5), confirmation=drawn(rng, [7, 8, 9], 1.5))]
    nights += [night_of(n, drawn(rng, seeds_of(n), 1.5)) for n in (12, 13)]
    report = judged(baseline, nights)
    assert (report.verdict, report.needs_confirmation, report.alarm.since) == (
        TaskVerdict.SLOWER,
        False,
        nights[10].name,
    )
    nights += [night_of(n, drawn(rng, seeds_of(n))) for n in (14, 15)]
    assert judged(baseline, nights).verdict == TaskVerdict.OK


def test_a_task_that_stops_converging_is_broken_the_same_night(rng, baseline):
    nights = [*history(rng, 10), night_of(11, missed(11))]
    assert judged(baseline, nights).needs_confirmation
    nights[-1] = replace(nights[-1], confirmation=tuple(run(seed, None, "diverged") for seed in (7, 8, 9)))
    report = judged(baseline, nights)
    assert (report.verdict, report.alarm.since) == (TaskVerdict.BROKEN, nights[-1].name)
    assert report.change is None


def test_a_broken_task_is_called_on_the_first_night_after_a_ten_run_baseline(rng):
    night = night_of(1, missed(1), confirmation=tuple(run(seed, None) for seed in (7, 8, 9)))
    assert judged(baseline_of(drawn(rng, range(10))), [night]).verdict == TaskVerdict.BROKEN


def test_one_miss_alone_raises_no_alarm(rng, baseline):
    nights = [*history(rng, 10), night_of(11, [*drawn(rng, seeds_of(11)[:2]), run(11002, None)])]
    report = judged(baseline, nights)
    assert report.verdict == TaskVerdict.OK
    assert any("two budgets" in note for note in report.notes)


def test_a_faster_task_is_improved_and_never_an_alarm(rng, baseline):
    report = judged(baseline, history(rng, 20, change_at=10, times=0.7))
    assert (report.verdict, report.alarm) == (TaskVerdict.IMPROVED, None)


@pytest.mark.parametrize("count", [0, 4, 9])
def test_too_few_accepted_runs_are_no_baseline_yet(rng, count):
    accepted = baseline_of(drawn(rng, range(count))) if count else None
    report = judged(accepted, [night_of(1, missed(1))])
    assert report.verdict == TaskVerdict.NO_BASELINE
    assert f"({count} of 10 runs)" in report.words


def test_crashed_runs_do_not_make_a_baseline(rng):
    runs = [*drawn(rng, range(9)), *(run(seed, None, "crash") for seed in range(9, 20))]
    assert "(9 of 10 runs)" in judged(baseline_of(runs), history(rng, 1)).words


def test_a_crashed_night_is_not_run_and_changes_no_state(rng, baseline):
    nights = history(rng, 12, change_at=10, times=1.15)
    crash = night_of(13, [run(seed, None, "crash") for seed in seeds_of(13)])
    before, after = judged(baseline, nights), judged(baseline, [*nights, crash])
    assert after.verdict == TaskVerdict.NOT_RUN
    assert "3 crash" in after.words
    assert after.path[-1].upper == before.path[-1].upper


def test_a_crashed_night_during_a_regression_is_not_run_and_the_regression_is_on_again_the_night_after(rng, baseline):
    again = tuple(run(seed, None) for seed in (7, 8, 9))
    nights = [*history(rng, 10), night_of(11, missed(11), confirmation=again)]
    nights.append(night_of(12, [run(seed, None, "crash") for seed in seeds_of(12)]))
    report = judged(baseline, nights)
    assert (report.verdict, report.words) == (TaskVerdict.NOT_RUN, "no run has a verdict: 3 crash")
    report = judged(baseline, [*nights, night_of(13, missed(13))])
    assert (report.verdict, report.needs_confirmation) == (TaskVerdict.BROKEN, False)


def test_fresh_seeds_that_crash_confirm_nothing_and_are_not_asked_for_twice(rng, baseline):
    crash = tuple(run(seed, None, "crash") for seed in (7, 8, 9))
    report = judged(baseline, [night_of(1, missed(1), confirmation=crash)])
    assert (report.verdict, report.alarm.confirmed, report.needs_confirmation) == (TaskVerdict.NOT_RUN, None, False)
    assert "no fresh seeds ran" in report.words


def test_a_night_with_half_its_trials_is_judged_by_what_ran_and_says_so(rng, baseline):
    runs = [*drawn(rng, seeds_of(11)[:1]), run(11001, None, "oom"), run(11002, None, "timeout")]
    report = judged(baseline, [*history(rng, 10), night_of(11, runs)])
    assert (report.verdict, report.trials) == (TaskVerdict.OK, 1)
    assert any("1 of 3 seeds" in note and "1 oom" in note for note in report.notes)


def test_runs_that_repeat_a_seed_and_its_steps_are_no_new_evidence(rng, baseline):
    slow = drawn(rng, seeds_of(5), 1.1)
    once = judged(baseline, [night_of(5, slow)])
    thrice = judged(baseline, [night_of(n, slow) for n in (5, 6, 7)])
    assert thrice.path[-1].upper == once.path[-1].upper
    assert any("repeat" in note for note in thrice.notes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"target": "val/acc >= 0.95"}, "another target"),
        ({"runs": (replace(run(1, 100), budget=2 * BUDGET),)}, "another budget"),
        ({"environment": replace(HERE, device="NVIDIA H100")}, "another kind of device"),
    ],
)
def test_what_cannot_be_compared_is_not_and_says_why(rng, baseline, changes, words):
    tonight = replace(night_of(11, drawn(rng, seeds_of(11), 3.0)), **changes)
    report = judged(baseline, [*history(rng, 10), tonight])
    assert report.verdict == TaskVerdict.NO_BASELINE
    assert words in report.words


def test_another_device_is_compared_where_asked(rng, baseline):
    tonight = night_of(1, drawn(rng, seeds_of(1)), environment=replace(HERE, device="NVIDIA H100"))
    report = judged(baseline, [tonight], replace(SETTINGS, compare_other_devices=True))
    assert report.verdict == TaskVerdict.OK
    assert any("another kind of device" in note for note in report.notes)


def test_a_new_baseline_starts_the_cusum_again(rng, baseline):
    nights = history(rng, 14, change_at=8, times=1.3)
    newer = replace(baseline, accepted_at=nights[-1].at - timedelta(hours=1))
    report = judged(newer, nights)
    assert [point.night for point in report.path] == [nights[-1].name]
    assert [point.counted for point in report.history] == [False] * 13 + [True]


def test_the_suspects_are_what_differs_from_the_last_good_night(rng, baseline):
    newer = replace(HERE, git_sha="b" * 40, packages=(("numpy", "2.3.1"), ("paddlepaddle", "3.3.1")))
    nights = [*history(rng, 10), night_of(11, missed(11), environment=newer)]
    nights[-1] = replace(nights[-1], confirmation=tuple(run(seed, None) for seed in (7, 8, 9)))
    report = judged(baseline, nights)
    assert report.good_night == nights[9].name
    assert [suspect.words for suspect in report.suspects] == [
        "commits 4f0c2a91d7..bbbbbbbbbb",
        "paddlepaddle 3.3.0 → 3.3.1",
    ]


def test_uncommitted_changes_a_new_package_and_a_new_driver_are_suspects():
    now = replace(HERE, dirty=True, packages=(*HERE.packages, ("scipy", "1.17")), driver="575", config="x")
    found = {s.what: s.words for s in suspects(replace(HERE, config="y"), now)}
    assert list(found) == ["git", "config", "package", "driver"]
    assert "uncommitted" in found["git"]
    assert "scipy 1.17" in found["package"]
    assert found["driver"] == "driver unknown → 575"
    assert suspects(HERE, HERE) == ()


def test_what_a_baseline_that_is_a_study_does_not_know_is_no_suspect():
    study = replace(HERE, config="", packages=(("numpy", "2.3.0"), ("scipy", "1.17")))
    night = replace(
        study, config="x", flags=(("OMP_NUM_THREADS", "1"),), packages=(("numpy", "2.3.1"), ("pandas", "3.1"))
    )
    (changed, removed), (back, added) = suspects(study, night), suspects(night, study)
    assert (changed.words, back.words) == ("numpy 2.3.0 → 2.3.1", "numpy 2.3.1 → 2.3.0")
    assert "scipy 1.17" in removed.words
    assert "scipy 1.17" in added.words
    assert "pandas" not in removed.words + added.words


def hashed(night, digest, **changes):
    return replace(night, hashes=(LossHash(seed=0, steps=30, digest=digest),), **changes)


def test_other_losses_at_the_same_speed_are_numerics_changed_once(rng, baseline):
    nights = [hashed(night, "aa" if n < 8 else "bb") for n, night in enumerate(history(rng, 10))]
    known = replace(baseline, hashes=(LossHash(seed=0, steps=30, digest="aa"),))
    report = judged(known, nights[:9])
    assert (report.verdict, report.good_night) == (TaskVerdict.NUMERICS_CHANGED, nights[7].name)
    later = judged(known, nights)
    assert (later.verdict, later.numerics.status) == (TaskVerdict.OK, NumericsStatus.EQUAL)
    assert any("still differ from the baseline" in note for note in later.notes)


def test_losses_of_another_processor_are_not_compared(rng, baseline):
    nights = history(rng, 3)
    nights = [
        *(hashed(night, "aa") for night in nights[:2]),
        hashed(nights[2], "bb", environment=replace(HERE, cpu="z")),
    ]
    report = judged(baseline, nights)
    assert (report.verdict, report.numerics.status) == (TaskVerdict.OK, NumericsStatus.NOT_COMPARED)


def test_a_task_whose_baseline_differs_with_itself_is_not_deterministic(rng, baseline):
    known = replace(baseline, hashes=tuple(LossHash(seed=0, steps=30, digest=d) for d in ("aa", "ab")))
    report = judged(known, [hashed(night_of(1, drawn(rng, seeds_of(1))), "ac")])
    assert (report.verdict, report.numerics.status) == (TaskVerdict.OK, NumericsStatus.NOT_DETERMINISTIC)


def test_a_lasting_change_of_the_series_is_found_where_it_is(rng):
    series = np.concatenate([rng.normal(5, 0.06, 20), rng.normal(5.2, 0.06, 10)])
    ((at, percent, p),) = change_points(series.tolist())
    assert abs(at - 20) <= 1
    assert 10 < percent < 35
    assert p <= 0.01
    assert change_points(series.tolist()) == ((at, percent, p),)


def test_few_nights_or_equal_nights_have_no_change():
    assert change_points([1.0, 1.0, 9.0, 9.0]) == ()
    assert change_points([5.0] * 30) == ()


def test_noise_has_a_change_about_as_rarely_as_its_level_says(rng):
    found = sum(bool(change_points(rng.normal(size=30).tolist())) for _ in range(60))
    assert found <= 4  # 0.6 expected at 1 %


def test_the_exact_test_of_fewer_converging_seeds():
    assert fewer_p(3, 3, 0, 10) == pytest.approx(1 / 286)
    assert fewer_p(0, 3, 0, 10) == 1.0
    assert fewer_p(2, 3, 0, 10) == pytest.approx(3 / 78)


def test_a_baseline_known_exactly_has_the_published_slack_and_threshold():
    settings = RegressionSettings(tasks=8)
    assert slack_of(3, 10**12, settings) == pytest.approx(0.5, abs=1e-5)
    assert threshold_of(3, 10**12, settings) == pytest.approx(5 + 3 * 0.7, abs=1e-3)


def test_a_spread_below_the_floor_is_not_believed():
    assert reference_of([5.0] * 10, [False] * 10, 0.03).cv == pytest.approx(0.03)


def test_misses_in_the_baseline_do_not_hide_how_close_the_others_are(rng):
    values = [*rng.normal(5, 0.1, 18), np.log(1200), np.log(1200)]
    assert reference_of(values, [False] * 18 + [True] * 2, 0.03).cv < 0.2


def test_a_night_needs_to_be_there():
    with pytest.raises(ValueError, match="no night"):
        judge_task("digits", None, [], SETTINGS)


def test_the_exit_code_names_the_worst():
    ok, slower, lost = TaskVerdict.OK, TaskVerdict.SLOWER, TaskVerdict.NOT_RUN
    assert [exit_code_of(found) for found in ([ok], [ok, lost], [lost, slower], [])] == [0, 1, 3, 0]


def test_no_two_nights_share_a_seed():
    seeds = [
        s for day in (739000, 739001) for check in (False, True) for s in night_seeds(day, 5, is_confirmation=check)
    ]
    assert len(set(seeds)) == 20


def test_the_samples_show_every_verdict():
    assert {report.verdict for report in samples.reports()} == set(TaskVerdict)


@pytest.mark.parametrize("slower", [1.0, 3.0])
def test_a_baseline_of_other_rules_neither_alarms_nor_passes(rng, baseline, slower):
    older = replace(baseline, rules_version=1)
    nights = [*history(rng, 10), night_of(11, drawn(rng, seeds_of(11), slower))]
    report = judged(older, nights)
    assert (report.verdict, report.alarm, report.needs_confirmation) == (TaskVerdict.NO_BASELINE, None, False)
    assert "rules" in report.words
    assert judged(baseline, nights).verdict is not TaskVerdict.NO_BASELINE


def test_nights_of_other_rules_than_the_baseline_count_for_nothing(rng, baseline):
    slow = [replace(night_of(day, drawn(rng, seeds_of(day), 3.0)), rules_version=1) for day in range(1, 9)]
    report = judged(baseline, [*slow, night_of(9, drawn(rng, seeds_of(9)))])
    assert report.verdict == TaskVerdict.OK
    assert report.change_points == ()

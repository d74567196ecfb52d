"""Fourteen nights of a real small task, with the ordinary launcher and store: what is found, on which night, and named.

The first ten nights are run once; each test continues with a copy of them. Every planted change is one that a team
could make: in the task's code, its config, or the environment.
"""

import contextlib
import datetime
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sweep.cli.main import main
from sweep.rundir import StudyLock
from sweep.store import Regressions, Store

PROJECT = Path(__file__).parent / "nightly"
REPOSITORY = Path(__file__).parents[2]
FIRST = datetime.date(2026, 10, 1)
ACCEPTED_AFTER = 4
ARGUMENTS = ("--config-dir", "my_conf", "+regression=small")


@dataclass(frozen=True)
class Nights:
    """A team's folder. `night(11)` runs night 11 there and returns its exit code."""

    path: Path

    def sweep(self, *arguments: str) -> int:
        """Run a command here, in this process: the imports of twenty nights would take most of the time."""
        before, path = Path.cwd(), list(sys.path)
        os.chdir(self.path)
        sys.path.insert(0, str(self.path))
        try:
            return main(arguments)
        finally:
            os.chdir(before)
            sys.path[:] = path

    def night(self, number: int, *more: str) -> int:
        return self.sweep(*self.command(number, *more))

    def command(self, number: int, *more: str) -> list[str]:
        return [*ARGUMENTS, f"regression.night={name_of(number)}", *more]

    def task(self) -> dict:
        [task] = json.loads((self.path / "results/small/summary.json").read_text())["tasks"]
        return task

    def edit(self, file: str, old: str, new: str) -> None:
        text = (self.path / file).read_text()
        assert old in text
        (self.path / file).write_text(text.replace(old, new))

    def commit(self, words: str) -> None:
        who = ["-c", "user.name=A Team", "-c", "user.email=team@example.org"]
        subprocess.run(["git", *who, "commit", "--quiet", "--all", "-m", words], cwd=self.path, check=True)

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        with Store.open(f"sqlite:///{self.path}/results/sweep.db", read_only=True) as store:
            yield store

    def start(self, number: int, *more: str) -> "subprocess.Popen[str]":
        """Start a night in a process of its own and return at once."""
        return subprocess.Popen(
            [sys.executable, "-m", "sweep", *self.command(number, *more)],
            cwd=self.path,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


def name_of(number: int) -> str:
    return (FIRST + datetime.timedelta(days=number - 1)).isoformat()


def wait_until(condition, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "condition not met in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def ten_nights(tmp_path_factory) -> tuple[Nights, list[tuple[int, str]]]:
    """Ten nights without a change, the baseline accepted after the fourth; (exit code, verdict) of each."""
    there = Nights(shutil.copytree(PROJECT, tmp_path_factory.mktemp("team") / "project"))
    subprocess.run(["git", "init", "--quiet", str(there.path)], check=True)
    (there.path / ".gitignore").write_text("results/\n__pycache__/\n")
    subprocess.run(["git", "add", "."], cwd=there.path, check=True)
    there.commit("A task that trains")
    seen = []
    for number in range(1, 11):
        code = there.night(number)
        seen.append((code, there.task()["verdict"]))
        if number == ACCEPTED_AFTER:
            assert there.sweep("baseline", "accept", "--last", str(ACCEPTED_AFTER)) == 0
    return there, seen


@pytest.fixture
def nights(ten_nights, tmp_path) -> Nights:
    return Nights(shutil.copytree(ten_nights[0].path, tmp_path / "project"))


def test_ten_nights_without_a_change_raise_no_alarm(ten_nights):
    _, seen = ten_nights
    assert seen[:ACCEPTED_AFTER] == [(0, "no_baseline")] * ACCEPTED_AFTER
    assert {code for code, _ in seen} == {0}
    assert {verdict for _, verdict in seen[ACCEPTED_AFTER:]} <= {"ok", "improved"}


def test_what_a_night_says_as_it_runs_stands_in_order(nights, capsys):
    assert nights.night(11) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = ("2026-10-11: task 1 of 1, moons", "seed 0, 30 steps", "1/1 trial ended", "3/3 trials ended")
    said = [next(head for head in heads if line.startswith(head)) for line in lines if line.startswith(heads)]
    assert said == list(heads)
    assert lines.index("running 3 trials") > next(n for n, line in enumerate(lines) if line.startswith("1/1 trial"))


def test_a_night_whose_output_is_not_read_continues(nights, monkeypatch):
    def gone(self, text):
        raise BrokenPipeError

    monkeypatch.setattr("sweep.report.progress.LiveProgress.message", gone)
    assert nights.night(11) == 0
    assert (nights.path / "results" / "small" / name_of(11) / "night.json").exists()


def test_every_night_ran_its_own_seeds_and_the_same_fixed_one(ten_nights):
    there, _ = ten_nights
    with there.store() as store:
        found = [each.night for each in Regressions(store).task_nights("small")]
        started = [
            len(store.runs(trial.id))
            for name in ("small-moons-2026-10-05", "small-moons-2026-10-05-numerics")
            for trial in store.trials(store.study(name).id)
        ]
    seeds = [run.seed for night in found for run in night.runs]
    assert len(seeds) == len(set(seeds)) == 30
    assert len({night.hashes for night in found}) == 1
    assert started == [1, 1, 1, 1]  # nothing was taken over from an earlier night


def weaker_init(nights: Nights, monkeypatch) -> str:
    nights.edit("moons.py", "INIT = 1.0", "INIT = 0.1")
    nights.commit("Tidy up the task")
    return "commits"


def lower_lr(nights: Nights, monkeypatch) -> str:
    nights.edit("my_conf/task/moons.yaml", "lr: 0.5", "lr: 0.1667")
    return "task.lr 0.5 → 0.1667"


def package_flag(nights: Nights, monkeypatch) -> str:
    monkeypatch.setenv("FLAGS_moons_fast_math", "1")
    return "FLAGS_moons_fast_math 1"


@pytest.mark.parametrize("plant", [weaker_init, lower_lr, package_flag])
def test_a_regression_planted_on_night_11_is_found_by_night_12_and_named(nights, monkeypatch, plant):
    culprit = plant(nights, monkeypatch)
    codes = []
    for number in (11, 12):
        codes.append(nights.night(number))
        if codes[-1] == 3:
            break
    assert codes[-1] == 3, codes
    task = nights.task()
    assert task["verdict"] in ("slower", "broken")
    assert task["alarm"]["confirmed"] is True
    assert task["alarm"]["since"] == name_of(11)
    assert task["good_night"] == name_of(10)
    assert culprit in " ".join(suspect["words"] for suspect in task["suspects"])
    folder = nights.path / "results" / "small"
    [failure] = ET.parse(folder / "junit.xml").getroot().iter("failure")
    assert culprit in failure.text
    assert "regressed" in (folder / "report.md").read_text()
    assert (folder / task["night"] / "report.html").stat().st_size > 5_000
    with nights.store() as store:
        fresh = Regressions(store).task_nights("small")[-1].night.confirmation
    assert len(fresh) == 3


def test_a_change_of_the_numerics_alone_is_reported_as_such_and_fails_nothing(nights):
    nights.edit("moons.py", "DTYPE = np.float64", "DTYPE = np.float32")
    assert nights.night(11) == 0
    task = nights.task()
    assert task["verdict"] == "numerics_changed"
    assert task["numerics"]["against"] == name_of(10)
    assert any("source files" in suspect["words"] for suspect in task["suspects"])


def test_a_night_with_most_of_its_trials_missing_is_judged_by_the_rest_and_says_so(nights):
    nights.edit("my_conf/task/moons.yaml", "crash: 0", "crash: 3")
    assert nights.night(11) == 0
    task = nights.task()
    assert (task["trials"], task["wanted"]) == (1, 3)
    assert task["verdict"] == "ok"
    assert any("crash" in note for note in task["notes"])


def test_a_night_on_which_nothing_ran_is_no_regression_and_ends_with_1(nights):
    nights.edit("my_conf/task/moons.yaml", "crash: 0", "crash: 1000003")
    assert nights.night(11) == 1
    assert nights.task()["verdict"] == "not_run"
    assert len(list(ET.parse(nights.path / "results/small/junit.xml").getroot().iter("error"))) == 1


def test_a_killed_night_resumes_with_the_same_command_and_repeats_no_trial(nights):
    nights.edit("my_conf/task/moons.yaml", "pause_s: 0", "pause_s: 0.002")
    process = nights.start(11, "launcher.slots=1")
    trials = nights.path / f"results/small-moons-{name_of(11)}/trials"
    wait_until(lambda: (trials / "1" / "events.jsonl").exists() or process.poll() is not None)
    process.kill()
    process.communicate(timeout=60)
    with nights.store() as store:
        assert Regressions(store).nights("small")[-1].status == "running"
    assert nights.night(11, "launcher.slots=1") == 0
    with nights.store() as store:
        kept = Regressions(store)
        assert [night.name for night in kept.nights("small")] == [name_of(n) for n in range(1, 12)]
        assert kept.nights("small")[-1].status == "ended"
        found = store.study(f"small-moons-{name_of(11)}")
        assert [len(store.runs(trial.id)) for trial in store.trials(found.id)] == [1, 1, 1]
    assert nights.task()["trials"] == 3


def test_of_two_nights_at_once_the_second_is_refused_naming_the_first(nights, capsys):
    nights.edit("my_conf/task/moons.yaml", "pause_s: 0", "pause_s: 0.01")
    process = nights.start(11)
    try:
        lock = nights.path / "results/small/driver.lock"
        wait_until(lambda: str(process.pid) in lock.read_text() or process.poll() is not None)
        assert nights.night(11) == 1
        refused = capsys.readouterr().err
        assert f"pid {process.pid} on {os.uname().nodename}" in refused
        trials = nights.path / f"results/small-moons-{name_of(11)}/trials"
        wait_until(lambda: (trials / "0" / "events.jsonl").exists() or process.poll() is not None)
    finally:
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "resume with" in output


def test_the_same_night_again_runs_nothing_and_says_the_same(nights):
    before = nights.task()
    with nights.store() as store:
        at = store.latest_run(store.trials(store.study(f"small-moons-{name_of(10)}").id)[0].id)
    assert nights.night(10) == 0
    assert nights.task() == before
    with nights.store() as store:
        assert store.latest_run(store.trials(store.study(f"small-moons-{name_of(10)}").id)[0].id) == at


def printed(nights: Nights, capsys, *arguments: str) -> object:
    capsys.readouterr()
    assert nights.sweep(*arguments) == 0
    return json.loads(capsys.readouterr().out)


def test_baselines_are_shown_compared_and_replaced_only_by_command(nights, capsys):
    [shown] = printed(nights, capsys, "baseline", "show", "--json")
    assert (shown["task"], len(shown["runs"])) == ("moons", 12)
    assert len(shown["environment"]["git_sha"]) == 40
    assert shown["environment"]["host"]
    [same] = printed(nights, capsys, "baseline", "diff", "--last", "2", "--json")
    assert (same["baseline"]["runs"], same["other"]["runs"], same["differences"]) == (12, 6, [])
    nights.edit("my_conf/task/moons.yaml", "lr: 0.5", "lr: 0.4")
    nights.night(11)
    [other] = printed(nights, capsys, "baseline", "diff", "--json")
    assert "task.lr 0.5 → 0.4" in [difference["words"] for difference in other["differences"]]
    assert printed(nights, capsys, "baseline", "show", "--json") == [shown]  # a night refreshes nothing
    assert nights.sweep("baseline", "accept", "--last", "5", "--task", "moons") == 0
    [newer] = printed(nights, capsys, "baseline", "show", "--json")
    assert len(newer["runs"]) == 15
    [replaced] = printed(nights, capsys, "baseline", "diff", "--previous", "--json")
    assert (replaced["baseline"]["runs"], replaced["other"]["runs"]) == (15, 12)
    words = [difference["words"] for difference in replaced["differences"]]
    assert "task.lr 0.5 → 0.4" in words, "from what was replaced to what replaced it"


def test_baselines_are_listed_with_their_tasks_names_whole_in_80_columns(nights, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    capsys.readouterr()
    assert nights.sweep("baseline", "show") == 0
    said = capsys.readouterr().out
    assert re.search(r"^moons +12/12  \d+(\.5)? \(\d+ to \d+\)", said, flags=re.MULTILINE)
    assert "…" not in said


def test_plan_shows_the_studies_of_a_night_and_runs_nothing(nights, capsys):
    with nights.store() as store:
        before = len(store.studies())
    shown = printed(nights, capsys, "plan", *nights.command(11), "--json")
    assert [study["study"] for study in shown["studies"]] == [
        f"small-moons-{name_of(11)}-numerics",
        f"small-moons-{name_of(11)}",
    ]
    assert [study["reused"] for study in shown["studies"]] == [0, 0]
    with nights.store() as store:
        assert len(store.studies()) == before


def test_a_study_with_enough_seeds_is_a_baseline_at_once_and_one_with_too_few_is_none(nights, capsys):
    study = ["--config-dir", "my_conf", "task=moons", "watch=off"]
    assert nights.sweep(*study, "seeds=10", "study=ten") == 0
    assert nights.sweep("baseline", "accept", "ten") == 0
    [shown] = printed(nights, capsys, "baseline", "show", "--json")
    assert (shown["studies"], len(shown["runs"])) == (["ten"], 10)
    assert nights.sweep("baseline", "accept", "--last", "2") == 2
    assert re.search(r"needs 10 runs .*\b6\b", capsys.readouterr().err)
    assert nights.night(11) == 0
    assert nights.task()["verdict"] in ("ok", "improved")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["baseline", "accept"], "one of STUDY, --last N and --again"),
        (["baseline", "accept", "--last", "0"], "--last must be 1 or more"),
        (["baseline", "show", "--task", "suns"], "moons"),
        (["baseline", "show", "moons"], "--task moons"),
        (["baseline", "shwo"], "shwo"),
        (["gc", "--keep-nights", "0"], "--keep-nights must be 1 or more"),
        (["rank", "small"], "small/report.html"),
        ([*ARGUMENTS, "regression.night=tonight"], "regression.night"),
        ([*ARGUMENTS, "seeds=[1,2,3]"], "draws its own seeds"),
        ([*ARGUMENTS, "task.lr=1"], "overrides"),
        ([*ARGUMENTS, "regression.compare_environments=all"], "any, same"),
        ([*ARGUMENTS, "regression.tasks=[mons]"], "did you mean 'moons'"),
    ],
)
def test_a_mistake_ends_with_2_and_names_the_way_out(ten_nights, capsys, arguments, named):
    assert ten_nights[0].sweep(*arguments) == 2
    assert named in capsys.readouterr().err


def test_gc_deletes_old_nights_but_not_what_a_baseline_was_made_from(nights, capsys):
    results = nights.path / "results"
    before = {path.name for path in results.glob("small-moons-*")}
    would = printed(nights, capsys, "gc", "--keep-nights", "3", "--dry-run", "--json")
    assert {path.name for path in results.glob("small-moons-*")} == before
    freed = printed(nights, capsys, "gc", "--keep-nights", "3", "--json")
    assert freed["studies"] == would["studies"]
    assert freed["folder_bytes"] == would["folder_bytes"] > 10_000
    assert freed["database_bytes"] > 0
    gone = {f"small-moons-{name_of(n)}{part}" for n in (5, 6, 7) for part in ("", "-numerics")}
    assert set(freed["studies"]) == gone
    assert {path.name for path in results.glob("small-moons-*")} == before - gone
    assert all(reason == "a baseline was made from it" for _, reason in freed["kept"])
    with nights.store() as store:
        assert len(Regressions(store).task_nights("small")) == 10  # what they found is kept
        assert {study.name for study in store.studies()} == before - gone
    assert nights.night(11, "regression.keep_nights=2") == 0  # a night does the same by itself
    assert len(nights.task()["nights"]) == 11
    left = {path.name for path in results.glob("small-moons-*")}
    assert {name_of(n) for n in range(5, 12) if f"small-moons-{name_of(n)}" in left} == {name_of(10), name_of(11)}


def test_gc_of_other_studies_keeps_their_verdicts_and_leaves_running_ones_alone(nights, capsys):
    study = ["--config-dir", "my_conf", "task=moons", "watch=off", "seeds=2"]
    for name in ("old", "busy"):
        assert nights.sweep(*study, f"study={name}", "reuse=false") == 0
    with StudyLock(nights.path / "results/busy/driver.lock"):
        freed = printed(nights, capsys, "gc", "--keep-nights", "10", "--keep-days", "0", "--json")
    assert freed["thinned"] == ["old"]
    assert ["busy", "it is running"] in freed["kept"]
    assert not (nights.path / "results/old/trials").exists()
    assert (nights.path / "results/old/report.html").exists()
    with nights.store() as store:
        old = store.study("old")
        assert [outcome.verdict for outcome in store.outcomes(old.id)] == ["converged", "converged"]
        assert store.series(store.trials(old.id)[0].id) == {}
        assert store.series(store.trials(store.study("busy").id)[0].id)


def test_gc_of_a_copied_results_folder_deletes_only_in_the_copy(nights, tmp_path, capsys):
    (tmp_path / "elsewhere").mkdir()
    copy = shutil.copytree(nights.path / "results", nights.path / "copy")
    before = sorted(nights.path.glob("results/**/*"))
    options = ("--keep-nights", "1", "--json", "--store", f"sqlite:///{copy}/sweep.db")
    would = printed(nights, capsys, "gc", "--dry-run", *options)
    freed = printed(Nights(tmp_path / "elsewhere"), capsys, "gc", *options)
    assert freed["folders"] == would["folders"] == {name: str(copy / name) for name in freed["studies"]}
    assert len(freed["studies"]) == 10
    assert not any((copy / name).exists() for name in freed["studies"])
    assert sorted(nights.path.glob("results/**/*")) == before


def test_a_night_in_a_copied_store_leaves_the_original_alone(nights):
    copy = shutil.copytree(nights.path / "results", nights.path / "copy")
    before = {path: path.stat().st_mtime_ns for path in nights.path.glob("results/**/*") if path.is_file()}
    assert nights.night(11, "store.url=sqlite:///copy/sweep.db") == 0
    assert nights.sweep("baseline", "accept", "--last", "5", "--store", "sqlite:///copy/sweep.db") == 0
    assert (copy / "small" / name_of(11) / "night.json").exists()
    assert (copy / f"small-moons-{name_of(11)}" / "report.html").exists()
    after = {path: path.stat().st_mtime_ns for path in nights.path.glob("results/**/*") if path.is_file()}
    assert after == before


def test_a_store_rebuilt_from_the_folders_has_the_nights_and_the_baselines(nights, capsys):
    shown = printed(nights, capsys, "baseline", "show", "--json")
    for file in (nights.path / "results").glob("sweep.db*"):
        file.unlink()
    assert nights.sweep("rebuild") == 0
    assert printed(nights, capsys, "baseline", "show", "--json") == shown
    before = nights.task()
    assert nights.night(10) == 0
    assert nights.task() == before


def script(nights: Nights, *arguments: str, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = ["bash", str(REPOSITORY / "scripts/nightly.sh"), "-C", str(nights.path), "-p", sys.executable]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.run([*command, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, timeout=120)


def test_the_script_for_cron_is_silent_on_a_good_night_and_keeps_the_newest_logs(nights, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    for day in range(1, 5):
        (logs / f"2026010{day}T020000Z.7.log").write_text("an old night\n")
    done = script(nights, "-l", "logs", "-k", "3", "--", *nights.command(10), cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    kept = sorted(path.name for path in logs.glob("*Z.*.log"))
    assert kept[:2] == ["20260103T020000Z.7.log", "20260104T020000Z.7.log"]
    assert len(kept) == 3
    assert "No regression" in (logs / "latest.log").read_text()


def test_the_script_for_cron_keeps_the_exit_code_and_shows_why(nights, tmp_path):
    done = script(nights, "-l", str(tmp_path), "--", "--config-dir", "my_conf", "+regression=smal", cwd=Path("/"))
    assert done.returncode == 2
    assert "did you mean 'small'" in done.stdout


def test_the_script_for_cron_refuses_a_second_night(nights, tmp_path):
    with (tmp_path / "nightly.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = script(nights, "-l", str(tmp_path), "--", *nights.command(11), cwd=tmp_path)
    assert done.returncode == 1
    assert "another night is running" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["-k", "none"], "-k must be a whole number"),
        (["-C", "/no/such"], "/no/such"),
        (["-p", "/no/python"], "/no/python"),
        (["-z"], "-z"),
    ],
)
def test_the_script_for_cron_names_its_own_mistakes(nights, tmp_path, arguments, named):
    done = script(nights, *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr

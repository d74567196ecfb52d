"""One writer and any number of readers, in processes of their own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sweep.domain.axis import Cell
from sweep.domain.trial import TrialSpec
from sweep.store import Store

SPECS = [TrialSpec(cell=Cell(), seed=seed, overrides=(), task={}, fingerprint=str(seed)) for seed in range(100)]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/sweep.db"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def url(empty_url: str) -> str:
    with Store.open(empty_url) as store:
        study = store.create_study(name="s", task="t", command=[], config={}, provenance={})
        store.add_trials(study.id, SPECS[:10])
    return empty_url


def start(code: str, url: str) -> "subprocess.Popen[str]":
    program = f"import sys\nfrom sweep.store import Store\nurl = sys.argv[1]\n{code}"
    return subprocess.Popen(
        [sys.executable, "-c", program, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def test_another_process_reads_the_last_commit_during_a_long_write(url: str) -> None:
    reader = "with Store.open(url, read_only=True) as s: print(len(s.outcomes(1)), len(s.trials(1)))"
    with Store.open(url) as store:
        with store.transaction():
            store.add_trials(1, SPECS)
            during, _ = start(reader, url).communicate(timeout=60)
            store.save_summary(1, {"n": 110})
        after, _ = start(reader, url).communicate(timeout=60)
    assert (during.split(), after.split()) == (["10", "10"], ["110", "110"])


def test_a_reader_in_the_middle_of_its_transaction_does_not_hold_up_the_writer(url: str) -> None:
    reader = start(
        "with Store.open(url, read_only=True) as s, s.transactions.reading():\n"
        "    print(len(s.trials(1)), flush=True)\n"
        "    sys.stdin.readline()\n"
        "    print(len(s.trials(1)), flush=True)\n",
        url,
    )
    assert reader.stdout is not None
    assert reader.stdout.readline().strip() == "10"
    with Store.open(url) as store:
        store.add_trials(1, SPECS)  # would wait for the busy timeout, a minute, were it held up
        assert len(store.trials(1)) == 110
    still, _ = reader.communicate("go on\n", timeout=60)
    assert still.strip() == "10"


def test_two_studies_are_written_by_two_processes_at_once(empty_url: str) -> None:
    writer = (
        "from sweep.domain.axis import Cell\n"
        "from sweep.domain.trial import TrialSpec\n"
        "sys.stdin.readline()\n"
        "with Store.open(url) as s:\n"  # both may find an empty database here, and both make the tables
        "    study = s.create_study(name=sys.argv[2], task='t', command=[], config={}, provenance={})\n"
        "    for seed in range(100):\n"
        "        spec = TrialSpec(cell=Cell(), seed=seed, overrides=(), task={}, fingerprint=f'{seed}')\n"
        "        s.begin_run(s.add_trials(study.id, [spec])[0].id, 'd')\n"
    )
    program = f"import sys\nfrom sweep.store import Store\nurl = sys.argv[1]\nprint('ready', flush=True)\n{writer}"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, empty_url, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for name in ("a", "b")
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0]
    with Store.open(empty_url, read_only=True) as store:
        for name in ("a", "b"):
            trials = store.trials(store.study(name).id)
            assert [trial.seed for trial in trials] == [trial.number for trial in trials] == list(range(100))
            assert all(len(store.runs(trial.id)) == 1 for trial in trials[:3])


def test_a_writer_killed_within_a_transaction_leaves_the_last_commit(url: str) -> None:
    writer = start(
        "with Store.open(url) as s:\n"
        "    s.save_summary(1, {'committed': True})\n"
        "    with s.transaction():\n"
        "        s.save_summary(1, {'committed': False})\n"
        "        print('writing', flush=True)\n"
        "        sys.stdin.readline()\n",
        url,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline().strip() == "writing"
    writer.send_signal(signal.SIGKILL)
    writer.communicate(timeout=60)
    for read_only in (True, False):
        with Store.open(url, read_only=read_only) as store:
            assert store.summary(1) == {"committed": True}
    assert Store.damage(url) is None

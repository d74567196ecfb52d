"""A program by its command: its placeholders, its name, its code, and the steps of the lines that it prints."""

import pytest

from sweep.config.command_keys import command_notes
from sweep.config.program_keys import check_program
from sweep.config.source import find_task
from sweep.domain.command import PrintedSteps, filled, placeholders
from sweep.domain.task_ref import TaskKind, TaskRef
from sweep.errors import ConfigError


def test_a_placeholder_is_filled_wherever_it_is_in_a_word():
    words = ["python", "t.py", "-o", "Optimizer.lr={lr}", "--seed={seed}", "{opt.name}", 'x{"a": {"b": 1}}', "{ lr }"]
    values = {"lr": 1e-05, "seed": 3, "opt.name": "Adam"}
    assert filled(words, values)[3:6] == ["Optimizer.lr=1e-05", "--seed=3", "Adam"]
    assert filled(words, values)[6:] == words[6:]
    assert placeholders(words) == ["lr", "seed", "opt.name"]


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, []), ("", [""]), ("--amp", ["--amp"]), (["-a", 1], ["-a", "1"]), (True, ["true"]), ([], [])],
)
def test_a_word_that_is_one_placeholder_may_be_none_or_several(value, words):
    assert filled(["p", "{x}"], {"x": value}) == ["p", *words]


@pytest.mark.parametrize("value", [None, [1], {"a": 1}])
def test_a_part_of_a_word_is_one_value(value):
    with pytest.raises(ValueError, match=r"task\.x"):
        filled(["--a={x}"], {"x": value})


def steps(*lines):
    clock = PrintedSteps()
    return [clock.of_line(counters) for counters in lines]


def test_the_step_of_a_line_is_its_counter_of_steps():
    assert steps({"step": 10}, {"step": 20, "epoch": 1}, {}, {"epoch": 2}, {"step": 30}) == [10, 20, 20, 20, 30]


def test_a_counter_that_begins_again_goes_on():
    assert steps({"epoch": 1, "step": 5}, {"epoch": 1, "step": 10}, {"epoch": 2, "step": 5}) == [5, 10, 15]
    assert steps({"batch": 0}, {"batch": 50}, {"batch": 0}, {"batch": 50}) == [0, 50, 50, 100]


def test_without_steps_epochs_count_and_without_both_the_lines():
    assert steps({"epoch": 1}, {"epoch": 2}, {}, {"epoch": 3}) == [1, 2, 2, 3]
    assert steps({}, {}, {}) == [1, 2, 3]


def test_steps_after_epochs_go_on_from_them():
    assert steps({"epoch": 1}, {"epoch": 2}, {"step": 1}, {"step": 4}, {"epoch": 3}) == [1, 2, 3, 6, 6]


@pytest.mark.parametrize(
    ("command", "title"),
    [
        (["python", "tools/train.py", "-c", "x.yml"], "train"),
        (["python3.11", "-m", "pack.run", "a.py"], "run"),
        (["bash", "run.sh", "train.py"], "train"),
        (["./fit", "--a"], "fit"),
        (["python", "-m", "{x}"], "python"),
    ],
)
def test_a_study_is_called_after_the_program(command, title):
    assert TaskRef.of({"command": command}).title == title


@pytest.mark.parametrize("command", ["python train.py", [], [""], ["a", None], ["a", ["b"]], None])
def test_a_command_is_a_list_of_words(command):
    with pytest.raises(ConfigError, match=r"task\.command"):
        TaskRef.of({"command": command})


def test_a_function_or_a_script_may_have_a_key_named_command():
    assert TaskRef.of({"_target_": "m.f", "command": 1}).kind is TaskKind.FUNCTION
    assert TaskRef.of({"path": "t.py", "command": 1}).kind is TaskKind.SCRIPT


def checked(**task):
    section = {"env": {}, "metrics": {}, **task}
    ref = TaskRef.of(section)
    check_program(ref, section)
    return ref


@pytest.mark.parametrize(
    ("task", "key", "named"),
    [
        ({"command": ["sh", "{lr}"]}, "task.command", "+task.lr="),
        ({"command": ["sh", "{lr}"], "lt": 1}, "task.command", "lt"),
        ({"command": ["sh"], "lr": 1}, "task.lr", "{lr}"),
        ({"command": ["sh", "{opt.lr}"], "opt": {"lr": 1, "wd": 0}}, "task.opt.wd", "{opt.wd}"),
        ({"command": ["sh", "{seed}"], "seed": 1}, "task.seed", "each trial"),
        ({"command": ["sh", "--a={a}"], "a": None}, "task.command", "task.a"),
        ({"command": ["no-such-program"]}, "task.command", "no-such-program"),
        ({"command": ["sh"], "env": {"A": None}}, "task.env.A", "null"),
        ({"command": ["sh"], "metrics": {"acc": "("}}, "task.metrics.acc", "position"),
    ],
)
def test_a_wrong_command_is_refused_with_its_key(task, key, named):
    with pytest.raises(ConfigError) as caught:
        checked(**task)
    assert caught.value.key == key
    assert named in str(caught.value)


def test_values_and_what_a_trial_has_are_taken():
    checked(command=["sh", "{args}", "{lr}{opt.lr}", "{seed}", "{run_dir}"], args=["-a"], lr=1, opt={"lr": 2})


def test_a_command_that_runs_a_script_is_told_of_it_and_one_without_seed_too():
    assert command_notes(TaskRef.of({"command": ["sh", "{seed}"]})) == ()
    notes = command_notes(TaskRef.of({"command": ["python", "train.py"]}))
    assert [word in "".join(notes) for word in ("python -m sweep train.py", "{seed}")] == [True, True]
    assert command_notes(TaskRef.of({"command": ["python", "-m", "pack.run", "{seed}"]})) == ()


@pytest.fixture
def project(tmp_path, monkeypatch):
    files = {
        "tools/train.py": "import helper",
        "tools/helper.py": "",
        "pack/run.py": "from pack import more",
        "pack/more.py": "",
        "run.sh": "python tools/train.py",
        "conf.yml": "",
        "big.bin": "1" * (1 << 21),
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("command", "files"),
    [
        (["python", "tools/train.py", "-c", "conf.yml"], {"train.py", "helper.py", "../conf.yml"}),
        (["python", "-m", "pack.run", "--c=conf.yml"], {"pack/run.py", "pack/more.py", "conf.yml"}),
        (["bash", "run.sh", "big.bin", "/etc/passwd", "missing"], {"run.sh"}),
        (["python", "gone.py"], set()),
    ],
)
def test_the_code_of_a_command_is_what_it_names(project, command, files):
    source = find_task(TaskRef.of({"command": command}))
    assert set(source.digests) == files
    assert source.imports == frozenset()
    for name in files:
        (source.root / name).write_text("# edited")
        assert find_task(TaskRef.of({"command": command})).digest != source.digest

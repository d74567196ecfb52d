"""A script writes, changes and deletes files in its folder, and the folder stays as it is."""

from pathlib import Path

import pytest
from script_runs import STEP, Ran, forked, ran, run_folder

from sweep.worker.script import overlay

TRAINER = """
import os, sys
assert os.listdir(".") == os.listdir(os.path.dirname(os.path.abspath(__file__)))
print("FOUND", sorted(os.listdir(".")), os.path.exists("out/last.txt"))
assert open("data.txt").read() == "data"
assert open("large.bin", "rb").read() == b"x" * 3000000
os.makedirs("out", exist_ok=True)
open("out/last.txt", "w").write("mine")
open("data.txt", "a").write("!")
open("large.bin", "r+b").write(b"yyy")
os.remove("old.txt")
os.rename("kept.txt", "moved.txt")
assert sorted(os.listdir(".")) == ["data.txt", "large.bin", "moved.txt", "out", "sub", "train.py"], os.listdir(".")
open("sub/deep/x.txt", "w").write("changed")
"""


WAYS = {"overlay": (), "overlay of a user namespace": ("no capability",), "copy": ("no mounts",)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """The ways to keep the folder as it is."""
    return str(request.param)


def contents(folder: Path) -> dict[str, bytes]:
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    return {str(path): (folder / path).read_bytes() for path in files if "results" not in path.parts}


def project(folder: Path) -> Path:
    (folder / "sub/deep").mkdir(parents=True)
    (folder / "data.txt").write_text("data")
    (folder / "large.bin").write_bytes(b"x" * 3_000_000)
    for name in ("old.txt", "kept.txt", "sub/deep/x.txt"):
        (folder / name).write_text(name)
    return folder


def trial(folder: Path, n: int, patches: tuple[str, ...]) -> Ran:
    study = folder / "results/study"
    study.mkdir(parents=True, exist_ok=True)
    (study / "plan.json").write_text("{}")
    return forked(run_folder(study / f"trials/{n}", "train.py"), cwd=folder, patches=patches)


def written(run: Ran, name: str = "written") -> dict[str, bytes]:
    return contents(run.folder.path / name)


def test_what_a_program_does_in_its_folder_stays_in_the_run_and_no_trial_sees_anothers(
    tmp_path: Path, way: str
) -> None:
    folder = project(tmp_path / "project")
    (folder / "train.py").write_text(TRAINER + STEP)
    before = contents(folder)
    runs = [trial(folder, n, WAYS[way]) for n in (0, 1)]  # the results folder lies in the program's own
    for run in runs:
        assert run.state == "completed", run.log
        assert "'old.txt', 'sub', 'train.py'] False" in run.log
        assert "results" not in run.log
        assert run.result is not None
        assert run.result["program"]["view"] == way.split()[0]
        assert set(written(run)) >= {"out/last.txt", "data.txt", "large.bin", "moved.txt", "sub/deep/x.txt"}
        assert "train.py" not in written(run)
        assert written(run)["large.bin"] == b"yyy" + b"x" * 2_999_997
    assert contents(folder) == before
    assert len(runs[0].losses) == 1
    assert bool(runs[0].notes) == (way == "copy")
    assert not [path for path in runs[0].folder.path.iterdir() if path.name.startswith(".")]


def test_the_script_and_its_modules_are_found_from_another_folder(tmp_path: Path, way: str) -> None:
    code, here = tmp_path / "code", tmp_path / "here"
    for folder in (code, here):
        folder.mkdir()
    (code / "nets.py").write_text("def wide(paddle):\n    return paddle.nn.Linear(3, 1)\n")
    (code / "train.py").write_text(
        "import os, nets, paddle\nnet = nets.wide(paddle)\nnet(paddle.ones([1, 3])).sum().backward()\n"
        "open('log.txt', 'w').write('x')\nopen(os.path.join(os.path.dirname(__file__), 'log2.txt'), 'w').write('x')\n"
        + STEP
    )
    run = forked(run_folder(tmp_path / "results/s/trials/0", "../code/train.py"), cwd=here, patches=WAYS[way])
    assert run.state == "completed", run.log
    assert (sorted(contents(code)), sorted(contents(here))) == (["nets.py", "train.py"], [])
    assert (list(written(run)), list(written(run, "written_2"))) == (["log2.txt"], ["log.txt"])
    assert run.inventory["losses"][0]["where"] == "train.py:3"


def test_workers_of_a_loader_and_child_processes_share_the_view(tmp_path: Path, way: str) -> None:
    text = """
import os, subprocess, sys
import numpy as np
import paddle
class Data(paddle.io.Dataset):
    def __len__(self): return 4
    def __getitem__(self, i):
        open(f"seen{i}.txt", "w").write("x")
        return np.ones(3, "float32")
list(paddle.io.DataLoader(Data(), batch_size=2, num_workers=2))
subprocess.run([sys.executable, "-S", "-c", "open('child.txt', 'w').write('x')"], check=True)
found = sorted(name for name in os.listdir(".") if name.endswith("txt"))
assert found == ["child.txt"] + [f"seen{i}.txt" for i in range(4)]
"""
    run = ran(tmp_path, text, patches=WAYS[way])
    assert run.state == "completed", run.log
    assert list(contents(tmp_path / "project")) == ["train.py"]
    assert "child.txt" in written(run)


def test_folders_outside_that_a_program_writes_to_are_named(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    text = f"open({str(other / 'x.txt')!r}, 'w').write('x')\nopen('inside.txt', 'w')\n"
    run = ran(tmp_path, text, patches=["other temporary folder"])
    assert run.state == "completed", run.log
    assert [str(other) in note for note in run.notes] == [True]
    assert (other / "x.txt").exists()


def test_an_original_that_changes_by_a_way_around_the_copy_is_noticed(tmp_path: Path) -> None:
    folder = project(tmp_path / "project")
    large = str(folder / "large.bin")
    run = ran(
        tmp_path,
        f"import subprocess\nsubprocess.run(['touch', '-d', '2001-01-01', {large!r}])\n",
        patches=["no mounts"],
    )
    assert run.state == "completed", run.log
    assert any(str(folder / "large.bin") in note for note in run.notes)


def test_a_mount_below_the_folder_stays_visible(tmp_path: Path) -> None:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    points = {line.split()[4] for line in lines}
    assert set(overlay.mounts_below(Path("/proc"))) <= points
    assert all(point.startswith("/") for point in overlay.mounts_below(Path("/")))

"""Installed from a wheel into another directory, everything the commands need is there."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def test_a_wheel_in_another_directory_finds_conf_tasks_and_templates(tmp_path):
    source = tmp_path / "source"  # hatchling writes nothing into the checkout this way
    subprocess.run(["git", "clone", "--quiet", str(REPOSITORY), str(source)], check=True)
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w"]
    subprocess.run([*build, str(tmp_path), str(source)], check=True)
    [wheel] = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True)
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(site), "HOME": str(tmp_path)}
    where = [sys.executable, "-P" if sys.version_info >= (3, 11) else "-s", "-c", "import sweep; print(sweep.__file__)"]
    found = subprocess.run(where, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    assert found.stdout.startswith(str(site))
    command = [sys.executable, "-m", "sweep", "plan", "+ablation=all"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "dropout=off" in done.stdout
    said = subprocess.run(
        [sys.executable, "-m", "sweep", "--help"], cwd=folder, env=environment, capture_output=True, text=True
    ).stdout
    assert f"{site / 'sweep' / 'docs'}\n" in said
    assert (site / "sweep" / "docs" / "regression.md").exists()
    templates = site / "sweep" / "report" / "templates"
    assert {path.suffix for path in templates.iterdir()} >= {".html", ".css"}

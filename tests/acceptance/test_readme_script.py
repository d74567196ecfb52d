"""The README's script, as a reader pastes it: written by the shell, run unmodified, the planted fault found."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_readmes_script_ends_with_its_dropout_named(tmp_path):
    pasted = next(
        block for block in re.findall(r"^```bash\n(.*?)^```", README, re.M | re.S) if "cat > train.py" in block
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", pasted],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    script = (tmp_path / "train.py").read_text()
    summary = json.loads((tmp_path / "results" / "train-regularization" / "summary.json").read_text())
    statuses = {toggle["toggle"]: toggle["status"] for toggle in summary["toggles"]}
    assert statuses == {"dropout=off": "restores", "weight_decay=off": "no_effect", "augmentation=off": "inert"}
    assert summary["base"]["converged"] == 0
    assert summary["command"][0] == "train.py"
    assert summary["command"][-3:] == ["--", "--epochs", "12"]
    assert summary["recommended"]["command"].endswith("task.dropout=0.0 -- --epochs 12")
    assert f"cat > train.py <<'END'\n{script}END\n" in pasted
    assert sorted(each.name for each in tmp_path.iterdir()) == ["results", "train.py"]

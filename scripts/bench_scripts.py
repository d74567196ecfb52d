"""Measures trials of a script that was not written for sweep, beside `python train.py` in a pool of processes.

    python scripts/bench_scripts.py [--runs 100] [--rounds 3] [--against CHECKOUT] [--write]

Two programs of 50 steps, one with paddle and numpy, one that imports scikit-learn too. Each runs with as many seeds as
`--runs`: as a study of sweep with two slots, and as `python train.py --seed N` by two threads. They take turns. Times
are wall times of whole commands, with start-up, store and reports. `--against` also compares the trials of a native
task with those of another checkout (`git worktree add FOLDER COMMIT`): wall time, and the CPU time of all processes.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.pool import ThreadPool
from pathlib import Path
from statistics import median

from launching.candidates import versions
from machine import machine

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "results" / "benchmarks" / "scripts.md"
SLOTS, STEPS = 2, 50
PLAIN_TARGET, SKLEARN_TARGET, NATIVE_TARGET = 10.0, 5.0, 0.8

DATA = {
    "paddle and numpy": """
draw = np.random.default_rng(0)
features = draw.normal(size=(1024, 64)).astype("float32")
labels = features[:, :10].argmax(axis=1).astype("int64")
""",
    "scikit-learn too": """
from sklearn.datasets import load_digits
features, labels = load_digits(return_X_y=True)
features, labels = (features[:1024] / 16).astype("float32"), labels[:1024].astype("int64")
""",
}
PROGRAM = """
import argparse
import numpy as np
import paddle

parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=0)
paddle.seed(parser.parse_args().seed)
{data}
net = paddle.nn.Sequential(paddle.nn.Linear(64, 64), paddle.nn.ReLU(), paddle.nn.Linear(64, 10))
optimizer = paddle.optimizer.Momentum(0.1, parameters=net.parameters())
for step in range({steps}):
    at = step * 32 % 1024
    loss = paddle.nn.functional.cross_entropy(
        net(paddle.to_tensor(features[at : at + 32])), paddle.to_tensor(labels[at : at + 32])
    )
    loss.backward()
    optimizer.step()
    optimizer.clear_grad()
    if step % 10 == 9:
        print(f"step {{step + 1}}: loss {{float(loss):.4f}}")
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """What a command took: wall time, and CPU time of all its processes, in seconds."""

    wall_s: float
    cpu_s: float


def spent(act: Callable[[], object]) -> Spent:
    """Return what a function took that starts processes and waits for them."""
    before, begun_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    act()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(time.monotonic() - begun_s, cpu_s)


def command(words: Sequence[str], folder: Path, checkout: Path = ROOT) -> None:
    """Run `python WORDS` in a folder, one thread each. Raises CalledProcessError with its output printed."""
    environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run([sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout[-2000:], done.stderr[-2000:], file=sys.stderr)
        raise subprocess.CalledProcessError(done.returncode, words)


def study(folder: Path, runs: int) -> None:
    """Run the program as a study of sweep, in a fresh results folder."""
    with tempfile.TemporaryDirectory(dir=folder) as results:
        words = ("task=script", "task.path=train.py", f"seeds={runs}", f"launcher.slots={SLOTS}", "launcher.gpus=[]")
        target = ("converge.metric=step/loss", "converge.target=0.0", f"converge.budget_steps={STEPS}")
        command(["-m", "sweep", *words, *target, f"results={results}"], folder)


def pool(folder: Path, runs: int) -> None:
    """Run the program in a new interpreter for each seed, two at a time."""
    with ThreadPool(SLOTS) as threads:
        threads.map(lambda seed: command(["train.py", "--seed", str(seed)], folder), range(runs), chunksize=1)


def native(folder: Path, runs: int, checkout: Path) -> None:
    """Run a native task of 50 steps as a study of a checkout."""
    with tempfile.TemporaryDirectory(dir=folder) as results:
        words = ("task=digits_mlp", f"seeds={runs}", f"launcher.slots={SLOTS}", "launcher.gpus=[]")
        length = (f"converge.budget_steps={STEPS}", "converge.stop_early=false")
        command(["-m", "sweep", *words, *length, f"results={results}"], folder, checkout)


def in_turns(rounds: int, *acts: Callable[[], object]) -> list[list[Spent]]:
    """Return what each act took in each round; in every other round they take turns in the opposite order."""
    taken: list[list[Spent]] = [[] for _ in acts]
    for each in range(rounds):
        order = range(len(acts)) if each % 2 == 0 else reversed(range(len(acts)))
        for at in order:
            taken[at].append(spent(acts[at]))
    return taken


def compared(name: str, data: str, args: argparse.Namespace, folder: Path) -> str:
    """Measure one program and return its line of the table."""
    target = PLAIN_TARGET if data == "paddle and numpy" else SKLEARN_TARGET
    (folder / "train.py").write_text(PROGRAM.format(data=DATA[data], steps=STEPS), encoding="utf-8")
    ours, theirs = in_turns(args.rounds, lambda: study(folder, args.runs), lambda: pool(folder, args.runs))
    ratio = median(b.wall_s / a.wall_s for a, b in zip(ours, theirs, strict=True))
    a, b = median(each.wall_s for each in ours), median(each.wall_s for each in theirs)
    met = "met" if ratio >= target else "not met"
    return f"| {name} | {a:.1f} s | {b:.1f} s | {ratio:.1f} | at least {target:g} | {met} |"


def against(args: argparse.Namespace, folder: Path) -> str:
    """Measure a native task beside another checkout and return its line of the table."""
    now, before = in_turns(
        args.rounds, lambda: native(folder, args.runs, ROOT), lambda: native(folder, args.runs, args.against)
    )
    wall = median(a.wall_s / b.wall_s for a, b in zip(now, before, strict=True))
    cpu = median(a.cpu_s / b.cpu_s for a, b in zip(now, before, strict=True))
    met = "met" if wall <= NATIVE_TARGET else "not met"
    return (
        f"| native task, beside the other checkout | {median(a.wall_s for a in now):.1f} s | "
        f"{median(b.wall_s for b in before):.1f} s | {wall:.2f} (CPU {cpu:.2f}) | at most {NATIVE_TARGET:g} | {met} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="also compare native trials with another one")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.name} under results/benchmarks/")
    args = parser.parse_args()
    lines = ["| program | sweep | the other | ratio | target | |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for data in DATA:
            lines.append(compared(f"script, {data}", data, args, folder))
            print(lines[-1], flush=True)
        if args.against is not None:
            lines.append(against(args, folder))
            print(lines[-1], flush=True)
    words = f"python scripts/bench_scripts.py --runs {args.runs} --rounds {args.rounds}"
    words += " --against CHECKOUT" if args.against is not None else ""
    text = "\n".join(
        [
            "# Trials of unmodified scripts",
            "",
            f"{args.runs} runs of {STEPS} steps, {SLOTS} slots, medians of {args.rounds} rounds in turns; wall time.",
            "The other is `python train.py` by two threads; for the native task, the same study of another checkout.",
            "",
            *lines,
            "",
            f"`{words}` on {machine()}; {versions()}.",
        ]
    )
    print(f"\n{text}")
    if args.write:
        TABLE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

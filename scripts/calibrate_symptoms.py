"""Measure the false alarms of each symptom rule in healthy runs, and which planted faults it reports.

    python scripts/calibrate_symptoms.py --write          # the table of results/benchmarks/symptoms.md

Every run is launched as in a study, with the monitor on, and uses its whole budget. Only runs that converge and keep
their target count as healthy. A rule that reports in more than 1 % of them is advisory.
"""

import argparse
import os
import platform
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from sweep.domain.states import StopReason
from sweep.domain.symptom_entry import ADVISORY_ABOVE
from sweep.domain.symptoms import SYMPTOMS
from sweep.domain.target import Target
from sweep.domain.trial import Outcome
from sweep.domain.verdict import Verdict
from sweep.judge import RULES, judge
from sweep.rundir import RunDir, StudyDir, facts_of, points_of, read_events
from sweep.store import Store

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "results" / "benchmarks" / "symptoms.md"
OWN = "task=program "

HEALTHY: dict[str, str] = {
    "digits_mlp": "task=digits_mlp",
    "digits_cnn": "task=digits_cnn",
    "breast_cancer": "task=breast_cancer",
    "diabetes": "task=diabetes",
    "digits_mlp, Adam, cosine": "task=digits_mlp task.optimizer=adam task.scheduler=cosine",
    "digits_cnn, warm-up, clip": "task=digits_cnn task.scheduler=warmup task.clip=1.0",
    "digits, tanh MLP of 4 layers, RMSProp": OWN + "task.activation=tanh task.depth=4 task.optimizer=rmsprop",
    "digits, residual, AdamW, warm-up": OWN
    + "task.model=residual task.depth=3 task.optimizer=adamw task.scheduler=warmup task.weight_decay=0.01",
    "digits, batch norm CNN, momentum": OWN
    + "task.model=convolutions task.inputs=unit task.optimizer=momentum task.lr=0.05 task.weight_decay=1e-4",
    "digits, GRU, clip": OWN + "task.model=recurrent task.inputs=unit task.lr=5e-3 task.clip=1.0 converge.target=0.85",
    "digits, transformer on tokens": OWN + "task.model=attention task.depth=1 task.width=32 task.inputs=tokens"
    " task.lr=3e-3 task.dropout=0.1 converge.target=0.75",
    "wine, softmax regression, SGD": OWN + "task.data=wine task.depth=0 task.optimizer=sgd task.lr=0.1",
    "breast cancer, sigmoid units, BCE": OWN
    + "task.data=breast_cancer task.depth=1 task.activation=sigmoid task.loss=bce task.lr=5e-3",
    "digits, 4 backwards a step, step decay": OWN + "task.accumulate=4 task.batch_size=8 task.scheduler=steps",
    "digits, head on a frozen layer": OWN + "task.frozen=true task.depth=1 task.width=256 task.lr=5e-3",
    "diabetes, GELU MLP, plateau": OWN + "task.data=diabetes task.activation=gelu task.loss=mse task.scheduler=plateau"
    " converge.metric=val/r2 converge.target=0.3 converge.budget_steps=200",
}  # fmt: skip
"""Programs that train well, by description, with their overrides."""

HEAD = """# Symptom rules: false alarms and planted faults

`python scripts/calibrate_symptoms.py --seeds {seeds} --fault-seeds {fault_seeds} --write`, {cores} cores,
Python {python}, paddlepaddle {paddle}. `watch=light`, thresholds of `conf/symptoms/default.yaml`,
every run over its whole budget.

`flat`, `slow`, `over_regularised`, `overfit`, `rate_gone` and `fits_yet_fails` speak only if the target is missed, so
they are silent in healthy runs by their condition; the line below the first table counts the rules in the runs of the
same programs that missed it. The bounds of `wrong_initial_loss` were set after a first look at these programs: an amber
bound of 0.3 spoke in 4 of 28 runs, and without the 2 nats it spoke in 4 of the 16 of breast_cancer.
"""

MLP = OWN + "converge.budget_steps=300 "
FAULTS: dict[str, str] = {
    "learning rate x 100 (Adam)": MLP + "task.lr=0.1",
    "learning rate x 1000 (momentum)": MLP + "task.optimizer=momentum task.lr=20.0",
    "learning rate x 0.001 (Adam)": MLP + "task.lr=1e-6",
    "learning rate x 0.001 (momentum)": MLP + "task.optimizer=momentum task.lr=2e-5",
    "constant weights": MLP + "task.fault=constant_weights",
    "zero weights": MLP + "task.fault=zero_weights",
    "weights drawn 20 x too large": MLP + "task.fault=huge_weights",
    "10 sigmoid layers": MLP + "task.depth=10 task.activation=sigmoid",
    "ReLU biases at -10": MLP + "task.fault=negative_biases",
    "gradient never cleared": MLP + "task.fault=gradient_kept task.optimizer=momentum task.lr=0.02",
    "gradient never cleared (Adam)": MLP + "task.fault=gradient_kept",
    "optimizer with the last layer alone": MLP + "task.head_only=true",
    "learning rate gone by step 70": MLP + "task.scheduler=collapse task.lr=1e-4",
    "validation rows and labels out of step": MLP + "task.fault=evaluated_on_other_rows",
    "accuracy over the wrong axis": MLP + "task.fault=predictions_transposed",
    "first layer detached": MLP + "task.fault=frozen_layer",
    "inputs x 255": MLP + "task.fault=pixels_to_255 task.optimizer=momentum task.lr=0.02",
    "inputs x 255, tanh": MLP + "task.fault=pixels_to_255 task.activation=tanh",
    "NaN among the inputs": MLP + "task.fault=missing_inputs",
    "target in raw units": MLP + "task.data=diabetes task.loss=mse task.fault=raw_target converge.metric=val/r2"
    " converge.target=0.3",
    "target in raw units, momentum": MLP + "task.data=diabetes task.loss=mse task.fault=raw_target"
    " task.optimizer=momentum task.lr=0.02 converge.metric=val/r2 converge.target=0.3",
    "labels permuted": MLP + "task.fault=permuted_labels",
    "labels from 1": MLP + "task.fault=labels_from_one",
    "softmax twice": MLP + "task.fault=softmax_head",
    "ReLU on the logits": MLP + "task.fault=relu_head",
    "squared error for classes": MLP + "task.fault=mse_for_classes",
    "summed loss": MLP + "task.fault=summed_loss task.optimizer=momentum task.lr=0.02",
    "log of 0": MLP + "task.fault=log_of_zero task.lr=0.01",
    "dropout 0.9": MLP + "task.dropout=0.9 task.depth=3",
    "weight decay x 10000 (L2)": MLP + "task.optimizer=momentum task.lr=0.02 task.weight_decay=1.0",
    "scheduler never stepped": MLP + "task.fault=scheduler_not_stepped task.scheduler=plateau task.lr=3e-6",
    "batches of 1, momentum x 10": MLP + "task.batch_size=1 task.optimizer=momentum task.lr=0.05",
    "far too large a model, few samples": MLP + "task.data=wine task.width=512 task.depth=3 task.lr=3e-3"
    " converge.target=1.01",
}  # fmt: skip
"""Planted faults, by description, with their overrides."""


def run_program(words: str, *, seeds: int, folder: Path, name: str) -> tuple[Outcome, ...]:
    """Run one program over a number of seeds through the real command line and return its outcomes."""
    command = [
        sys.executable, "-m", "sweep", "--config-dir", str(ROOT / "scripts" / "calibration" / "conf"), *words.split(),
        f"seeds={seeds}", f"study={name}", f"results={folder}", "converge.stop_early=false",
    ]  # fmt: skip
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: every run crashed, which is a valid outcome of a fault
        raise SystemExit(f"{' '.join(command)}\nended with {done.returncode}\n{done.stderr[-2000:]}")
    with Store.open(f"sqlite:///{folder / 'sweep.db'}", read_only=True) as store:
        study = store.study(name)
        outcomes = store.outcomes(study.id)
    target, trials = study.target, StudyDir(folder, name)
    return tuple(judged_anew(outcome, trials.trial(outcome.number), target) for outcome in outcomes)


def judged_anew(outcome: Outcome, folder: RunDir, target: Target) -> Outcome:
    """Return a run as judged by the rules of this checkout: with --folder, it was made before a rule was changed."""
    events, _ = read_events(folder.events, 0)
    reason = (folder.read_result() or {}).get("stop_reason")
    ended = None if reason is None else StopReason(reason)
    found = judge(points_of(events), target, facts_of(events), ended=ended, state=outcome.state)
    return replace(outcome, symptoms=found.symptoms, verdict=found.verdict)


def rules_of(outcomes: Sequence[Outcome]) -> Counter[str]:
    """Return the number of runs in which each rule reported."""
    return Counter(rule for outcome in outcomes for rule in {symptom.rule for symptom in outcome.symptoms})


def healthy_table(seeds: int, folder: Path) -> Iterator[str]:
    """Yield the lines of the false-alarm table."""
    counts: dict[str, Counter[str]] = {}
    runs: dict[str, tuple[int, int]] = {}
    missed: list[Outcome] = []
    for number, (program, words) in enumerate(HEALTHY.items()):
        outcomes = run_program(words, seeds=seeds, folder=folder, name=f"healthy{number}")
        kept = [o for o in outcomes if o.verdict is Verdict.CONVERGED]
        counts[program], runs[program] = rules_of(kept), (len(kept), len(outcomes))
        missed += [o for o in outcomes if o.verdict is not Verdict.CONVERGED]
        said = ", ".join(f"{rule} {count}" for rule, count in counts[program].items()) or "nothing"
        print(f"{program}: {len(kept)} of {len(outcomes)} healthy; {said}", file=sys.stderr, flush=True)
    total = sum(healthy for healthy, _ in runs.values())
    yield f"## Healthy runs\n\n{total} of {sum(n for _, n in runs.values())} runs of {len(runs)} programs converged and"
    yield "kept their target to the end; the table counts those in which a rule spoke.\n"
    yield "| program | healthy runs | rules that spoke |"
    yield "|---|--:|---|"
    for program, (healthy, all_runs) in runs.items():
        said = ", ".join(f"`{rule}` {count}" for rule, count in sorted(counts[program].items())) or "none"
        yield f"| {program} | {healthy} of {all_runs} | {said} |"
    spoke = ", ".join(f"`{rule}` {count}" for rule, count in sorted(rules_of(missed).items())) or "none"
    yield f"\nRules that spoke in the {len(missed)} runs of these programs that missed their target: {spoke}."
    whole: Counter[str] = Counter()
    for found in counts.values():
        whole.update(found)
    yield "\n| rule | false alarms | per run | |"
    yield "|---|--:|--:|---|"
    for rule in RULES:
        share = whole[rule] / total
        yield f"| `{rule}` | {whole[rule]} of {total} | {share:.1%} | {'advisory' if share > ADVISORY_ABOVE else ''} |"


def fault_table(seeds: int, folder: Path) -> Iterator[str]:
    """Yield the lines of the table of planted faults."""
    yield "\n## Planted faults\n"
    yield f"{seeds} runs each; how many of them ended how, and which rules spoke in how many.\n"
    yield "| fault | verdicts | rules that spoke |"
    yield "|---|---|---|"
    for number, (fault, words) in enumerate(FAULTS.items()):
        outcomes = run_program(words, seeds=seeds, folder=folder, name=f"fault{number}")
        ends = Counter(o.failure or o.verdict for o in outcomes)
        verdicts = ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in ends.most_common())
        found = rules_of(outcomes)
        said = ", ".join(f"`{rule}` {found[rule]}" for rule in RULES if found[rule]) or "none"
        print(f"{fault}: {verdicts}; {said}", file=sys.stderr, flush=True)
        yield f"| {fault} | {verdicts} | {said} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=18, help="runs of each healthy program")
    parser.add_argument("--fault-seeds", type=int, default=5, help="runs of each fault")
    parser.add_argument("--only", choices=("healthy", "faults"))
    parser.add_argument("--folder", type=Path, help="folder of the studies (default: a temporary one)")
    parser.add_argument("--write", action="store_true", help=f"write {TABLE.relative_to(ROOT)}")
    args = parser.parse_args()
    assert set(RULES) == set(SYMPTOMS)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        lines = [*(healthy_table(args.seeds, folder) if args.only != "faults" else ())]
        lines += [*(fault_table(args.fault_seeds, folder) if args.only != "healthy" else ())]
    head = HEAD.format(
        seeds=args.seeds, fault_seeds=args.fault_seeds, cores=os.cpu_count(), python=platform.python_version(),
        paddle=version("paddlepaddle"),
    )  # fmt: skip
    text = "\n".join([head, *lines]) + "\n"
    if args.write:
        TABLE.write_text(text, encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()

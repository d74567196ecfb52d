"""How often the check of labels along the rows reports a finding, on healthy and on damaged data sets.

    python scripts/calibrate_label_rows.py [--seeds 50] [--out FILE.json]

Healthy: scikit-learn's bundled sets in their original order, shuffled, and sorted by label (80 % of each as the
training set), with up to 30 % of all labels replaced; and generated sets: blobs, hard ones, in order of time, from two
sources. Damaged: digits, breast_cancer and diabetes with labels rolled, permuted or renamed in a stretch of rows.
Everything the check would print counts as a finding, warnings included; a finding that is `broken` gives exit code 1.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import datasets

from sweep.analysis.checks.data_labels import agreement_checks
from sweep.analysis.checks.data_rows import NAME
from sweep.domain.data_check import Severity
from sweep.domain.data_figures import DataFindings, LabelKind
from sweep.worker.checks.neighbours import measure_neighbours

SETS = {
    "digits": (datasets.load_digits, LabelKind.CLASSES),
    "wine": (datasets.load_wine, LabelKind.CLASSES),
    "breast_cancer": (datasets.load_breast_cancer, LabelKind.CLASSES),
    "iris": (datasets.load_iris, LabelKind.CLASSES),
    "diabetes": (datasets.load_diabetes, LabelKind.VALUES),
}
NOISES = (0.0, 0.1, 0.2, 0.3)
Set = tuple[NDArray[Any], NDArray[Any], LabelKind]
Draw = Callable[[np.random.Generator], Set]


def bundled(name: str, order: str, rng: np.random.Generator) -> Set:
    """Return four fifths of a bundled set, with rows in original order, shuffled, or sorted by label."""
    load, kind = SETS[name]
    x, y = load(return_X_y=True)
    keep = rng.permutation(len(x))[: int(0.8 * len(x))]
    keep = keep if order == "shuffled" else np.sort(keep)
    keep = keep[np.argsort(y[keep], kind="stable")] if order == "sorted" else keep
    return x[keep], y[keep], kind


def noisy(data: Set, share: float, rng: np.random.Generator) -> Set:
    """Return the set with this share of its labels redrawn, at random rows."""
    x, y, kind = data
    hit = rng.random(len(y)) < share
    return x, np.where(hit, y[rng.permutation(len(y))], y), kind


def blobs(rng: np.random.Generator, *, n: int, classes: int, spread: float, features: int = 8) -> Set:
    x, y = datasets.make_blobs(n, features, centers=classes, cluster_std=spread, random_state=int(rng.integers(2**31)))
    return x, y, LabelKind.CLASSES


def hard(rng: np.random.Generator, *, classes: int) -> Set:
    """Return a set in which the labels of neighbours agree hardly more than by chance."""
    x, y = datasets.make_classification(1500, 20, n_informative=8, n_redundant=0, n_classes=classes, class_sep=0.3,
                                        flip_y=0.3, random_state=int(rng.integers(2**31)))  # fmt: skip
    return x, y, LabelKind.CLASSES


def walk(rng: np.random.Generator, *, what: str, slow: float) -> Set:
    """Return windows of a random walk with what is to be predicted for each: its sign, its value, or the next."""
    noise = rng.normal(size=1600)
    series = np.zeros(1600)
    for t in range(1, 1600):
        series[t] = slow * series[t - 1] + noise[t]
    windows = np.lib.stride_tricks.sliding_window_view(series, 8)[:-20]
    now, later = series[7:-20], series[8:][: len(windows)]
    if what == "next":
        return windows, later, LabelKind.VALUES
    return (
        (windows, now, LabelKind.VALUES)
        if what == "value"
        else (windows, (later > 0).astype(np.int64), LabelKind.CLASSES)
    )


def two_sources(rng: np.random.Generator, *, gap: float, noise: float) -> Set:
    """Return blobs whose later rows come from another source: moved by `gap`, with noisier labels."""
    x, y, kind = blobs(rng, n=1500, classes=5, spread=2.0)
    cut = int(rng.integers(300, 1200))
    x[cut:] += gap * rng.normal(size=8)
    return x, np.concatenate([y[:cut], noisy((x[cut:], y[cut:], kind), noise, rng)[1]]), kind


def two_layouts(rng: np.random.Generator, *, features: int) -> Set:
    """Return blobs whose later rows come from a source with other class centres, in the same range."""
    (x, y, kind), (x2, y2, _) = (blobs(rng, n=750, classes=5, spread=2.0, features=features) for _ in range(2))
    return np.concatenate([x, x2]), np.concatenate([y, y2]), kind


def drift(rng: np.random.Generator, *, turn: float) -> Set:
    """Return points of two classes whose border turns by `turn` radians from the first row to the last."""
    x = rng.normal(size=(1500, 2))
    angle = np.linspace(0, turn, 1500)
    return x, (x[:, 0] * np.cos(angle) + x[:, 1] * np.sin(angle) > 0).astype(np.int64), LabelKind.CLASSES


def noisy_bundled(rng: np.random.Generator, *, name: str, order: str, share: float) -> Set:
    return noisy(bundled(name, order, rng), share, rng)


def noisy_blobs(rng: np.random.Generator, *, share: float) -> Set:
    n, classes, spread = int(rng.integers(200, 3000)), int(rng.integers(2, 30)), float(rng.uniform(0.5, 8))
    return noisy(blobs(rng, n=n, classes=classes, spread=spread), share, rng)


def harmed_bundled(rng: np.random.Generator, *, name: str, order: str, share: float, harm: str) -> Set:
    return harm_rows(bundled(name, order, rng), share, harm, rng)


def healthy() -> Iterator[tuple[str, Draw]]:
    """Yield each family of healthy sets, with a function that draws one."""
    for name in SETS:
        for order in ("as they come", "shuffled", "sorted"):
            for share in NOISES:
                yield f"{name}, {order}, noise {share:.0%}", partial(noisy_bundled, name=name, order=order, share=share)
    for share in NOISES:
        yield f"blobs, noise {share:.0%}", partial(noisy_blobs, share=share)
    for classes in (2, 3, 10):
        yield f"hard, {classes} classes", partial(hard, classes=classes)
    for what in ("sign of the next", "value", "next"):
        for slow in (0.5, 0.95, 0.999):
            yield f"series, {what}, {slow:g}", partial(walk, what=what, slow=slow)
    for gap, noise in ((0, 0.3), (1, 0.0), (1, 0.3), (4, 0.0), (4, 0.3)):
        yield f"two sources {gap} apart, noise {noise:.0%} in one", partial(two_sources, gap=gap, noise=noise)
    for features in (2, 3, 8):
        yield f"two sources with classes elsewhere, {features} features", partial(two_layouts, features=features)
    yield "border turns by 45 degrees", partial(drift, turn=np.pi / 4)


def harmed() -> Iterator[tuple[str, Draw]]:
    """Yield each kind of damage, with a function that draws a damaged set."""
    parts = {"half": 0.5, "quarter": 0.25, "tenth": 0.1, "whole": 1.0}
    for name in ("digits", "breast_cancer", "diabetes"):
        for order in ("as they come", "shuffled"):
            for part, share in parts.items():
                for harm in ("rolled by 1", "rolled by -1", "rolled by 5", "permuted", "renamed"):
                    if harm == "renamed" and name == "diabetes":
                        continue
                    draw = partial(harmed_bundled, name=name, order=order, share=share, harm=harm)
                    yield f"{name}, {order}: {part} {harm}", draw


def harm_rows(data: Set, share: float, harm: str, rng: np.random.Generator) -> Set:
    """Return the set with damaged labels in a stretch of its rows, which starts at a random row."""
    x, y, kind = data
    y, length = y.copy(), int(share * len(y))
    first = int(rng.integers(0, len(y) - length + 1))
    part = y[first : first + length]
    if harm == "permuted":
        part = rng.permutation(part)
    elif harm == "renamed":
        part = (part + 1) % (int(y.max()) + 1)
    else:
        part = np.roll(part, int(harm.split()[-1]))
    y[first : first + length] = part
    return x, y, kind


def findings_on(data: Set) -> list[tuple[str, str]]:
    """Return the findings on labels that do not belong to their rows: (severity, text), the worst first."""
    x, y, kind = data
    near = measure_neighbours(x, y, None, None, kind)
    checks = agreement_checks(DataFindings(has_data=True, has_model=False, neighbours=near))
    meant = [c for c in checks if c.name == NAME or "shifted" in c.found]
    found = [c for c in meant if c.severity in (Severity.BROKEN, Severity.WARNING)]
    return [(str(c.severity), c.found) for c in sorted(found, key=lambda c: list(Severity).index(c.severity))]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    table = {}
    for word, families in (("healthy", healthy), ("harmed", harmed)):
        total = 0
        all_kinds: Counter[str] = Counter()
        for name, draw in families():
            if given.only not in f"{word} {name}":
                continue
            kinds: Counter[str] = Counter()
            began, last = time.perf_counter(), ""
            for seed in range(given.seeds):
                found = findings_on(draw(np.random.default_rng([seed, len(name)])))
                kinds[found[0][0] if found else "nothing"] += 1
                last = found[0][1] if found else last
            took = (time.perf_counter() - began) / given.seeds
            table[f"{word}: {name}"] = dict(kinds)
            total, all_kinds = total + given.seeds, all_kinds + kinds
            print(f"{word:8} {name:46} {dict(kinds)} {took:.2f} s  {last}", flush=True)
        print(f"{word}: {dict(all_kinds)} of {total}", flush=True)
    if given.out:
        given.out.write_text(json.dumps({"seeds": given.seeds, "families": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()

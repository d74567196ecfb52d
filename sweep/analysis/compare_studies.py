"""Two studies compared: paired where a cell and a seed occur in both."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sweep.domain.comparison import CellComparison, Difference, Pair, Steps, StudyComparison
from sweep.domain.recorded_config import RecordedConfig
from sweep.domain.target import Target
from sweep.domain.task_ref import naming_key
from sweep.domain.trial import Outcome
from sweep.stats.exact import ALPHA, Floats, holm, mcnemar_p, paired_test, proportion, sign_flip_p

NOT_COMPARED = frozenset({"results", "place", "store", "study", "launcher", "inert", "compare_with"})
"""Keys of a recorded config that do not affect a trial's outcome."""

EXACT_SUBSETS = 12
"""Number of pairs up to which the means of all subsets are taken (4,095); for more pairs, 4,095 random subsets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The compared part of a study. `fingerprints` are by (cell key, seed); equal ones mean the same run."""

    name: str
    task: str
    target: Target
    config: RecordedConfig
    provenance: Mapping[str, object]
    outcomes: tuple[Outcome, ...]
    fingerprints: Mapping[tuple[str, int], str]


def compare_studies(a: Side, b: Side) -> StudyComparison:
    """Return the comparison of B against A. Only pairs with a verdict on both sides are evidence."""
    obstacles = _obstacles(a, b)
    config = differences(_compared_config(a.config.raw), _compared_config(b.config.raw))
    provenance = differences(_compared_provenance(a.provenance), _compared_provenance(b.provenance))
    of_a, of_b = _last(a.outcomes), _last(b.outcomes)
    shared = [key for key in of_a if key in of_b]
    same = sum(a.fingerprints.get(key) == b.fingerprints.get(key, "") for key in shared)
    known = [key for key in shared if of_a[key].is_evidence and of_b[key].is_evidence]
    if not obstacles and not known:
        obstacles = ("no cell and seed has a verdict in both studies",)
    is_comparable = not obstacles
    budget = a.target.budget_steps
    pairs = [(of_a[key], of_b[key]) for key in known] if is_comparable else []
    gained, lost = _discordant(pairs)
    return StudyComparison(
        a=a.name, b=b.name, obstacles=obstacles, notes=_notes(a, b, len(shared), same, config) if is_comparable else (),
        pairs=len(pairs), same_runs=same, only_a=len(of_a) - len(shared), only_b=len(of_b) - len(shared),
        cells=_cells(pairs, budget), differing=tuple(_pair(x, y) for x, y in pairs if x.verdict is not y.verdict),
        p_value=mcnemar_p(gained, lost) if pairs else None, steps=compare_steps(pairs, budget) if pairs else None,
        config=config, provenance=provenance,
    )  # fmt: skip


def compare_steps(pairs: Sequence[tuple[Outcome, Outcome]], budget: int) -> Steps:
    """Return the paired difference of steps to target, B minus A; a miss counts as the budget."""
    steps = np.array([[_steps(x, budget), _steps(y, budget)] for x, y in pairs], dtype=np.float64)
    moved = steps[:, 1] - steps[:, 0]
    low, high = typical_interval(moved)
    return Steps(pairs=len(pairs), mean=float(moved.mean()), low=low, high=high, p_value=sign_flip_p(moved))


def typical_interval(differences: Floats) -> tuple[float | None, float | None]:
    """Return a 95 % interval of the centre of paired differences [n], (None, None) for n below 6.

    The means of all non-empty subsets are typical values: they cut the line into 2^n parts that are equally likely to
    hold the centre of a symmetric distribution, whatever its shape. For more than 12 pairs, 4,095 random subsets are
    used. Source: Hartigan, Using Subsample Values as Typical Values, J. Am. Stat. Assoc. 64 (1969).
    """
    count = len(differences)
    if 2 / 2**count > ALPHA:
        return None, None
    if count <= EXACT_SUBSETS:
        inside = (np.arange(1, 2**count)[:, None] >> np.arange(count)) & 1 > 0
    else:
        inside = np.random.default_rng(count).random((2**EXACT_SUBSETS - 1, count)) < 0.5
        inside[~inside.any(axis=1), 0] = True
    means = np.sort(inside @ differences / inside.sum(axis=1))
    cut = max(1, math.floor(ALPHA / 2 * (len(means) + 1)))
    return float(means[cut - 1]), float(means[-cut])


def differences(a: Mapping[str, object], b: Mapping[str, object]) -> tuple[Difference, ...]:
    """Return (dotted key, value in A, value in B) of every leaf that differs; None if a side lacks it."""
    first, second = dict(_leaves(a, "")), dict(_leaves(b, ""))
    keys = [*first, *(key for key in second if key not in first)]
    return tuple((key, first.get(key), second.get(key)) for key in keys if first.get(key) != second.get(key))


def _leaves(value: object, name: str) -> list[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{name}.{key}" if name else str(key))]
    return [(name, value)] if name else []


def _compared_config(config: Mapping[str, object]) -> dict[str, object]:
    """Return the part of a config that decides the outcome of a study: no paths, no number of slots."""
    return {key: value for key, value in config.items() if key not in NOT_COMPARED}


def _compared_provenance(provenance: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in provenance.items() if key != "seeds"}


def _obstacles(a: Side, b: Side) -> tuple[str, ...]:
    found = []
    if _program(a) != _program(b):
        found.append(f"their tasks differ: {a.task} ({_program(a)}) and {b.task} ({_program(b)})")
    first, second = a.target.to_mapping(), b.target.to_mapping()
    other = [f"{key} {first[key]} and {second[key]}" for key in first if first[key] != second[key]]
    if other:
        found.append(f'"converged" is defined differently: {"; ".join(other)}')
    return tuple(found)


def _program(side: Side) -> str:
    """Return the program that is run: the task's function, or the script."""
    key = naming_key(side.config.task)
    return side.task if key is None else str(side.config.task[key])


def _notes(a: Side, b: Side, shared: int, same: int, config: Sequence[Difference]) -> tuple[str, ...]:
    notes = []
    if same:
        notes.append(f"{same} of {shared} pairs share one run: they carry no information about a difference")
    task_changed = any(key.startswith("task.") for key, _, _ in config)
    if same < shared and not task_changed:
        notes.append("no key of the task differs, but the runs are not the same: its code or its data differs")
    if a.task != b.task:
        notes.append(f"the tasks' names differ ({a.task}, {b.task}); they run the same program")
    return tuple(notes)


def _last(outcomes: Sequence[Outcome]) -> dict[tuple[str, int], Outcome]:
    """Return outcomes by cell and seed; of several, the highest number counts."""
    return {(outcome.cell.key, outcome.seed): outcome for outcome in sorted(outcomes, key=lambda o: o.number)}


def _pair(a: Outcome, b: Outcome) -> Pair:
    return Pair(cell=a.cell.key, seed=a.seed, verdicts=(str(a.verdict), str(b.verdict)), taus=(a.tau, b.tau))


def _discordant(pairs: Sequence[tuple[Outcome, Outcome]]) -> tuple[int, int]:
    gained = sum(y.converged and not x.converged for x, y in pairs)
    return gained, sum(x.converged and not y.converged for x, y in pairs)


def _cells(pairs: Sequence[tuple[Outcome, Outcome]], budget: int) -> tuple[CellComparison, ...]:
    by_cell: dict[str, list[tuple[Outcome, Outcome]]] = {}
    for pair in pairs:
        by_cell.setdefault(pair[0].cell.key, []).append(pair)
    tests = {cell: _test(of_cell) for cell, of_cell in by_cell.items()}
    adjusted = dict(zip(tests, holm([p for p, _ in tests.values()]), strict=True))
    rows = []
    for cell, of_cell in by_cell.items():
        gained, lost = _discordant(of_cell)
        rows.append(
            CellComparison(
                cell=cell, pairs=len(of_cell), gained=gained, lost=lost,
                a=proportion(sum(x.converged for x, _ in of_cell), len(of_cell)),
                b=proportion(sum(y.converged for _, y in of_cell), len(of_cell)),
                p_value=tests[cell][0], p_adjusted=adjusted[cell], test=tests[cell][1],
                steps=compare_steps(of_cell, budget),
            )
        )  # fmt: skip
    return tuple(rows)


def _test(pairs: Sequence[tuple[Outcome, Outcome]]) -> tuple[float, str]:
    gained, lost = _discordant(pairs)
    both = sum(x.converged and y.converged for x, y in pairs)
    return paired_test(both, gained, lost, len(pairs) - both - gained - lost)


def _steps(outcome: Outcome, budget: int) -> int:
    return min(outcome.tau, budget) if outcome.converged and outcome.tau is not None else budget

"""The determinism tier: whether the losses of fixed seeds are bitwise the same as before."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sweep.domain.nights import Baseline, LossHash, Night
from sweep.domain.plural import count_text
from sweep.domain.regression import Numerics, NumericsStatus


def compare_numerics(tonight: Night, earlier: Sequence[Night], baseline: Baseline | None) -> Numerics:
    """Return how tonight's loss hashes compare with the last ones from the same kind of machine.

    `earlier` has the oldest night first. Hashes are compared if seed, number of steps, device and processor model are
    the same; two models round differently, so a difference between them means nothing. They are compared with the last
    earlier night that has such hashes, else with the baseline. A change is thus reported once, on its night; if a
    later night still differs from the baseline, its `words` say so.
    """
    if not tonight.hashes:
        return _nothing("no loss hash tonight")
    accepted = baseline.hashes if baseline and _is_same(baseline.environment.numerics_class, tonight) else ()
    unstable = {key for key, digests in _by_seed(accepted).items() if len(digests) > 1}
    unstable |= {key for key, digests in _by_seed(tonight.hashes).items() if len(digests) > 1}
    now = {(found.seed, found.steps): found.digest for found in tonight.hashes}
    if unstable & set(now):
        return Numerics(
            status=NumericsStatus.NOT_DETERMINISTIC,
            against="baseline",
            words="the same seed gave different losses on the same kind of machine: the task is not deterministic",
        )
    from_baseline = _changed(now, accepted)
    for night in reversed(earlier):
        if not _is_same(night.environment.numerics_class, tonight):
            continue
        changed = _changed(now, night.hashes)
        if changed is not None:
            still = " (they still differ from the baseline's)" if not changed and from_baseline else ""
            return _said(changed, night.name, still)
    if from_baseline is not None:
        return _said(from_baseline, "baseline", "")
    return _nothing(f"no earlier loss hash of these seeds on {tonight.environment.numerics_class}")


def _is_same(numerics_class: str, night: Night) -> bool:
    return numerics_class == night.environment.numerics_class


def _by_seed(hashes: Iterable[LossHash]) -> dict[tuple[int, int], set[str]]:
    found: dict[tuple[int, int], set[str]] = defaultdict(set)
    for item in hashes:
        found[item.seed, item.steps].add(item.digest)
    return found


def _changed(now: dict[tuple[int, int], str], before: Iterable[LossHash]) -> int | None:
    """Return how many of the hashes that both have differ; None if they share none."""
    known = {(item.seed, item.steps): item.digest for item in before}
    both = now.keys() & known.keys()
    return sum(now[key] != known[key] for key in both) if both else None


def _said(changed: int, against: str, still: str) -> Numerics:
    if changed:
        words = f"the losses of {count_text(changed, 'fixed seed')} differ from those of {against}"
        return Numerics(status=NumericsStatus.CHANGED, against=against, words=words)
    return Numerics(status=NumericsStatus.EQUAL, against=against, words=f"losses bitwise equal to {against}{still}")


def _nothing(words: str) -> Numerics:
    return Numerics(status=NumericsStatus.NOT_COMPARED, against="", words=words)

"""The suspects: what differs between the last good night and this one."""

from collections.abc import Iterable, Iterator

from sweep.domain.nights import Environment
from sweep.domain.regression import Suspect


def suspects(before: Environment, now: Environment) -> tuple[Suspect, ...]:
    """Return the differences, the likeliest cause first: code, config, flags, packages, Python, driver, device,
    host."""
    return tuple(_differences(before, now))


def _differences(before: Environment, now: Environment) -> Iterator[Suspect]:
    yield from _code(before, now)
    if before.settings and now.settings:
        yield from _pairs("config", before.settings, now.settings)
    elif before.config != now.config and before.config and now.config:
        yield _suspect("config", "config", before.config, now.config, "the task's config changed")
    if bool(before.config) == bool(now.config):
        yield from _pairs("flag", before.flags, now.flags)
        yield from _pairs("package", before.packages, now.packages)
    else:  # a baseline made from a study: flags and the packages of its task were not recorded
        known = dict(now.packages if before.config else before.packages)
        yield from (each for each in _pairs("package", before.packages, now.packages) if each.name in known)
    for what, label in (
        ("python", "Python"),
        ("driver", "driver"),
        ("device", "device"),
        ("cpu", "processor"),
        ("platform", "system"),
        ("host", "host"),
    ):
        a, b = getattr(before, what), getattr(now, what)
        if a != b:
            yield _suspect(what, what, a, b, f"{label} {a or 'unknown'} → {b or 'unknown'}")


def _pairs(what: str, before: Iterable[tuple[str, str]], now: Iterable[tuple[str, str]]) -> Iterator[Suspect]:
    old, new = dict(before), dict(now)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        if name not in new:
            words = f"{name} {old[name]} was removed"
        elif name not in old:
            words = f"{name} {new[name]} was added"
        else:
            words = f"{name} {old[name]} → {new[name]}"
        yield _suspect(what, name, old.get(name, ""), new.get(name, ""), words)


def _code(before: Environment, now: Environment) -> Iterator[Suspect]:
    if before.code != now.code and before.code and now.code:
        yield _suspect("code", "task", before.code, now.code, "the task's own source files changed")
    a, b = before.git_sha, now.git_sha
    if a != b:
        known = f"commits {a[:10]}..{b[:10]}" if a and b else f"commit {a[:10] or 'unknown'} → {b[:10] or 'unknown'}"
        yield _suspect("git", "commits", a, b, known + (" and uncommitted changes" if now.dirty else ""))
    elif now.dirty or before.dirty:
        words = "uncommitted changes to the code" if now.dirty else "the earlier uncommitted changes are gone"
        yield _suspect("git", "uncommitted", "changed" if before.dirty else "", "changed" if now.dirty else "", words)


def _suspect(what: str, name: str, before: str, now: str, words: str) -> Suspect:
    return Suspect(what=what, name=name, before=before, now=now, words=words)

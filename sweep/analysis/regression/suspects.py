"""The suspects: what differs between the last good night and this one."""

from collections.abc import Iterator

from sweep.domain.regression import Environment, Suspect


def suspects(before: Environment, now: Environment) -> tuple[Suspect, ...]:
    """Return what differs, the likeliest cause first: code, config, packages, Python, driver, device, host."""
    return tuple(_differences(before, now))


def _differences(before: Environment, now: Environment) -> Iterator[Suspect]:
    yield from _code(before, now)
    if before.config != now.config and before.config and now.config:
        yield _suspect("config", "config", before.config, now.config, "the task's config is another one")
    old, new = dict(before.packages), dict(now.packages)
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) == new.get(name):
            continue
        if name not in new:
            words = f"{name} {old[name]} is gone"
        elif name not in old:
            words = f"{name} {new[name]} is new"
        else:
            words = f"{name} {old[name]} → {new[name]}"
        yield _suspect("package", name, old.get(name, ""), new.get(name, ""), words)
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


def _code(before: Environment, now: Environment) -> Iterator[Suspect]:
    a, b = before.git_sha, now.git_sha
    if a != b:
        known = f"commits {a[:10]}..{b[:10]}" if a and b else f"commit {a[:10] or 'unknown'} → {b[:10] or 'unknown'}"
        yield _suspect("git", "commits", a, b, known + (" and uncommitted changes" if now.dirty else ""))
    elif now.dirty or before.dirty:
        words = "uncommitted changes to the code" if now.dirty else "uncommitted changes that are gone now"
        yield _suspect("git", "uncommitted", "changed" if before.dirty else "", "changed" if now.dirty else "", words)


def _suspect(what: str, name: str, before: str, now: str, words: str) -> Suspect:
    return Suspect(what=what, name=name, before=before, now=now, words=words)

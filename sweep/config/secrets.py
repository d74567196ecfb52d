"""Passwords in database URLs: they open the store, and are never recorded."""

import re
from collections.abc import Iterable

# As SQLAlchemy reads a URL: a user ends at the first colon, a password at the last @ before the host.
_IN_USER = re.compile(r"(?P<before>://[^:/?#@\s]*):[^\s]*@")
_IN_OPTIONS = re.compile(r"(?P<before>[?&])(?:ssl)?password=[^&\s'\"]*&?")
_STORE = re.compile(r"[+]{0,2}store(?:\.url)?=")


def without_password(url: str) -> str:
    """Return a database URL, or a text with one in it, without the password: `//user@host` for `//user:word@host`.

    It still works if the password is in `~/.pgpass` or `PGPASSWORD`.
    """
    shown = _IN_OPTIONS.sub(r"\g<before>", _IN_USER.sub(r"\g<before>@", url))
    return shown.rstrip("?&") if shown != url else url


def recordable(command: Iterable[str]) -> tuple[str, ...]:
    """Return a command's arguments for records and display: the store's URL without its password."""
    return tuple(without_password(word) if _STORE.match(word) else word for word in command)

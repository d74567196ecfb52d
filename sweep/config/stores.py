"""The default store, and the arguments that name another one."""

import os
import shlex
from collections.abc import Iterable

from sweep.config.secrets import without_password

VARIABLE = "SWEEP_STORE"
RESULTS = "results"
"""Default results folder."""

_FILE = "sqlite:///"
_URL_WORD = "store.url="


def default_store(results: str = RESULTS) -> str:
    """Return the default store of a study: `store.url` in conf/config.yaml."""
    return f"{_FILE}{results}/sweep.db"


def results_of(url: str) -> str:
    """Return the results folder whose default store this is, `results` for any other store."""
    folder = url.removeprefix(_FILE).rpartition("/")[0]
    return folder if folder and url == default_store(folder) else RESULTS


def verbs_store() -> str:
    """Return the store that a verb reads without `--store`: $SWEEP_STORE, else the default one."""
    return os.environ.get(VARIABLE) or default_store()


def is_same_store(one: str, other: str) -> bool:
    """Return whether two URLs name the same store: equal except for a password, or the same file."""
    if one.startswith(_FILE) and other.startswith(_FILE):
        return os.path.realpath(one.removeprefix(_FILE)) == os.path.realpath(other.removeprefix(_FILE))
    return without_password(one) == without_password(other)


def absolute_store(url: str) -> str:
    """Return a store's URL without a password; of a SQLite file, with its real path (`sqlite:////data/s.db`)."""
    driver, _, file = url.partition(":///")
    if driver in ("sqlite", "sqlite+pysqlite"):
        if file in ("", ":memory:"):
            return "sqlite://"
        return f"{_FILE}{os.path.realpath(file)}"
    return without_password(url).replace("postgresql+psycopg://", "postgresql://", 1)


def store_option(url: str) -> str:
    """Return ` --store URL` to append to a verb, without its password; empty if the verb finds the store without it."""
    return "" if is_same_store(url, verbs_store()) else f" --store {shlex.quote(without_password(url))}"


def store_word(url: str) -> str:
    """Return ` store.url=URL` to append to the command of a study; empty if that is the default store."""
    return "" if is_same_store(url, default_store()) else f" {_URL_WORD}{shlex.quote(without_password(url))}"


def rebuild_command(url: str, results: str | None = None) -> str:
    """Return the command that rebuilds a store, from this results folder if given."""
    folder = ""
    if results is not None and os.path.realpath(results) != os.path.realpath(results_of(url)):
        folder = f" --results {shlex.quote(results)}"
    return f"python -m sweep rebuild{store_option(url)}{folder}"


def without_default_store(command: Iterable[str], results: str) -> tuple[str, ...]:
    """Return a study's command without a `store.url` that names the store it has in this folder anyway.

    It stays if the results folder is not in the command and follows from it.
    """
    words = tuple(command)
    is_named = results == RESULTS or any(word.lstrip("+").startswith("results=") for word in words)
    default = default_store(results)
    return tuple(w for w in words if not (is_named and is_store_word(w) and is_same_store(_url_of(w), default)))


def is_store_word(word: str) -> bool:
    """Return whether an argument of a command sets `store.url`."""
    return word.lstrip("+").startswith(_URL_WORD)


def _url_of(word: str) -> str:
    return word.lstrip("+").removeprefix(_URL_WORD).strip("'\"")

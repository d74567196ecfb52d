"""Which store is meant where none is named, and the words that name another one to a verb."""

import os
import shlex
from collections.abc import Iterable

from sweep.config.secrets import without_password

VARIABLE = "SWEEP_STORE"
RESULTS = "results"
"""The results folder of a study that names neither one nor a store."""

_FILE = "sqlite:///"
_URL_WORD = "store.url="


def default_store(results: str = RESULTS) -> str:
    """Return the store of a study that names none: as `store.url` in conf/config.yaml."""
    return f"{_FILE}{results}/sweep.db"


def results_of(url: str) -> str:
    """Return the results folder whose default store this is, `results` for any other store."""
    folder = url.removeprefix(_FILE).rpartition("/")[0]
    return folder if folder and url == default_store(folder) else RESULTS


def verbs_store() -> str:
    """Return the store that a verb reads without `--store`: $SWEEP_STORE, else the default one."""
    return os.environ.get(VARIABLE) or default_store()


def is_same_store(one: str, other: str) -> bool:
    """Return whether two URLs name one store: they are alike but for a password, or their file is the same."""
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
    """Return ` --store URL`, to stand behind a verb, without its password; empty where the verb finds it without."""
    return "" if is_same_store(url, verbs_store()) else f" --store {shlex.quote(without_password(url))}"


def store_word(url: str) -> str:
    """Return ` store.url=URL`, to stand behind the command of a study; empty if that is the default store."""
    return "" if is_same_store(url, default_store()) else f" {_URL_WORD}{shlex.quote(without_password(url))}"


def rebuild_command(url: str, results: str | None = None) -> str:
    """Return the command that makes a store anew, from this results folder where one is given."""
    folder = ""
    if results is not None and os.path.realpath(results) != os.path.realpath(results_of(url)):
        folder = f" --results {shlex.quote(results)}"
    return f"python -m sweep rebuild{store_option(url)}{folder}"


def without_default_store(command: Iterable[str], results: str) -> tuple[str, ...]:
    """Return a study's command without a `store.url` that names the store which it has anyhow in this folder.

    A folder that the command does not name may follow from that word: then it stays.
    """
    words = tuple(command)
    is_named = results == RESULTS or any(word.lstrip("+").startswith("results=") for word in words)
    default = default_store(results)
    return tuple(w for w in words if not (is_named and is_store_word(w) and is_same_store(_url_of(w), default)))


def is_store_word(word: str) -> bool:
    """Return whether a word of a command sets `store.url`."""
    return word.lstrip("+").startswith(_URL_WORD)


def _url_of(word: str) -> str:
    return word.lstrip("+").removeprefix(_URL_WORD).strip("'\"")

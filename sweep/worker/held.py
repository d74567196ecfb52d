"""What this process holds that a forked child would share or lose: threads and open files."""

from contextlib import suppress
from pathlib import Path

HARMLESS_DEVICES = frozenset({"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"})
# jemalloc comes with pyarrow, which many imports of pandas and scikit-learn load. Its fork handlers hold its locks
# during a fork, and a child starts without the thread (background_thread_prefork, background_thread_postfork_child).
HARMLESS_THREADS = frozenset({"jemalloc_bg_thd"})


def number_of_threads() -> int:
    """Return the number of threads of this process that matter to a fork, this one included."""
    return sum(name not in HARMLESS_THREADS for name in thread_names())


def thread_names() -> list[str]:
    """Return the name of each thread in this process."""
    names = []
    for task in Path("/proc/self/task").iterdir():
        with suppress(OSError):  # the thread has ended in the meantime
            names.append((task / "comm").read_text(errors="replace").strip())
    return names


def open_files() -> dict[int, str]:
    """Return what each open descriptor refers to, without devices that have no state."""
    files = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:  # the descriptor that listed the folder
            continue
        if target not in HARMLESS_DEVICES:
            files[int(entry.name)] = target
    return files

"""Makes forking cheap: memory in huge pages has a five hundredth of the page table that every fork copies and drops."""

import ctypes
from collections.abc import Iterator
from pathlib import Path

HUGE_BYTES = 2 << 20
MADV_COLLAPSE = 25  # Linux 6.1


def use_huge_pages() -> Iterator[None]:
    """Turn this process's private memory into huge pages, one in each step (about a millisecond); addresses stay.

    Ends early where the kernel cannot. Measured with Paddle imported, 138 MB of such memory: fork, a child's life and
    its end cost 12 ms of processor time instead of 21.
    """
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    missed = 0
    for address in _huge_places():
        missed = 0 if madvise(address, HUGE_BYTES, MADV_COLLAPSE) == 0 else missed + 1
        if missed >= 20:
            return
        yield


def _huge_places() -> list[int]:
    """Return the addresses in heap and anonymous private memory where a huge page can be."""
    places: list[int] = []
    for line in Path("/proc/self/maps").read_text(errors="replace").splitlines():
        words = line.split(maxsplit=5)
        if words[1] == "rw-p" and (len(words) < 6 or words[5] == "[heap]"):
            begin, _, end = words[0].partition("-")
            first = -(-int(begin, 16) // HUGE_BYTES) * HUGE_BYTES
            places += range(first, int(end, 16) - HUGE_BYTES + 1, HUGE_BYTES)
    return places

"""Named random streams: each use of randomness in a trial has its own stream (docs/tasks.md)."""

import hashlib


def stream_seed(seed: int, name: str) -> int:
    """Return the seed, in [0, 2**31), of the stream `name` of a trial with this seed.

    Streams are independent: what one draws never shifts another, so that two trials with the same seed stay paired
    (turning dropout off does not reshuffle the data).
    """
    digest = hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % 2**31

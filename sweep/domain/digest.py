"""Digests of file contents."""

import hashlib


def content_digest(data: bytes) -> str:
    """Return a hex digest (32 characters) of a file's contents."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()

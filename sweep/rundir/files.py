"""Whole files: written completely or not at all."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sweep.domain.digest import content_digest


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Add the file's name to an OSError raised in the block: that of a full disk comes from a write and has none."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def write_json_atomic(path: Path, data: Any, *, is_durable: bool = True) -> None:
    """Write `data` as strict JSON (UTF-8): a reader sees the old file or the new one, never half of it.

    With `is_durable` False there is no fsync, which saves some milliseconds: for files that are written again after a
    power failure. Raises ValueError if `data` holds NaN or an infinity, which strict JSON does not have, and OSError.
    """
    text = json_text(data)
    _write_atomic(path, text.encode("utf-8", errors="backslashreplace"), is_durable=is_durable)


def json_text(data: object) -> str:
    """Return `data` as the text of a JSON file. Raises ValueError for NaN or an infinity, which strict JSON lacks."""
    return json.dumps(data, allow_nan=False, ensure_ascii=False, indent=1) + "\n"


def write_text_atomic(path: Path, text: str) -> None:
    """Write a text (UTF-8): a reader sees the old file or the new one. Raises OSError."""
    _write_atomic(path, text.encode("utf-8", errors="backslashreplace"), is_durable=True)


def _write_atomic(path: Path, data: bytes, *, is_durable: bool) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with naming(path), temporary.open("wb") as file:
            file.write(data)
            file.flush()
            if is_durable:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def read_json(path: Path | str) -> Any:
    """Return the contents of a JSON file. Raises OSError, ValueError (UnicodeDecodeError and JSONDecodeError)."""
    return json.loads(read_bytes(path).decode("utf-8"))


def sayable(text: str) -> str:
    """Return a text that UTF-8 can encode: half of a surrogate pair, as in odd file names, is escaped."""
    return text.encode("utf-8", errors="backslashreplace").decode("utf-8")


def digest_of(path: Path | str) -> str | None:
    """Return a hex digest of a small file, None if it cannot be read."""
    try:
        return content_digest(read_bytes(path))
    except OSError:
        return None


def read_bytes(path: Path | str) -> bytes:
    """Return the contents of a small file. Raises OSError.

    By plain system calls: this runs for each trial, and `Path.read_bytes` takes three times as long.
    """
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        data = b""
        while part := os.read(file, 1 << 16):
            data += part
        return data
    finally:
        os.close(file)

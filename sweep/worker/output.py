"""What a task's `train` returned: results that were to be logged, most likely."""

from collections.abc import Mapping

NAMED = 4
"""At most this number of keys are named."""


def returned_text(value: object) -> str:
    """Return what was returned in a few words: `a dict (loss, acc)`, `a float`. Never raises, whatever it is."""
    try:
        keys = ", ".join(str(key)[:40] for key in list(value)[:NAMED]) if isinstance(value, Mapping) else ""
        kind = type(value).__name__
        return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}{f' ({keys})' if keys else ''}"
    except Exception:  # a task's own class may do anything
        return "a value"

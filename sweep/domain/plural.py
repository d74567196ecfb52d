"""Counts and figures as text, with singular and plural."""


def count_text(count: int, singular: str, plural: str | None = None) -> str:
    """Return `1 trial`, `20 trials`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def figure_text(value: float, digits: int) -> str:
    """Return a figure with `digits` significant digits: `100`, `0.0032`; with an exponent below 0.0001 and from 1e6 on.

    `format(100.0, ".2g")` would give `1e+02`.
    """
    return f"{float(f'{value:.{digits}g}'):,g}"


def share_text(part: int, whole: int, singular: str) -> str:
    """Return `3 of 4 trials`, `1 of 1 trial`."""
    return f"{part:,} of {count_text(whole, singular)}"

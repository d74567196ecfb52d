"""How many there are of something, in words: what there is one of is said in the singular."""


def count_text(count: int, singular: str, plural: str | None = None) -> str:
    """Return `1 trial`, `20 trials`."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def figure_text(value: float, digits: int) -> str:
    """Return a figure to `digits` significant ones: `100`, `0.0032`; an exponent only below 0.0001 or from a million.

    `format(100.0, ".2g")` is `1e+02`, beside a 100 in the next sentence.
    """
    return f"{float(f'{value:.{digits}g}'):,g}"


def share_text(part: int, whole: int, singular: str) -> str:
    """Return `3 of 4 trials`, `1 of 1 trial`."""
    return f"{part:,} of {count_text(whole, singular)}"

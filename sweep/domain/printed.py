"""Metrics in the lines that a program prints: names and numbers, without any convention that the program must follow.

A line is prepared (`printed_text`), its counters (`epoch 3/10`) are set aside, and then named numbers are read. A
number without a name is never taken, and a name that says time, speed, memory or a setting is left out: rather no
metric than a wrong one. Percentages are recorded as fractions.

Names are `split/name`, in lower case with `_` for blanks: `Train Loss` is `train/loss`, `val_acc` is `val/acc`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sweep.domain.metric_words import (
    METRIC_WORDS,
    PHASES,
    SPLITS,
    STOP,
    arranged,
    is_no_metric,
    measure_word,
    pieces_of,
)
from sweep.domain.printed_text import COUNTED, VALUE, WORD, prepared

LINE_LIMIT = 4096
"""Characters of a line that are read; a longer one is a dump of data."""

_VECTOR = re.compile(rf"[\[(]\s*{VALUE}(?:[,\s]+{VALUE})+[,\s]*[\])]", re.IGNORECASE)
"""Several numbers in brackets: which of them is meant is not known."""

_COUNTER = re.compile(
    rf"\b({COUNTED})\b\s*[:=#]?\s*[\[(]?\s*(\d+)(?![\d.]*[eE.]\d)(?:\s*(?:/|of|\\)\s*(\d+))?\s*[\])]?(?![\w.%])",
    re.IGNORECASE,
)
_FRACTION = re.compile(r"[\[(]?\s*\b(\d+)\s*/\s*(\d+)\b(?:\s*\(?\d+(?:\.\d+)?\s*%\)?)?\s*[\])]?")
_BAR = re.compile(r"\d+%\s*\|[^|]*\|")
_ADDRESS = re.compile(r"\w+://\S+")

_PAIR = re.compile(
    rf"""(?P<name>(?:{WORD}[ \t]+){{0,5}}['"]?{WORD}['"]?(?:[ \t]*\([^()]*\)|[ \t]*\[[^\[\]\d]*\])?)
         (?P<sep>\s*(?:[:=：]|->|=>|\bis\b:?|[ \t])\s*)
         (?P<value>{VALUE})
         (?P<percent>\s?%)?
         (?P<rest>[\w:./\\]*)""",
    re.VERBOSE | re.IGNORECASE,
)

_HALF_TENSOR = re.compile(r"Tensor\(shape=\[[\d, ]*\][^\[\]]*stop_gradient=\w+,\s*$")
_VERBS = ("is", "are", "was", "were")
_BRACKETS = re.compile(r"[\[(].*?[\])]")
_CAMEL = re.compile(r"^([Tt]rain|[Vv]al|[Vv]alid|[Tt]est|[Ee]val|[Bb]est)(?=[A-Z])")
_AT_RANK = re.compile(r"@\d+$")
"""`hr@10`: the ten best answers count."""

_UNIT = re.compile(
    r"^(?:s|ms|us|sec|secs|seconds?|min|mins|h|it/s|s/it|it|mb|gb|kb|mib|gib|m|k|g|x|hz|fps|px|w|items|images|samples"
    r"|files|examples|classes|batches|runs|seeds|folds)\b",
    re.IGNORECASE,
)
_HEADING = re.compile(
    r"\b(best|final|最佳|最终)\s+(?:\w+\s+)?(?:metrics?|results?|model|scores?)\s*[,:|]", re.IGNORECASE
)
"""What begins a list of figures that are all bests so far, or final ones."""
_RATIO = re.compile(rf"({WORD})\s*[:=：]?\s*[\[(]?(\d+)\s*/\s*(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """What a line says: metrics by name, and counters (`epoch`, `step`, ...) by theirs."""

    metrics: Mapping[str, float] = field(default_factory=dict, hash=False)
    counters: Mapping[str, int] = field(default_factory=dict, hash=False)


def read_line(line: str) -> Printed:
    """Return the metrics and counters of one line (without its end); empty for a line that has none."""
    text = prepared(line[:LINE_LIMIT])
    if not text:
        return Printed()
    ratios = _ratios(text)
    text, counters = _without_counters(text)
    metrics: dict[str, float] = {}
    for name, value in _pairs(text, ratios):
        metrics.setdefault(name, value)
    return Printed(metrics=metrics, counters=counters)


class LineSplitter:
    """Splits what a program prints, as it comes, into lines, those that overwrite one another included."""

    def __init__(self) -> None:
        self._rest = ""
        self._held = ""

    def feed(self, text: str) -> Iterator[str]:
        """Yield each line that is now complete, without its end."""
        *lines, self._rest = re.split(r"[\r\n]", self._rest + text)
        if len(self._rest) > LINE_LIMIT:  # a line without an end
            self._rest = self._rest[-LINE_LIMIT:]
        for line in lines:
            if line:
                yield from self._joined(line)

    def close(self) -> Iterator[str]:
        """Yield the last line, if it has no end."""
        rest, self._rest = self._held + self._rest, ""
        self._held = ""
        if rest:
            yield rest

    def _joined(self, line: str) -> Iterator[str]:
        line, self._held = self._held + line, ""
        if "Tensor(" in line and _HALF_TENSOR.search(line):
            self._held = line  # a tensor is printed over two lines: its value is on the next
        else:
            yield line


def _ratios(text: str) -> dict[str, tuple[str, float]]:
    """Return the metrics that are printed as a fraction, `Accuracy: 9123/10000`: text to name and value."""
    found: dict[str, tuple[str, float]] = {}
    for match in _RATIO.finditer(text) if "/" in text else ():
        word = measure_word(match[1])
        part, whole = int(match[2]), int(match[3])
        if word in METRIC_WORDS and 0 <= part <= whole and whole > 0:
            found[match[0]] = (match[1], part / whole)
    return found


def _without_counters(text: str) -> tuple[str, dict[str, int]]:
    counters: dict[str, int] = {}

    def take(match: re.Match[str]) -> str:
        counters.setdefault(_counter_name(match[1]), int(match[2]))
        return " ; "

    text = _BAR.sub(" ; ", _ADDRESS.sub(" ; ", text))
    return _COUNTER.sub(take, text), counters


def _counter_name(word: str) -> str:
    word = word.lower().replace(" ", "_")
    if word.startswith(("epoch", "ep")) and not word.startswith("episode"):
        return "epoch"
    if word.startswith(("it", "step", "global", "batch")):
        return "batch" if word.startswith("batch") else "step"
    return word.rstrip("s")


def _pairs(text: str, ratios: Mapping[str, tuple[str, float]]) -> Iterator[tuple[str, float]]:
    """Yield names and numbers of a line from left to right."""
    for written, (word, value) in ratios.items():
        at = text.find(written)
        name = _name_of(text[: max(at, 0)], word)
        if name and at >= 0:
            yield name, value
            text = text.replace(written, " ; ", 1)
    text = _FRACTION.sub(" ; ", _VECTOR.sub(" ; ", text))
    at = 0
    while match := _PAIR.search(text, at):
        at = match.end("value")
        if not _is_value(match):
            continue
        separator = match["sep"].strip().lower()
        name = _name_of(
            text[: match.start("name")], match["name"], is_blank=not separator, is_verb=separator.startswith("is")
        )
        if name:
            yield name, _number(match["value"], is_percent=bool(match["percent"]))


def _is_value(match: re.Match[str]) -> bool:
    """Return whether the number is one by itself: no part of a time, a version or a path, and without a unit."""
    rest = match["rest"]
    if match["percent"]:
        return True
    if rest in ("", ".", ":"):
        following = match.string[match.end() : match.end() + 12].lstrip(" ")
        return not (_UNIT.match(following) and match.string[match.end() : match.end() + 1] == " ")
    return False


def _name_of(before: str, written: str, *, is_blank: bool = False, is_verb: bool = False) -> str | None:
    """Return the metric's name, None if what is written before a number is none; `before` is the line up to there."""
    if is_blank and "(" in written:
        return None
    words = [word for word in (_cleaned(word) for word in _BRACKETS.sub("", written).split()) if word]
    if words and words[-1] in _VERBS:
        words, is_verb = words[:-1], True
    kept: list[str] = []
    for word in reversed(words):
        if word in STOP and not is_verb:
            break
        if word not in STOP:
            kept.insert(0, word)
    pieces = pieces_of(word.replace("@", "") for word in kept)
    if not pieces or is_no_metric(pieces) or before.endswith("/"):
        return None
    if is_verb and not any(_says_metric(word) for word in kept):
        return None
    if is_blank and not is_verb and not _says_metric(kept[-1]):
        return None
    earlier = f"{before} {' '.join(words[: len(words) - len(kept)])}"
    heading = _HEADING.search(before) if "est" in before or "inal" in before or "最" in before else None
    return arranged(pieces, split=_context(earlier), phase=PHASES[heading[1].lower()] if heading else None)


def _says_metric(word: str) -> bool:
    return measure_word(word) in METRIC_WORDS or _AT_RANK.search(word) is not None


def _context(before: str) -> str | None:
    """Return the split that the last word for one, in the line so far, stands for."""
    for word in reversed(re.split(r"[\s\[\](){}<>|,;:#*=【】（），：；]+", before.lower())):
        if word.strip(".-'\"") in SPLITS:
            return SPLITS[word.strip(".-'\"")]
    return None


def _cleaned(word: str) -> str:
    return _CAMEL.sub(r"\1_", word.strip("'\"()[]{}<>,;:|*#.-=~")).lower()


def number_of(text: str) -> float | None:
    """Return the number that a text is, as programs print it; None if it is none."""
    match = re.fullmatch(rf"\s*({VALUE})\s*(%?)\s*", text, re.IGNORECASE)
    return None if match is None else _number(match[1], is_percent=bool(match[2]))


def _number(text: str, *, is_percent: bool) -> float:
    lowered = text.lower().lstrip("+-")
    if lowered.startswith("nan"):
        return math.nan
    if lowered.startswith("inf"):
        return -math.inf if text.startswith("-") else math.inf
    value = float(text.replace(",", ""))
    return value / 100 if is_percent else value

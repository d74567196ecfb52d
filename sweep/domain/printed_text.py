"""Prepares a printed line for reading: prefixes of loggers go, wrapped numbers are unwrapped, and turns of phrase that
put words between a name and its number are put as `name: number`.
"""

import re

from sweep.domain.metric_words import METRIC_WORDS, SPLITS, measure_word

NUMBER = r"[-+]?(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
VALUE = rf"(?:{NUMBER}|[-+]?(?:nan[a-z]*|inf(?:inity)?)(?![a-z]))"
WORD = r"[^\W\d_][\w@/.\-+]*"
COUNTED = r"(?:epochs?|steps?|iters?|iterations?|batch(?:es)?|it|ep|global[_ ]step|episodes?|rounds?)"

_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07|[\x00-\x08\x0e-\x1f]")
_CLOCK = r"\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?"
_DATE = r"(?:\d{4}[-/.])?\d{1,2}[-/.]\d{1,2}"
_TIME = rf"{_DATE}[T ,]+\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:[.,]\d+)?(?:Z|[-+]\d{{2}}:?\d{{2}})?|{_CLOCK}"
_LEVEL = r"(?:DEBUG|INFO|WARNING|WARN|ERROR|CRITICAL|SUCCESS)"
_PREFIX = re.compile(
    rf"""^\s*(?:
        [\[(<]?\s*(?:{_TIME})\s*[\])>]?[\s,|:\-]*           # a time, in brackets or not
      | [\[(<]\s*{_LEVEL}\s*[\])>][\s:\-|]*                  # [INFO]
      | {_LEVEL}\s*(?::\s*[\w.]+\s*:|[\s:|\-]+)\s*           # INFO:root:   INFO -
      | I\d{{4}}\s+[\d:.]+\s+\d+\s+[\w.]+:\d+\]\s*           # glog
      | [\w.]+\s+{_LEVEL}\s*[:\-]\s*                         # ppocr INFO:
      | [\w.]+\s+(?:DEBUG|INFO|WARNING)\s{{2,}}              # root   INFO   loss
      | [\w.]+:[\w.<>]+:\d+\s*[-|:]\s*                       # module:function:12 -
      | [\w./]+\.py[:\s(]+(?:line\s*)?\d+\)?\]?\s*[-|:]?\s*  # train.py:12
      | [\[(][\w.]+:\d+[\])]\s*                              # [train.py:12]
      | [\[(]\s*(?:{_TIME})\s*[\w.]+\s*[\])]\s*
    )""",
    re.VERBOSE,
)
_PREFIXES_MOST = 6

_IS_TALK = re.compile(
    r"Namespace\(|\bwarnings?\.warn\(|Warning:|^\s*File \"|^[WEF]\d{4} \d\d:\d\d|\bdid not improve\b"
    r"|\b(?:re)?load(?:ed|ing)\b|\bresum(?:ed|ing)\b"
)
"""Settings, warnings, tracebacks, what a checkpoint had: no number in such a line is a metric."""

_WRAPPERS = (
    ("Tensor(", re.compile(rf"Tensor\(shape=\[[\d, ]*\],[^\[\]]*?stop_gradient=\w+,\s*\[*\s*({VALUE})\s*\]*\s*\)")),
    ("(", re.compile(rf"(?:np\.|numpy\.)?(?:float|int)(?:16|32|64)\(\s*({VALUE})\s*\)")),
    ("(", re.compile(rf"\b(?:array|tensor)\(\s*\[*\s*({VALUE})\s*\]*\s*(?:,\s*dtype=[\w.]+)?\s*\)")),
    ("[", re.compile(rf"(?<=[:=\s：])\[+\s*({VALUE})\s*\]+(?!\w)")),
    ("(", re.compile(rf"(?<=[:=])\(\s*({VALUE})\s*,?\s*\)(?!\w)")),
    ("'", re.compile(rf"(?<=[:=\s：])'({VALUE}%?)'")),
    ('"', re.compile(rf"(?<=[:=\s：])\"({VALUE}%?)\"")),
)
"""What wraps one number, each with a text without which it needs no search."""

_BY_CALL = re.compile(r"\.(?:item|numpy|mean|avg|average|result|compute|accumulate|detach|cpu|value)\(\)(?=\s*[=:])")
_COCO = re.compile(r"@\[\s*IoU=([\d.:]+)\s*\|\s*area=\s*(\w+)\s*\|\s*maxDets=\s*(\d+)\s*\]")
_IN_BRACKETS = re.compile(rf"({WORD})\s*\(\s*([-+]?\d*\.\d+(?:[eE][-+]?\d+)?|nan)\s*(%?)\s*\)", re.IGNORECASE)
_CHANGED = re.compile(
    r"\s*(?:has\s+)?(?:de|in)creased\s*|\s*(?:has\s+)?(?:improved|dropped|rose|reduced|changed|went)\s*", re.IGNORECASE
)
_FROM_TO = re.compile(rf"\s*\(?\s*(?:from\s+)?{VALUE}%?\s*(?:-+>|=+>|→|to)\s*(?={VALUE})", re.IGNORECASE)
_NOUNS = (
    r"(?:images?|samples?|examples?|set|dataset|data|network|model|sentences?|points"
    r"|records|split|batch(?:es)?|epochs?|steps?|iterations?|episodes?|runs)"
)
_OF_DATA = re.compile(
    rf"({WORD})((?:\s+(?:of|on|over|for|in|across)\s+(?:the\s+|all\s+|last\s+)*(?:[\d,]+\s+)?(?:[^\W\d_]+\s+){{0,2}}?{_NOUNS}\b)+)"
    rf"(?=\s*[:=：]|\s+is\b)",
    re.IGNORECASE,
)
_AT_COUNTER = re.compile(
    rf"\s+(?:at|after|in|for|on)\s+(?:{COUNTED}\s*#?\d+)(?=\s*[:=：]|\s+is\b|\s+was\b)", re.IGNORECASE
)
_SO_FAR = re.compile(r"\s+(?:so far|until now|yet)(?=\s*[:=：]|\s+is\b)", re.IGNORECASE)
_OUT_OF = re.compile(r"(\d+)\s+out\s+of\s+(?=\d)", re.IGNORECASE)
_CELL = re.compile(rf"^\W*({WORD})\s*\|\s*({VALUE}%?)\s*\|?\s*$")
_CHINESE_COUNTER = re.compile(r"第\s*(\d+)\s*(?:个)?\s*(轮|次迭代|步|批|epoch|step)")
_CHINESE_IS = re.compile(rf"(?<=[\u4e00-\u9fff])(?:为|是)?\s*[:：]?\s*(?={VALUE})", re.IGNORECASE)


def prepared(line: str) -> str:
    """Return a line as it is to be read; empty if no number in it is a metric."""
    text = _without_prefix(_ANSI.sub("", line))
    lowered = text.lower()
    if not (re.search(r"\d", text) or "nan" in lowered or "inf" in lowered) or _IS_TALK.search(line):
        return ""
    for mark, wrapper in _WRAPPERS:
        if mark in text:
            text = wrapper.sub(r"\1", text)
    return _rephrased(text, lowered)


def _without_prefix(text: str) -> str:
    for _ in range(_PREFIXES_MOST):
        shorter = _PREFIX.sub("", text, count=1)
        if shorter == text:
            break
        text = shorter
    return text


def _rephrased(text: str, lowered: str) -> str:
    """Return a line with its turns of phrase put as `name: number`. `lowered` is the line in lower case, or longer."""
    if "(" in text:
        text = _IN_BRACKETS.sub(_named_value, _BY_CALL.sub("", text))
        text = _COCO.sub(_coco, text) if "maxDets" in text else text
    if "ed" in lowered or "rose" in lowered or "went" in lowered:
        text = _of_change(text)
    text = text.replace("^", "") if "R^2" in text else text
    text = _OUT_OF.sub(r"\1/", text) if "out of" in lowered else text
    if "|" in text and (cell := _CELL.match(text)) and measure_word(cell[1]) in METRIC_WORDS:
        text = f"{cell[1]}: {cell[2]}"
    text = _SO_FAR.sub("", _AT_COUNTER.sub("", _OF_DATA.sub(_split_first, text)))
    if not text.isascii():
        text = _CHINESE_IS.sub(": ", _CHINESE_COUNTER.sub(_chinese_counter, text))
    return text


def _named_value(match: re.Match[str]) -> str:
    """`mIoU (0.73)` is `mIoU: 0.73`."""
    return f"{match[1]}: {match[2]}{match[3]}" if measure_word(match[1]) in METRIC_WORDS else match[0]


def _coco(match: re.Match[str]) -> str:
    """The first of COCO's twelve lines is the metric; the others are it for parts of the objects."""
    return "" if match.groups() == ("0.50:0.95", "all", "100") else ": ; "


def _of_change(text: str) -> str:
    """`loss decreased (0.6 --> 0.5)` is `loss: 0.5`."""
    for match in _CHANGED.finditer(text):
        if before := _FROM_TO.match(text, match.end()):
            return f"{text[: match.start()]}: {text[before.end() :]}"
    return text


def _split_first(match: re.Match[str]) -> str:
    """`accuracy on the 100 test images` is `test accuracy`."""
    if measure_word(match[1]) not in METRIC_WORDS:
        return match[0]
    split = next((word for word in match[2].lower().split() if word in SPLITS), "")
    return f"{split} {match[1]}".lstrip()


def _chinese_counter(match: re.Match[str]) -> str:
    return f" {'epoch' if match[2] in ('轮', 'epoch') else 'step'} {match[1]} "

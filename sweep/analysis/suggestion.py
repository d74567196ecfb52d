"""A suggested change of a script, as a unified diff: where one literal, or one argument, of a call on a single line can
be changed safely. It is shown, never applied."""

import ast
import difflib
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sweep.domain.inventory import Suggestion
from sweep.domain.part import Part

CONTEXT_LINES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A part of a program that is to have another value of a knob, as an override writes it (`0.0`, `none`, `adam`)."""

    part: Part
    value: str


@dataclass(frozen=True, slots=True)
class _Edit:
    """Columns `start` to `end` (bytes of UTF-8) of a line, counted from 1, become `text`."""

    line: int
    start: int
    end: int
    text: str


def suggest(wanted: Sequence[Wanted], sources: Mapping[str, str]) -> Suggestion:
    """Return the change of a program's files that gives these parts their values.

    `sources` are the contents of the files by the path that parts have. A change is suggested only if the line has
    exactly one call that it could be about, with the value that was recorded.
    """
    edits: dict[str, dict[_Edit, None]] = {}
    left: list[Part] = []
    trees = {path: tree for path, text in sources.items() if (tree := _parsed(text)) is not None}
    for each in wanted:
        path, _, line = (each.part.where or "").rpartition(":")
        found = _edits(trees[path], int(line), each) if path in trees and line.isdigit() else []
        for edit in found:
            edits.setdefault(path, {})[edit] = None
        if not found:
            left.append(each.part)
    diffs = [_diff(path, sources[path], list(of_file)) for path, of_file in edits.items()]
    if not all(diffs):  # two edits at one place, or a file that would no longer be Python
        return Suggestion(diff="", left=tuple(each.part for each in wanted))
    return Suggestion(diff="".join(diffs), left=tuple(dict.fromkeys(left)))


def _edits(tree: ast.Module, line: int, wanted: Wanted) -> list[_Edit]:
    rule = _RULES.get(wanted.part.knob)
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and node.lineno == line and node.end_lineno == line and _has_no_stars(node)
    ]
    if rule is None or not calls:
        return []
    found = [edits for call in calls if (edits := rule(call, wanted))]
    return found[0] if len(found) == 1 else []


# -- the rules: each returns the edits of a call, none if it is not the one that is meant


def _dropout(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    name = _name(call)
    if name in ("dropout", "dropout2d", "dropout3d", "alpha_dropout"):
        node = _argument(call, 1, "p")
    elif name.endswith(("Dropout", "Dropout2D", "Dropout3D", "DropPath")):
        node = _argument(call, 0, "p", "drop_prob")
    else:
        node = _argument(call, None, "dropout")
    return _number(node, wanted)


def _weight_decay(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    if _name(call) in ("L1Decay", "L2Decay"):
        return _number(_argument(call, 0, "coeff"), wanted)
    return _number(_argument(call, None, "weight_decay"), wanted)


def _clip(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    node = _argument(call, None, "grad_clip")
    if wanted.value != "none" or node is None:
        return []
    return [_Edit(call.lineno, node.col_offset, node.end_col_offset or 0, "None")]


def _rate(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    node = _argument(call, 0, "learning_rate")
    rate, factor = wanted.part.value, _float(wanted.value)
    if not isinstance(rate, float) or factor is None or _literal(node) != rate or node is None:
        return []
    return [_replaced(node, f"{rate * factor:g}")]


def _adam(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    kinds = str(wanted.part.value)
    known = {"learning_rate", "parameters", "weight_decay", "grad_clip"}
    node = _argument(call, None, "learning_rate")
    is_plain = not call.args and all(keyword.arg in known for keyword in call.keywords)
    if not is_plain or not isinstance(call.func, ast.Attribute) or call.func.attr != kinds or kinds == "AdamW":
        return []
    if node is None or _literal(node) is None or wanted.value != "adam":
        return []
    end = call.func.end_col_offset or 0
    return [_Edit(call.lineno, end - len(kinds.encode()), end, "Adam"), _replaced(node, "0.001")]


def _batch_size(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    node, factor = _argument(call, None, "batch_size"), _float(wanted.value)
    size = _literal(node)
    if node is None or size is None or factor is None or size != wanted.part.value:
        return []
    return [_replaced(node, str(max(1, round(size * factor))))]


def _shuffle(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    if not _name(call).endswith("DataLoader") or wanted.value != "true":
        return []
    node = _argument(call, None, "shuffle")
    if isinstance(node, ast.Constant) and node.value is False:
        return [_replaced(node, "True")]
    names = {keyword.arg for keyword in call.keywords}
    return [] if names & {"shuffle", "batch_sampler"} or len(call.args) > 1 else [_added(call, "shuffle=True")]


def _epsilon(call: ast.Call, wanted: Wanted) -> list[_Edit]:
    node = _argument(call, None, "epsilon")
    return _number(node, wanted) if node is not None else []


_RULES: Mapping[str, Callable[[ast.Call, Wanted], list[_Edit]]] = {
    "dropout": _dropout,
    "weight_decay": _weight_decay,
    "clip": _clip,
    "lr_scale": _rate,
    "optimizer": _adam,
    "batch_scale": _batch_size,
    "shuffle": _shuffle,
    "adam_eps": _epsilon,
}


# -- pieces of a call


def _number(node: ast.expr | None, wanted: Wanted) -> list[_Edit]:
    """Return the edit of a literal that has the value which was recorded, none for anything else."""
    value = _float(wanted.value)
    if node is None or value is None or _literal(node) is None or _literal(node) != wanted.part.value:
        return []
    return [_replaced(node, wanted.value)]


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _argument(call: ast.Call, position: int | None, *names: str) -> ast.expr | None:
    """Return an argument of a call by its keyword, else by its position; None if it is not given."""
    for keyword in call.keywords:
        if keyword.arg in names:
            return keyword.value
    return call.args[position] if position is not None and len(call.args) > position else None


def _has_no_stars(call: ast.Call) -> bool:
    return all(keyword.arg is not None for keyword in call.keywords) and not any(
        isinstance(each, ast.Starred) for each in call.args
    )


def _literal(node: ast.expr | None) -> float | None:
    is_number = isinstance(node, ast.Constant) and type(node.value) in (int, float)
    return float(node.value) if is_number and isinstance(node, ast.Constant) else None  # type: ignore[arg-type]


def _float(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _replaced(node: ast.expr, text: str) -> _Edit:
    return _Edit(node.lineno, node.col_offset, node.end_col_offset or 0, text)


def _added(call: ast.Call, text: str) -> _Edit:
    """Return the edit that adds a last argument to a call without a comma before its closing bracket."""
    last = max([*call.args, *(keyword.value for keyword in call.keywords)], key=lambda node: node.col_offset)
    end = last.end_col_offset or 0
    return _Edit(call.lineno, end, end, f", {text}")


# -- the diff


def _diff(path: str, source: str, edits: Iterable[_Edit]) -> str:
    """Return the unified diff of a file with these edits; empty if they overlap or leave no Python."""
    before = io.StringIO(source).readlines()  # as Python counts lines: str.splitlines knows more ends
    after = list(before)
    touched: dict[int, int] = {}
    for edit in sorted(edits, key=lambda each: (each.line, each.start), reverse=True):
        if edit.end > touched.get(edit.line, edit.end):
            return ""
        touched[edit.line] = edit.start
        row = after[edit.line - 1].encode()
        after[edit.line - 1] = (row[: edit.start] + edit.text.encode() + row[edit.end :]).decode()
    if _parsed("".join(after)) is None:
        return ""
    rows = difflib.unified_diff(before, after, f"a/{path}", f"b/{path}", n=CONTEXT_LINES)
    return "".join(row if row.endswith("\n") else f"{row}\n" for row in rows)


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None

"""The change of a script that a report suggests: one literal on one line, or nothing."""

import pytest

from sweep.analysis.suggestion import Wanted, suggest
from sweep.domain.part import Part


def suggested(line, knob, part_value, value, *, before="import paddle\n"):
    source = f"{before}{line}\n"
    part = Part(
        knob=knob, what="x", where=f"train.py:{source[: source.index(line)].count(chr(10)) + 1}", value=part_value
    )
    found = suggest([Wanted(part=part, value=value)], {"train.py": source})
    assert bool(found.diff) is not bool(found.left)
    return [row[1:] for row in found.diff.splitlines() if row[:1] == "+" and row[:3] != "+++"]


@pytest.mark.parametrize(
    ("line", "knob", "part_value", "value", "after"),
    [
        ("d = nn.Dropout(0.95)", "dropout", 0.95, "0.0", "d = nn.Dropout(0.0)"),
        ("d = nn.Dropout(p=.5)  # much", "dropout", 0.5, "0.0", "d = nn.Dropout(p=0.0)  # much"),
        ("h = F.dropout(h, 0.5, training=True)", "dropout", 0.5, "0.0", "h = F.dropout(h, 0.0, training=True)"),
        ("m = nn.LSTM(4, 8, dropout=0.9)", "dropout", 0.9, "0.0", "m = nn.LSTM(4, 8, dropout=0.0)"),
        ("n = S(nn.Linear(4, 2), nn.Dropout(0.5))", "dropout", 0.5, "0.0", "n = S(nn.Linear(4, 2), nn.Dropout(0.0))"),
        ("ü = f('ä'); d = nn.Dropout(0.9)", "dropout", 0.9, "0.0", "ü = f('ä'); d = nn.Dropout(0.0)"),
        ("o = SGD(0.1, weight_decay=5)", "weight_decay", 5.0, "0.0", "o = SGD(0.1, weight_decay=0.0)"),
        ("o = SGD(weight_decay=L2Decay(5.0))", "weight_decay", 5.0, "0.0", "o = SGD(weight_decay=L2Decay(0.0))"),
        ("o = SGD(grad_clip=C(1.0))", "clip", 1.0, "none", "o = SGD(grad_clip=None)"),
        ("o = SGD(0.1, parameters=p)", "lr_scale", 0.1, "0.01", "o = SGD(0.001, parameters=p)"),
        ("o = a.SGD(learning_rate=0.5)", "optimizer", "SGD", "adam", "o = a.Adam(learning_rate=0.001)"),
        ("l = DataLoader(d, batch_size=16)", "batch_scale", 16.0, "4.0", "l = DataLoader(d, batch_size=64)"),
        ("l = DataLoader(d, shuffle=False)", "shuffle", "off", "true", "l = DataLoader(d, shuffle=True)"),
        ("l = DataLoader(d, drop_last=1)", "shuffle", "off", "true", "l = DataLoader(d, drop_last=1, shuffle=True)"),
        ("o = Adam(0.1, epsilon=1e-8)", "adam_eps", 1e-8, "1e-4", "o = Adam(0.1, epsilon=1e-4)"),
    ],
)  # fmt: skip
def test_a_literal_of_a_call_on_one_line_is_changed(line, knob, part_value, value, after):
    assert suggested(line, knob, part_value, value) == [after]


@pytest.mark.parametrize(
    ("line", "knob", "part_value", "value"),
    [
        ("d = nn.Dropout(args.p)", "dropout", 0.5, "0.0"),  # no literal
        ("d = nn.Dropout(0.4)", "dropout", 0.5, "0.0"),  # another value than was recorded: the file was edited
        ("a, b = nn.Dropout(0.5), nn.Dropout(0.5)", "dropout", 0.5, "0.0"),  # which of the two?
        ("d = nn.Dropout(**{'p': 0.5})", "dropout", 0.5, "0.0"),
        ("x = 1", "dropout", 0.5, "0.0"),
        ("o = SGD(scheduler, parameters=p)", "lr_scale", 0.1, "0.01"),
        ("o = Momentum(learning_rate=0.1, momentum=0.9)", "optimizer", "Momentum", "adam"),
        ("l = DataLoader(d, batch_sampler=s)", "shuffle", "off", "true"),
        ("s = StepDecay(0.1, 30)", "scheduler", "StepDecay", "constant"),
    ],
)
def test_what_cannot_be_changed_safely_is_left_to_the_user(line, knob, part_value, value):
    assert suggested(line, knob, part_value, value) == []


def test_a_call_over_several_lines_is_left_to_the_user():
    source = "o = SGD(\n    weight_decay=5.0,\n)\n"
    part = Part(knob="weight_decay", what="x", where="train.py:1", value=5.0)
    assert suggest([Wanted(part=part, value="0.0")], {"train.py": source}).left == (part,)


def test_several_files_and_lines_are_one_diff_and_a_missing_file_is_left():
    sources = {"a.py": "x = Dropout(0.5)\ny = Dropout(0.5)", "b.py": "z = Dropout(0.5)\n"}
    parts = [
        Part(knob="dropout", what="x", where=where, value=0.5) for where in ("a.py:1", "a.py:2", "b.py:1", "c.py:1")
    ]
    found = suggest([Wanted(part=part, value="0.0") for part in parts], sources)
    assert found.left == (parts[3],)
    assert found.diff.count("+++ ") == 2
    assert found.diff.count("Dropout(0.0)") == 3


def test_two_changes_of_one_line_are_both_made():
    line = "o = SGD(learning_rate=0.1, parameters=p, weight_decay=5.0)\n"
    parts = [
        Wanted(part=Part(knob="weight_decay", what="x", where="t.py:1", value=5.0), value="0.0"),
        Wanted(part=Part(knob="lr_scale", what="x", where="t.py:1", value=0.1), value="10.0"),
    ]
    assert "+o = SGD(learning_rate=1, parameters=p, weight_decay=0.0)" in suggest(parts, {"t.py": line}).diff

"""What people read is short: searched values, and toggles that cannot matter. Files for programs have all of it."""

import csv
import io
import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

sys.path.append(str(Path(__file__).parents[2] / "scripts"))

import report_samples as samples

from sweep.analysis import rank
from sweep.domain.axis import Cell, short_value
from sweep.domain.inert import InertToggle
from sweep.report import build_document
from sweep.report.csvfile import ranking_csv
from sweep.report.headings import CostDocument
from sweep.report.html import render_html
from sweep.report.markdown import render_markdown
from sweep.report.phrases import cell_text, cost_text, status_word
from sweep.report.progress import LiveProgress
from sweep.report.terminal import render_ranking

LONG = re.compile(r"\d\.\d{9,}")
EXACT = "0.0031622776601683795"
INERT = (
    ("clip=off", "the task has no knob task.clip"),
    ("clip=on", "the task has no knob task.clip"),
    ("init=xavier", "the task has no knob task.init"),
    ("scheduler=constant", "the task has this value already"),
    ("dropout=half", "the task has no knob task.half"),
)


def printed(summary, width=120):
    console = Console(file=io.StringIO(), width=width)
    console.print(render_ranking(summary))
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (EXACT, "0.0031623"),
        ("0.1", "0.1"),
        ("1e-4", "1e-4"),
        ("123456", "123456"),
        ("relu", "relu"),
        ("[1.23456789,2]", "[1.23456789,2]"),
        ("1.2345678e-05", "1.2346e-05"),
    ],
)
def test_a_searched_value_is_read_in_five_digits_and_only_where_it_is_a_long_float(text, short):
    assert short_value(text) == short


@given(st.floats(-1e300, 1e300))
def test_a_short_value_is_the_same_to_four_digits_and_never_longer(value):
    text = repr(value)
    assert float(short_value(text)) == pytest.approx(value, rel=6e-5, abs=5e-324)
    assert len(short_value(text)) <= len(text)


def test_a_cells_key_keeps_what_its_text_leaves_out():
    cell = Cell(Cell.of(["dropout=off"]).toggles, (("task.hidden", "[64,32]"), ("task.lr", EXACT)))
    assert str(cell) == cell_text(cell.key) == "dropout=off + task.hidden=[64,32] + task.lr=0.0031623"
    assert cell.key == f"dropout=off,task.hidden=[64,32],task.lr={EXACT}"


@pytest.mark.parametrize("key", ["base", "dropout=off", f"lr={EXACT}", f"lr={EXACT},wd=x0.1"])
def test_a_level_keeps_its_name_though_it_is_a_number(key):
    assert cell_text(key) == str(Cell.of([] if key == "base" else key.split(","))) == key.replace(",", " + ")


@pytest.fixture(scope="module")
def search():
    """A search whose values have all their digits."""
    data = samples.search()

    def exact(cell):
        return Cell(cell.toggles, tuple((key, repr(float(value) * (1 + 1e-9))) for key, value in cell.params))

    outcomes = tuple(replace(outcome, cell=exact(outcome.cell)) for outcome in data.outcomes)
    return replace(data, outcomes=outcomes, ranking=rank(outcomes, (), data.target))


def test_the_answer_and_the_table_of_a_search_are_short_and_its_command_is_exact(search):
    summary = build_document(search)
    best = summary.search.top[0]
    assert LONG.search(" ".join(best.overrides))
    assert not LONG.search(summary.answer)
    head, _, commands = printed(summary).partition("\nuse  ")
    assert not LONG.search(head)
    assert all(override in commands.split("cost  ")[0] for override in best.overrides)
    table = [line for line in render_markdown(summary).splitlines() if line.startswith("|")]
    assert not LONG.search("\n".join(table))
    assert f"```sh\n{summary.recommended.command}\n```" in render_markdown(summary)


def test_the_command_to_copy_is_one_line_in_a_narrow_terminal(search):
    summary = build_document(search)
    console = Console(file=io.StringIO(), width=40)
    console.print(render_ranking(summary), crop=False)
    assert f"\n  {summary.recommended.command}\n" in console.file.getvalue()


def test_the_page_of_a_search_is_short_but_for_what_is_to_be_pasted(search):
    summary = build_document(search)
    page = render_html(search, summary)
    body = page[page.index("<body") : page.index('id="reproduce"')]
    read = re.sub(r"<code>.*?</code>", "", body, flags=re.DOTALL)
    assert not LONG.search(re.sub(r"<svg.*?</svg>", "", read, flags=re.DOTALL))
    assert all(f"<code>{' '.join(point.overrides)}</code>" in body for point in summary.search.top)


def test_the_line_of_an_ended_trial_is_short(search):
    out = io.StringIO()
    with LiveProgress(Console(file=out, width=200), clock=lambda: 0.0) as progress:
        progress.start(1)
        progress.trial_ended(search.outcomes[0])
    assert "task.lr=" in out.getvalue()
    assert not LONG.search(out.getvalue())


@pytest.fixture(scope="module")
def few_knobs():
    return samples.study(
        samples.REGULARIZATION,
        "one_at_a_time",
        lambda cell, _seed: "stalled",
        inert=[InertToggle.recorded(*pair) for pair in INERT],
    )


SAID = "clip, dropout=half, init: the task does not read them; scheduler=constant: the task has this value already"


def test_toggles_that_cannot_matter_are_one_line_and_no_rows(few_knobs):
    summary = build_document(few_knobs)
    text = printed(summary, 240)
    assert f"no effect possible here  {SAID}" in text
    assert "inert" not in text
    assert text.count("clip") == 1
    markdown = render_markdown(summary)
    assert f"\nNo effect possible here: {SAID}.\n".replace("_", "\\_") in markdown
    assert sum(line.startswith("|") for line in markdown.splitlines()) == 2 + 1 + 3
    page = render_html(few_knobs, summary)
    ranking = page[page.index('id="ranking"') : page.index('id="cells"')]
    assert f"No effect possible here: {SAID}." in ranking
    assert ranking.count("<tr>") == 1 + 3
    assert "st-inert" not in ranking


def test_files_for_programs_keep_a_row_for_each_toggle(few_knobs):
    summary = build_document(few_knobs)
    rows = csv.DictReader(io.StringIO(ranking_csv(summary)))
    notes = {row["toggle"]: row["note"] for row in rows if row["status"] == "inert"}
    assert notes == dict(INERT)
    assert {t.toggle for t in summary.toggles if t.status == "inert"} == set(notes)


def test_where_every_toggle_can_matter_there_is_no_such_line():
    data = samples.three_axes()
    summary = build_document(data)
    texts = (printed(summary), render_markdown(summary), render_html(data, summary))
    assert not any("effect possible here" in text for text in texts)


def test_notes_that_are_the_same_stand_in_one_line():
    summary = build_document(samples.everything("crash"))
    (line,) = [line for line in printed(summary).splitlines() if "no seed has a verdict" in line]
    assert line.startswith("note  augmentation=off, dropout=off, weight_decay=off: ")


@pytest.mark.parametrize(("width", "name"), [(60, "weight_decay=off"), (40, "weight_d")])
def test_a_narrow_terminal_leaves_the_names_of_the_changes(few_knobs, width, name):
    console = Console(file=io.StringIO(), width=width)
    console.print(render_ranking(build_document(few_knobs)))
    table = console.file.getvalue().partition("toggle")[2]
    assert name in table


def test_a_change_that_has_not_run_yet_is_not_called_undecided():
    assert status_word("undecided", "restore", 0, is_open=True) == "not run yet"


def test_the_cost_of_a_study_that_is_not_over_names_both_counts():
    cost = CostDocument(trials=21, planned=40, steps=2100, base_run_equivalents=4.2, wall_s=3.0)
    assert cost_text(cost).startswith("21 of 40 trials · 2,100 steps")
    assert cost_text(replace(cost, trials=40)).startswith("40 trials ·")
